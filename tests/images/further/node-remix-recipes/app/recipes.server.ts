import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { marked } from "marked";

const folder = join(process.cwd(), "data");

export async function all() {
  const names = await readdir(folder);
  return names.filter((name) => name.endsWith(".md")).map((name) => name.slice(0, -3)).sort();
}

export async function one(slug: string) {
  if (!(await all()).includes(slug)) throw new Response("Not Found", { status: 404 });
  return marked.parse(await readFile(join(folder, `${slug}.md`), "utf8"));
}
