FROM node:22-bookworm-slim
WORKDIR /home/node/app
COPY index.js .
ENV PORT=8080 GREETING="good morning"
CMD ["node", "index.js", "--port", "$PORT", "--greeting", "$GREETING"]
