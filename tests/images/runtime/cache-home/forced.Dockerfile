FROM python:3.12-slim
WORKDIR /srv
COPY render.py .
ENV XDG_CACHE_HOME=/var/cache/render
RUN mkdir -p $XDG_CACHE_HOME && python render.py --warm
EXPOSE 8000
USER 10001
CMD ["python", "render.py"]
