const http = require("http");
http.createServer((request, response) => response.end("hello")).listen(3000);
const fs = require("fs");
fs.mkdirSync("/app/uploads", { recursive: true });
