import { Link, useLoaderData } from "react-router";
import { all } from "~/recipes.server";

export const meta = () => [{ title: "Recipes" }];

export async function loader() {
  return { slugs: await all() };
}

export default function Home() {
  const { slugs } = useLoaderData<typeof loader>();
  return (
    <main>
      <h1>Recipes</h1>
      <ul>
        {slugs.map((slug) => (
          <li key={slug}>
            <Link to={`/recipes/${slug}`}>{slug}</Link>
          </li>
        ))}
      </ul>
    </main>
  );
}
