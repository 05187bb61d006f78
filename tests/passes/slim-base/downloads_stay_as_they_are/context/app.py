print(open("/etc/words").read())
