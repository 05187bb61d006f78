rootProject.name = "a"
