import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { database } from "./database.js";

const app = new Hono();
app.get("/", (c) => c.json(database.prepare("SELECT count(*) AS entries, total(amount) AS total FROM entry").get()));
app.post("/", async (c) => {
  database.prepare("INSERT INTO entry (amount) VALUES (?)").run(Number(await c.req.text()));
  return c.json(database.prepare("SELECT note FROM entry").get(), 201);
});
const server = serve({ fetch: app.fetch, port: 3000 });
process.on("SIGTERM", () => server.close());
