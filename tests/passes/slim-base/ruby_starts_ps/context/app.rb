puts `ps -o rss= -p #{Process.pid}`
