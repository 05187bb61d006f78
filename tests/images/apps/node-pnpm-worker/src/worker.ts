import { readdir, readFile, writeFile } from "node:fs/promises";
import { marked } from "marked";
import PQueue from "p-queue";

const folder = process.env.QUEUE_DIR ?? "/queue";
const queue = new PQueue({ concurrency: 2 });
const once = process.argv.includes("--once");

async function convert(name: string): Promise<void> {
  const html = await marked.parse(await readFile(`${folder}/${name}`, "utf8"));
  await writeFile(`${folder}/${name}.html`, html);
  console.log(name, html.trim());
}

async function round(): Promise<void> {
  const names = await readdir(folder);
  const open = names.filter((name) => name.endsWith(".md") && !names.includes(`${name}.html`));
  await queue.addAll(open.map((name) => () => convert(name)));
}

if (once) await writeFile(`${folder}/a.md`, "*hello*");
await writeFile(`${folder}/.ready`, "");
console.log("worker ready");
await round();
if (!once) setInterval(round, 500);
process.on("SIGTERM", () => process.exit(0));
