require("node:http").createServer((_, answer) => answer.end("ready")).listen(3000)
