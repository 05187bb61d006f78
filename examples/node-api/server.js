const http = require("node:http");
const ms = require("ms");

const server = http.createServer((_request, response) => response.end(`up for ${ms(process.uptime() * 1000)}\n`));
server.listen(process.env.PORT ?? 3000);
