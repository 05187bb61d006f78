open("/etc/app.conf", "w").write("a")
