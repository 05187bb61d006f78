require("http").createServer((q, a) => a.end("a")).listen(3000);
