import polka from "polka";
import sirv from "sirv";

polka()
  .use(sirv("public"))
  .get("/api", (request, response) => response.end("from the server"))
  .listen(8090);
process.on("SIGTERM", () => process.exit(0));
