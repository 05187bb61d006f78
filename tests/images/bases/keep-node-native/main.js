console.log(require("native").hello());
