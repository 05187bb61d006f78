import { createServer } from "node:http";
import { seconds } from "@repo/shared";

const server = createServer((request, response) => {
  const text = decodeURIComponent((request.url ?? "/").slice(1)) || "1m";
  response.end(`${text} are ${seconds(text)} seconds\n`);
});
server.listen(Number(process.env.PORT));
process.on("SIGTERM", () => server.close());
