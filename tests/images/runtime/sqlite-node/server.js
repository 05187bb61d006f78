import { createServer } from "node:http";
import { DatabaseSync } from "node:sqlite";

const database = new DatabaseSync("tasks.db");
database.exec("PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS task (name TEXT)");
createServer((request, response) => {
  if (request.method === "POST") database.prepare("INSERT INTO task VALUES (?)").run(request.url.slice(1));
  response.end(JSON.stringify(database.prepare("SELECT name FROM task").all()));
}).listen(3000);
process.on("SIGTERM", () => process.exit(0));
