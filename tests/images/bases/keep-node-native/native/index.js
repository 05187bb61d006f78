exports.hello = () => require("child_process").execFileSync(__dirname + "/hello").toString().trim();
