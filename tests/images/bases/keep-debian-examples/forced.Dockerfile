FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends jq && rm -rf /var/lib/apt/lists/*
RUN zcat /usr/share/doc/jq/changelog.Debian.gz > /opt/changes
CMD ["head", "-n", "1", "/opt/changes"]
