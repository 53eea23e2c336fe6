/** A route handler: it answers the session's status and version. */

import { readSession } from "../../service";

export async function GET(request, { params }) {
  const { id } = await params;
  const { status, version } = await readSession(id);
  return Response.json({ status, version });
}
