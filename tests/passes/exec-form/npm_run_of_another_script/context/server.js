const http = require("http");
const server = http.createServer().listen(3000);
process.on("SIGTERM", () => server.close());
