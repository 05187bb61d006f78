require("fs").mkdirSync("public")
