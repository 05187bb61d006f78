import { type RouteConfig, index, route } from "@react-router/dev/routes";

export default [
  index("routes/home.tsx"),
  route("recipes/:slug", "routes/recipe.tsx"),
  route("api/recipes", "routes/api.ts"),
] satisfies RouteConfig;
