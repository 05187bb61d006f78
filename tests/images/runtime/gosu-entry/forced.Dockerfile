FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends gosu python3 && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 999 --home-dir /var/lib/store store
COPY docker-entrypoint.sh /usr/local/bin/
COPY store.py /opt/store/store.py
RUN chmod +x /usr/local/bin/docker-entrypoint.sh
VOLUME /var/lib/store
EXPOSE 7000
USER 10001
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["python3", "/opt/store/store.py"]
