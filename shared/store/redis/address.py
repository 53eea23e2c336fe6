"""Parser of `REDIS_URL`: the address of Redis and the login.

| form | connects to |
|---|---|
| `redis://[user:password@]host[:port][/database]` | one server, or any node of a cluster |
| `redis://[user:password@]host:port,host:port,...` | initial nodes of a cluster |
| `redis+sentinel://[user:password@]host:port,.../name[/database]` | the primary of that name |
| `unix://[user:password@]/path[?db=0]` | one server on the same machine |

`rediss://` and `rediss+sentinel://` are the same with TLS. Names and passwords may have
`%`-escapes. The query may have `db`, `username`, `password`, `client_name`, `sentinel_username`,
`sentinel_password` and, for TLS, `ssl_ca_certs`, `ssl_ca_path`, `ssl_ca_data`, `ssl_certfile`,
`ssl_keyfile`, `ssl_password`, `ssl_cert_reqs` (`required`, `optional`, `none`),
`ssl_check_hostname`, `ssl_min_version` and `ssl_ciphers`, with the meaning that redis-py gives
them. redis-py's options for pools and timeouts are accepted and ignored.
"""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from redis.asyncio.connection import URL_QUERY_ARGUMENT_PARSERS, SSLConnection
from redis.exceptions import RedisError

from shared.store.redis.timeouts import DEFAULT, Timeouts

_PORT = 6379
_SENTINEL_PORT = 26379

_SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")
_NAMES = ("db", "username", "password", "client_name", "sentinel_username", "sentinel_password")
_TLS = (
    "ssl_ca_certs",
    "ssl_ca_path",
    "ssl_ca_data",
    "ssl_certfile",
    "ssl_keyfile",
    "ssl_password",
    "ssl_cert_reqs",
    "ssl_check_hostname",
    "ssl_min_version",
    "ssl_ciphers",
)
_IGNORED = (
    "socket_timeout",
    "socket_connect_timeout",
    "socket_keepalive",
    "socket_read_size",
    "retry_on_timeout",
    "max_connections",
    "health_check_interval",
    "timeout",
    "protocol",
    "legacy_responses",
    "decode_responses",
    "encoding",
)


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """One server: a host and a port, or the path of a Unix socket."""

    host: str = "127.0.0.1"
    port: int = _PORT
    path: str | None = None

    def __str__(self) -> str:
        if self.path:
            return self.path
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Login:
    """An optional user name and an optional password."""

    username: str | None = None
    password: str | None = None


@dataclass(frozen=True)
class Tls:
    """TLS options, under the names that redis-py uses."""

    options: Mapping[str, Any]

    @cached_property
    def context(self) -> ssl.SSLContext:
        """The SSL context that redis-py makes. Raises `ValueError` if a file can't be used."""
        try:
            return SSLConnection(**self.options).ssl_context.get()
        except (OSError, ValueError, RedisError) as error:
            raise ValueError(f"has TLS options that can't be used: {error}") from error


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """The parsed `REDIS_URL`."""

    endpoints: tuple[ServerAddress, ...]
    """Servers, or Sentinels if there is a `primary_name`."""
    login: Login = Login()
    database: int = 0
    client_name: str | None = None
    tls: Tls | None = None
    primary_name: str | None = None
    """The primary's name at the Sentinels."""
    sentinel_login: Login = Login()
    timeouts: Timeouts = DEFAULT
    """Not part of `REDIS_URL`."""

    @classmethod
    def of(cls, url: str) -> "RedisAddress":
        """Parse `url`. Raises `ValueError` with the reason, which never has a password."""
        scheme, separator, _ = url.partition("://")
        if not separator or scheme not in _SCHEMES:
            raise ValueError(
                "must begin with rediss:// (or redis://, unix://, redis+sentinel://,"
                " rediss+sentinel://), for example redis://localhost:6379"
            )
        parts = urlsplit(url)
        options = _options(parts.query)
        hosts, login = _hosts_and_login(parts.netloc, options)
        names = [unquote(name) for name in parts.path.split("/") if name]
        if scheme == "unix":
            return cls(
                (ServerAddress(path=_required(unquote(parts.path), "the path of a socket")),),
                login,
                _database(options.get("db", "0")),
                options.get("client_name"),
            )
        has_sentinel = scheme.endswith("+sentinel")
        primary = names.pop(0) if has_sentinel and names else None
        if has_sentinel:
            _required(primary, "the primary's name after the hosts, like /mymaster")
        return cls(
            _endpoints(hosts, _SENTINEL_PORT if has_sentinel else _PORT),
            login,
            _database(options.get("db") or (names[0] if names else "0")),
            options.get("client_name"),
            _tls(options) if scheme.startswith("rediss") else None,
            primary,
            Login(options.get("sentinel_username"), options.get("sentinel_password")),
        )

    def __str__(self) -> str:
        """Return the hosts, without the login."""
        return ",".join(map(str, self.endpoints))


def _options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query))
    if unknown := sorted(set(options) - {*_NAMES, *_TLS, *_IGNORED}):
        raise ValueError(f"has an unknown query option: {unknown[0]}")
    return options


def _hosts_and_login(netloc: str, options: Mapping[str, str]) -> tuple[str, Login]:
    """Return the hosts and the login, which is before the @ or in the query."""
    login, _, hosts = netloc.rpartition("@")
    username, _, password = login.partition(":")
    return hosts, Login(
        unquote(username) or options.get("username"), unquote(password) or options.get("password")
    )


def _endpoints(hosts: str, port: int) -> tuple[ServerAddress, ...]:
    return tuple(_endpoint(host, port) for host in hosts.split(","))


def _endpoint(host: str, port: int) -> ServerAddress:
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]*))(?::(\d*))?", host)
    number = int(found[3] or port) if found else 0
    if not found or not 0 < number < 65536:
        raise ValueError("must have hosts like host:6379, with commas between several")
    return ServerAddress(unquote(found[1] or found[2] or "localhost"), number)


def _database(number: str) -> int:
    if not number.isdecimal():
        raise ValueError("must have a number as the database, like redis://host:6379/0")
    return int(number)


def _required(value: str | None, what: str) -> str:
    if not value:
        raise ValueError(f"must have {what}")
    return value


def _tls(options: Mapping[str, str]) -> Tls:
    """Return the TLS options, with values converted as in redis-py."""
    try:
        return Tls(
            {
                name: URL_QUERY_ARGUMENT_PARSERS.get(name, str)(value)
                for name, value in options.items()
                if name in _TLS
            }
        )
    except ValueError as error:
        raise ValueError(f"has TLS options that can't be used: {error}") from error
