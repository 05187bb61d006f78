FROM python:3.12-slim-bookworm
WORKDIR /app
COPY . .
RUN make
CMD ["python3", "main.py"]
