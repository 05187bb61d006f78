const connect = require("connect");

const app = connect();
app.use("/epoch", (request, response) => response.end(new Date(0).toISOString()));
const server = app.listen(3000, () => console.log("ready"));
process.on("SIGTERM", () => {
  console.log("closing");
  server.close(() => process.exit(0));
});
