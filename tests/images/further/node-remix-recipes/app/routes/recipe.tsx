import { type LoaderFunctionArgs, useLoaderData } from "react-router";
import { one } from "~/recipes.server";

export async function loader({ params }: LoaderFunctionArgs) {
  return { html: await one(params.slug!) };
}

export default function Recipe() {
  const { html } = useLoaderData<typeof loader>();
  return <article dangerouslySetInnerHTML={{ __html: html }} />;
}
