const { parseArgs } = require("node:util");
const { createServer } = require("node:http");

const { values } = parseArgs({ options: { port: { type: "string" }, greeting: { type: "string" } } });
const server = createServer((request, response) => response.end(`${values.greeting} on ${values.port}\n`));
server.listen(Number(values.port));
process.on("SIGTERM", () => server.close(() => process.exit(0)));
