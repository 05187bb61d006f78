document.title = "a"
