const { execFileSync } = require("node:child_process");

execFileSync("git", ["clone", process.env.ADDRESS, "/tmp/mirror"]);
