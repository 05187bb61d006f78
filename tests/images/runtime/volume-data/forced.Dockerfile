FROM python:3.12-slim
ENV DATA=/data
COPY keep.py /usr/local/bin/keep.py
VOLUME /data
EXPOSE 8000
USER 10001
ENTRYPOINT ["python", "/usr/local/bin/keep.py"]
CMD ["--port", "8000"]
