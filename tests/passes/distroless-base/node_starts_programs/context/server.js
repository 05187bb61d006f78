require("child_process").execSync("ls");
