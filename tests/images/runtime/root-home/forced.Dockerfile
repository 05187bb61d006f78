FROM python:3.12-slim
WORKDIR /app
COPY . .
RUN mkdir -p /root/.quizrc && cp questions.json /root/.quizrc/
EXPOSE 8000
USER nobody
CMD ["python", "quiz.py"]
