FROM gcr.io/distroless/nodejs22-debian13
WORKDIR /app
COPY server.js .
CMD ["server.js"]
