import { createServer } from "node:http";
import sharp from "sharp";

const server = createServer(async (request, response) => {
  const width = Number(request.url?.slice(1)) || 10;
  const png = await sharp({ create: { width, height: 5, channels: 3, background: "red" } }).png().toBuffer();
  const { format, height } = await sharp(png).metadata();
  response.end(JSON.stringify({ format, width, height }));
});
server.listen(Number(process.env.PORT), process.env.HOST);
process.on("SIGTERM", () => server.close());
