const fs = require("node:fs");
const http = require("node:http");
const tls = require("node:tls");

http
  .createServer((_, answer) => {
    const hour = new Date(0).getHours();
    const tmp = fs.existsSync("/tmp");
    answer.end(`roots ${tls.rootCertificates.length > 50}, hour ${hour}, tmp ${tmp}, in ${process.cwd()}\n`);
  })
  .listen(3000);
process.on("SIGTERM", () => process.exit(0));
