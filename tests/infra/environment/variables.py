"""Valid production variables of the two targets, Fly.io and Lambda."""

PRODUCTION = {
    "JWT_SECRET": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
    "METRICS_TOKEN": "60303ae22b998861bce3b28f33eec1be758a213c",
    "REDIS_URL": "rediss://default:pw@redis.internal:6379",
    "DATABASE_URL": "postgresql://app:pw@db.internal/synckairos",
    "TRUSTED_PROXY_HOPS": "2",
}

FUNCTIONS = {
    "JWT_SECRET": PRODUCTION["JWT_SECRET"],
    "UPSTASH_REDIS_REST_URL": "https://quick.upstash.internal",
    "UPSTASH_REDIS_REST_TOKEN": "AX9kZjQxMmEtNGU3Yi00YzE2LWE1",
    "SUPABASE_URL": "https://abcdefghijkl.supabase.internal",
    "SUPABASE_SERVICE_ROLE_KEY": "sb_key_8f2kq0Zt5Lm3Vx7Rw1Yc",
    "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_5TqkW8",
    "SUPABASE_SIGNING_KEY": '{"kty":"EC","crv":"P-256","kid":"1","x":"a","y":"b","d":"c"}',
}


def lines(variables: dict[str, str]) -> str:
    """Format variables as the lines of an environment file."""
    return "".join(f"{name}={value}\n" for name, value in variables.items())
