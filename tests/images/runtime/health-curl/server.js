const http = require("http");
const server = http.createServer((request, response) => {
  response.writeHead(request.url === "/up" ? 204 : 200);
  response.end(request.url === "/up" ? undefined : "served");
});
server.listen(3000);
process.on("SIGTERM", () => server.close(() => process.exit(0)) && server.closeAllConnections());
