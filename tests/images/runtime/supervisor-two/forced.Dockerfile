FROM debian:bookworm
RUN apt-get update && apt-get install -y supervisor python3 nginx-light && rm -rf /var/lib/apt/lists/*
COPY supervisord.conf /etc/supervisor/conf.d/app.conf
COPY front.conf /etc/nginx/sites-enabled/default
COPY back.py /opt/back.py
EXPOSE 80
USER www-data
CMD ["/usr/bin/supervisord", "-n", "-c", "/etc/supervisor/supervisord.conf"]
