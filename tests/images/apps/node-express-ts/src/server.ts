import express from "express";
import { z } from "zod";

const Order = z.object({ item: z.string().min(1), count: z.number().int().positive() });
const orders: z.infer<typeof Order>[] = [];
const app = express();

app.use(express.json({ type: "*/*" }));
app.get("/health", (_request, response) => {
  response.json({ status: "ok", env: process.env.NODE_ENV ?? "none" });
});
app.post("/orders", (request, response) => {
  const order = Order.safeParse(request.body);
  if (!order.success) {
    response.status(422).json({ error: order.error.issues[0].path.join(".") });
    return;
  }
  orders.push(order.data);
  response.status(201).json({ number: orders.length });
});

const server = app.listen(3000, () => console.log("listening"));
process.on("SIGTERM", () => server.close(() => process.exit(0)));
