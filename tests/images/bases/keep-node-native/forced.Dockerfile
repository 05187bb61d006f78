FROM node:22-bookworm-slim
WORKDIR /srv
COPY package.json package-lock.json ./
COPY native ./native
RUN npm ci
COPY main.js .
CMD ["node", "main.js"]
