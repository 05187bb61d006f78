FROM python:3.12-slim-bookworm AS full
CMD ["python3", "-V"]

FROM debian:bookworm-slim-slim AS tool
COPY --from=full /usr/lib/x86_64-linux-gnu/libyaml-0.so.2 /opt/
CMD ["ls", "/opt"]

FROM full
COPY --from=tool /opt /opt
COPY main.py /app/
CMD ["python3", "/app/main.py"]
