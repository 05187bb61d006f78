document.title = "recipes";
