import Fastify from "fastify";
import view from "@fastify/view";
import handlebars from "handlebars";
import { greeting } from "./greeting";

const app = Fastify();
app.register(view, { engine: { handlebars }, root: "views" });
app.get("/health", async () => ({ up: true }));
app.get("/hello/:name", (request, reply) => {
  const { name } = request.params as { name: string };
  return reply.view("hello.hbs", { text: greeting(name) });
});
await app.listen({ host: "0.0.0.0", port: 4000 });
process.once("SIGTERM", () => app.close());
