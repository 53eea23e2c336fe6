"""Adapt database URLs that were written for other clients (Prisma, Node's `pg`, ioredis).

Such URLs have options that libpq and redis-py refuse. Options without a meaning here are dropped,
the others are translated.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

_POSTGRES_SCHEMES = ("postgres://", "postgresql://")

_IGNORED_POSTGRES_OPTIONS = frozenset(
    {
        # Prisma
        *("pgbouncer", "connection_limit", "pool_timeout", "schema", "socket_timeout"),
        *("statement_cache_size", "sslaccept", "sslidentity", "single_use_connections"),
        # Node's pg and postgres.js
        *("uselibpqcompat", "max", "idle_timeout", "idletimeoutmillis", "max_lifetime", "prepare"),
        *("connectiontimeoutmillis", "query_timeout", "statement_timeout", "lock_timeout"),
        # Supabase's pooler, and others
        *("supa", "workaround", "pool_mode", "prepared_statements", "preparethreshold"),
    }
)
_LIBPQ_OPTIONS = frozenset(
    {
        *("application_name", "channel_binding", "client_encoding", "connect_timeout", "dbname"),
        *("fallback_application_name", "gssdelegation", "gssencmode", "gsslib", "host"),
        *("hostaddr", "keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval"),
        *("krbsrvname", "load_balance_hosts", "max_protocol_version", "min_protocol_version"),
        *("options", "passfile", "password", "port", "replication", "require_auth"),
        *("requirepeer", "service", "ssl_max_protocol_version", "ssl_min_protocol_version"),
        *("sslcert", "sslcertmode", "sslcompression", "sslcrl", "sslcrldir", "sslkey"),
        *("sslnegotiation", "sslpassword", "sslrootcert", "sslsni", "target_session_attrs"),
        *("tcp_user_timeout", "user"),
    }
)
"""PostgreSQL documentation, section 34.1.2, without the options for tests and OAuth."""

_SUPABASE_HOSTS = (".supabase.co", ".supabase.com")
_SUPABASE_CA = Path(__file__).with_name("supabase-ca.crt")
"""Supabase's own root certificate, with which it signs those of its databases and poolers.

From https://supabase-downloads.s3-ap-southeast-1.amazonaws.com/prod/ssl/prod-ca-2021.crt (Database
Settings, Download certificate). It is valid until 2031-04-26.
"""
_SUPABASE_POOLER = ".pooler.supabase.com"
SESSION_POOLER_PORT = 5432
TRANSACTION_POOLER_PORT = 6543

_LOGGABLE_NAME = re.compile(r"[a-z_]{1,32}", re.IGNORECASE)
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_SSL_MODE_ALIASES = {
    "no-verify": "require",  # of Node's client: encrypt, but don't verify the certificate
    "true": "require",
    "1": "require",
    "false": "disable",
    "0": "disable",
}
_IGNORED_REDIS_OPTIONS = frozenset({"family", "tls"})
_PASSWORD = re.compile(r"(//[^:@/]*:).*(?=@)|(password=)[^&]*")


def postgres_url(url: str) -> str:
    """Return the URL for libpq.

    `sslmode=no-verify` and `ssl=true` of Node's client become `sslmode=require`, which encrypts
    and doesn't verify the certificate. Without an `sslmode`, certificates of Supabase's hosts are
    verified (`verify-full`) with Supabase's root certificate.

    Raises `ValueError`; its message follows the name of the setting and contains no part of the
    URL but option names.
    """
    if not url.startswith(_POSTGRES_SCHEMES):
        raise ValueError("must begin with postgresql://")
    address, _, query = url.partition("?")
    if "@" in query:
        raise ValueError("must have each ? in the password written as %3F")
    if address.count("@") > 1:
        # Otherwise part of the password would be used as the host name, and logged.
        raise ValueError("must have each @ in the password written as %40")
    options = list(_postgres_options(query))
    names = {name for name, _ in options}
    if _host(address).endswith(_SUPABASE_HOSTS) and not names & {"sslmode", "sslrootcert", "host"}:
        options += [("sslmode", "verify-full"), ("sslrootcert", str(_SUPABASE_CA))]
    return _join(address, options)


def pooler_port(url: str) -> int | None:
    """Return the port if `url` leads to one of Supabase's poolers: 5432 or 6543. Otherwise None.

    On port 5432 a client keeps a connection for itself, and there are few of them (15 in the
    smallest projects). On port 6543 it has one for each transaction.
    """
    is_pooler = _host(url.partition("?")[0]).endswith(_SUPABASE_POOLER)
    return (urlsplit(url).port or SESSION_POOLER_PORT) if is_pooler else None


def session_pooler_url(url: str) -> str:
    """Return `url` with the pooler's port for sessions, which migrations need; others unchanged."""
    if pooler_port(url) != TRANSACTION_POOLER_PORT:
        return url
    address, separator, query = url.partition("?")
    port = f":{TRANSACTION_POOLER_PORT}"
    head, _, tail = address.rpartition(port)
    return f"{head}:{SESSION_POOLER_PORT}{tail}{separator}{query}"


def _host(address: str) -> str:
    """Return the host of a URL with one host; empty for several."""
    netloc = address.partition("//")[2].partition("/")[0].rpartition("@")[2]
    return "" if "," in netloc else netloc.partition(":")[0].lower()


def masked(url: str) -> str:
    """Return a URL that was accepted, with `***` instead of each password."""
    return _PASSWORD.sub(r"\1\2***", url)


def _postgres_options(query: str) -> Iterator[tuple[str, str]]:
    options = _options(query)
    has_mode = any(name.lower() == "sslmode" for name, _ in options)
    for name, value in options:
        if name.lower() in _IGNORED_POSTGRES_OPTIONS:
            continue
        if name in _LIBPQ_OPTIONS:
            yield name, value
        elif name.lower() not in ("ssl", "sslmode"):
            raise ValueError(_unknown_option(name))
        elif name.lower() == "sslmode" or not has_mode:
            yield "sslmode", _ssl_mode(value)


def _unknown_option(name: str) -> str:
    shown = f' "{name}"' if _LOGGABLE_NAME.fullmatch(name) else ""
    return f"has an option{shown} that Postgres doesn't know: remove it or correct its name"


def _ssl_mode(value: str) -> str:
    mode = _SSL_MODE_ALIASES.get(value.lower(), value.lower())
    if mode not in _SSL_MODES:
        raise ValueError(f"must have an sslmode of {', '.join(_SSL_MODES[:-1])} or verify-full")
    return mode


def redis_url(url: str) -> str:
    """Return the URL for `RedisAddress`, which validates it.

    Options in camel case are dropped: ioredis uses that, redis-py uses snake case. With `tls=true`
    the scheme becomes `rediss://`.
    """
    address, _, query = url.partition("?")
    options = _options(query)
    if address.startswith("redis://") and ("tls", "true") in options:
        address = f"rediss://{address.removeprefix('redis://')}"
    kept = [
        (name, value)
        for name, value in options
        if name not in _IGNORED_REDIS_OPTIONS and name == name.lower()
    ]
    return _join(address, kept)


def _options(query: str) -> list[tuple[str, str]]:
    """Options of a URL, still percent-encoded."""
    pairs = (part.partition("=") for part in query.split("&") if part)
    return [(name, value) for name, _, value in pairs]


def _join(address: str, options: list[tuple[str, str]]) -> str:
    query = "&".join(f"{name}={value}" for name, value in options)
    return f"{address}?{query}" if query else address
