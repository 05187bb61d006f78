export const dynamic = "force-dynamic";

export function GET() {
  return Response.json({ year: new Date(0).getUTCFullYear() });
}
