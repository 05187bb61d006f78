FROM node:22-bookworm-slim
WORKDIR /app
COPY . .
EXPOSE 3000
USER node
CMD ["node", "--no-warnings", "server.js"]
