import { all } from "~/recipes.server";

export async function loader() {
  return Response.json({ recipes: await all(), secret: (process.env.SESSION_SECRET ?? "").length });
}
