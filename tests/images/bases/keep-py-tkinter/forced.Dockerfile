FROM python:3.12-slim-bookworm
COPY window.py /app/
CMD ["python3", "/app/window.py"]
