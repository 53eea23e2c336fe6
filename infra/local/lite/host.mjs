// Supabase's own implementation of its API, served on a Postgres that somebody else runs.
//
// DATABASE_URL, PORT, SECRET_KEY and PUBLISHABLE_KEY are taken from the environment. What is set
// right here is where @supabase/lite 0.10.0 on Postgres differs from the hosted service.
import { serve } from "@hono/node-server";
import { App } from "@supabase/lite";
import { createPostgresConnection } from "@supabase/lite/postgres";

const { DATABASE_URL, PORT, SECRET_KEY, PUBLISHABLE_KEY } = process.env;

// Object ids of Postgres' types (pg_type.dat).
const OID = { json: 114, jsonb: 3802, timestamptz: 1184, numeric: 1700 };

// JSON arrives here as text already; encoding it again would make it one long string.
const json = (oid) => ({
  to: oid,
  from: [oid],
  serialize: (value) => (typeof value === "string" ? value : JSON.stringify(value)),
  parse: JSON.parse,
});

// PostgREST writes 2026-01-31T09:30:05.123+00:00 where Postgres writes 2026-01-31 09:30:05.123+00.
const timestamp = {
  to: OID.timestamptz,
  from: [OID.timestamptz],
  serialize: (value) => value,
  parse: (text) => text.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00"),
};

const connection = createPostgresConnection({
  url: DATABASE_URL,
  postgresOptions: {
    max: 10,
    onnotice: () => {},
    types: { json: json(OID.json), jsonb: json(OID.jsonb), timestamptz: timestamp },
  },
});

// The hosted service answers every error of Postgres with its SQLSTATE; this one knows a few of
// them and calls all others an internal error. Its path for errors that name their own status
// carries the rest.
const KNOWN = /^(PGRST|23503|23505|23502|22P02|42)/;
const normalize = connection.normalizeDbError.bind(connection);
connection.normalizeDbError = (thrown) => {
  const error = normalize(thrown);
  if (!/^[0-9A-Z]{5}$/.test(error?.code ?? "") || KNOWN.test(error.code)) return error;
  const { code, message, detail = null, hint = null } = error;
  const status = /^(22|23)/.test(code) ? 400 : 500;
  return Object.assign(new Error(JSON.stringify({ code, message, details: detail, hint })), {
    code: "PGRST",
    detail: JSON.stringify({ status, headers: {} }),
  });
};

const KEYS = new Map([
  [SECRET_KEY, { type: "secret", claims: { role: "service_role" } }],
  [PUBLISHABLE_KEY, { type: "publishable", claims: { role: "anon" } }],
]);

const app = new App({
  connection,
  auth: {
    enabled: true,
    jwt_secret: SECRET_KEY.padEnd(32, "-"),
    publishable_key: PUBLISHABLE_KEY,
    secret_key: SECRET_KEY,
  },
  options: { server: { apiKeys: { resolver: async (key) => KEYS.get(key) ?? null } } },
});

const peerOf = (env) => ({ peerAddress: env.incoming.socket.remoteAddress ?? null });
const server = serve(
  { hostname: "127.0.0.1", port: Number(PORT), fetch: (request, env) => app.fetch(request, peerOf(env)) },
  () => console.log(`listening on ${PORT}`),
);

process.on("SIGTERM", () => {
  server.close();
  server.closeAllConnections();
  process.exit(0);
});
