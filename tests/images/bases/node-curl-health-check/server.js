const http = require("http");
const ms = require("ms");

http.createServer((_, response) => response.end(`fine for ${ms(60000)}\n`)).listen(3000, "0.0.0.0");
process.on("SIGTERM", () => process.exit(0));
