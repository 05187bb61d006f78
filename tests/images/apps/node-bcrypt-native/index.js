const path = require("path");
const bcrypt = require("bcrypt");
const express = require("express");
const multer = require("multer");

const app = express();
const uploads = multer({ dest: path.join(__dirname, "uploads") });
const hash = bcrypt.hashSync("engine", 4);

app.set("view engine", "ejs");
app.use(express.static(path.join(__dirname, "public")));
app.get("/", (request, response) => response.render("index", { members: ["ada", "grace"] }));
app.post("/login", express.text({ type: "*/*" }), async (request, response) => {
  response.json({ welcome: await bcrypt.compare(request.body, hash) });
});
app.post("/upload", uploads.single("file"), (request, response) => response.json({ size: request.file.size }));
app.listen(3000);
