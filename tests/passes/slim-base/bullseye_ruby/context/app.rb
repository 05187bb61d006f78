system("tar", "--bzip2", "-cf", "/tmp/log.tar.bz2", "/app/log")
system("bzip2", "-t", "/tmp/log.tar.bz2")
