FROM python:3.12-slim
WORKDIR /www
COPY . .
EXPOSE 80
USER 10001
CMD ["python3", "serve.py"]
