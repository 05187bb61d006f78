import pathlib
import shutil

import jinja2
import markdown

public = pathlib.Path("public")
public.mkdir(exist_ok=True)
page = jinja2.Environment(loader=jinja2.FileSystemLoader("theme")).get_template("page.html")
for path in sorted(pathlib.Path("content").glob("*.md")):
    (public / f"{path.stem}.html").write_text(page.render(body=markdown.markdown(path.read_text())))
shutil.copy("theme/style.css", public)
