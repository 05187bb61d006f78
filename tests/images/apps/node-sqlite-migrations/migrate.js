import { readdirSync, readFileSync } from "node:fs";
import { database } from "./database.js";

database.exec("CREATE TABLE IF NOT EXISTS done (name TEXT PRIMARY KEY)");
for (const name of readdirSync("migrations").sort()) {
  if (database.prepare("SELECT 1 FROM done WHERE name = ?").get(name)) continue;
  database.exec(readFileSync(`migrations/${name}`, "utf8"));
  database.prepare("INSERT INTO done VALUES (?)").run(name);
  console.log("migrated", name);
}
