"""Addresses of databases as deployments write them, made ready for the clients that are used here.

Other clients (Prisma, Node's `pg`, ioredis) take options in the address that libpq and redis-py
refuse. Those that mean nothing here are dropped, and those that mean something are translated.
"""

import re
from collections.abc import Iterator

_POSTGRES_SCHEMES = ("postgres://", "postgresql://")

_OF_OTHER_POSTGRES_CLIENTS = frozenset(
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
_OF_LIBPQ = frozenset(
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
"""PostgreSQL documentation, section 34.1.2, without what only tests and OAuth need."""

_NAME = re.compile(r"[a-z_]{1,32}", re.IGNORECASE)
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_OTHER_SSL_MODES = {
    "no-verify": "require",  # Node's: encrypted, without a look at the certificate
    "true": "require",
    "1": "require",
    "false": "disable",
    "0": "disable",
}
_OF_OTHER_REDIS_CLIENTS = frozenset({"family", "tls"})


def postgres_url(url: str) -> str:
    """The address for libpq. Raises `ValueError` with the end of a sentence that names the setting.

    `sslmode=no-verify` and `ssl=true`, which Node's client knows, become `sslmode=require`: it
    encrypts and doesn't check the certificate. The message repeats nothing of the address.
    """
    if not url.startswith(_POSTGRES_SCHEMES):
        raise ValueError("must begin with postgresql://")
    address, _, query = url.partition("?")
    if "@" in query:
        raise ValueError("must have a ? of the password written as %3F")
    if address.count("@") > 1:
        # Else a part of the password would be taken for the host, and logged as such.
        raise ValueError("must have an @ of the password written as %40")
    return _joined(address, list(_postgres_options(query)))


def _postgres_options(query: str) -> Iterator[tuple[str, str]]:
    options = _options(query)
    has_mode = any(name.lower() == "sslmode" for name, _ in options)
    for name, value in options:
        if name.lower() in _OF_OTHER_POSTGRES_CLIENTS:
            continue
        if name in _OF_LIBPQ:
            yield name, value
        elif name.lower() not in ("ssl", "sslmode"):
            raise ValueError(_unknown(name))
        elif name.lower() == "sslmode" or not has_mode:
            yield "sslmode", _ssl_mode(value)


def _unknown(name: str) -> str:
    shown = f' "{name}"' if _NAME.fullmatch(name) else ""
    return f"has an option{shown} that Postgres doesn't know: remove it or correct its name"


def _ssl_mode(value: str) -> str:
    mode = _OTHER_SSL_MODES.get(value.lower(), value.lower())
    if mode not in _SSL_MODES:
        raise ValueError(f"must have an sslmode of {', '.join(_SSL_MODES[:-1])} or verify-full")
    return mode


def redis_url(url: str) -> str:
    """The address for `RedisAddress`, which checks it.

    Options of ioredis are dropped: it writes them in camel case, redis-py in snake case. With
    `tls=true` the address becomes one of `rediss://`.
    """
    address, _, query = url.partition("?")
    options = _options(query)
    if address.startswith("redis://") and ("tls", "true") in options:
        address = f"rediss://{address.removeprefix('redis://')}"
    kept = [
        (name, value)
        for name, value in options
        if name not in _OF_OTHER_REDIS_CLIENTS and name == name.lower()
    ]
    return _joined(address, kept)


def _options(query: str) -> list[tuple[str, str]]:
    """The options of an address, percent-encoded as they are."""
    pairs = (part.partition("=") for part in query.split("&") if part)
    return [(name, value) for name, _, value in pairs]


def _joined(address: str, options: list[tuple[str, str]]) -> str:
    written = "&".join(f"{name}={value}" for name, value in options)
    return f"{address}?{written}" if written else address
