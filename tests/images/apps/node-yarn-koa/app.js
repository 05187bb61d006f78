const path = require("path");
const Koa = require("koa");
const files = require("koa-static");
const pug = require("pug");

const page = pug.compileFile(path.join(__dirname, "pages/index.pug"));
const app = new Koa();
app.use(files("static"));
app.use((context) => {
  context.body = page({ count: 3 });
});
app.listen(8080);
