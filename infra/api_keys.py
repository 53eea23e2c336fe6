"""`python -m infra.api_keys`: create, list and revoke API keys in the service's Redis."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import get_args

import httpx
from rich.table import Table

from infra.wide_console import wide_console
from shared.application.api_key_format import KEY_ID, PREFIX, new_key_id
from shared.application.api_key_service import ApiKeyService, NewApiKey
from shared.application.errors import ApiKeyConflict, StoreUnavailable
from shared.application.instants import datetime_of
from shared.application.ports.api_keys import ApiKeyRole, ListedApiKey
from shared.application.store_clock import StoreClock
from shared.auth.claims import SUBJECT, TENANT
from shared.composition.container import redis_connection
from shared.domain.errors import Refusal
from shared.domain.ids import is_printable
from shared.domain.units import DAY, Instant
from shared.observability.logging import configure_logging
from shared.settings.settings import Settings, read_settings
from shared.store.api_key_registry import RedisApiKeyRegistry
from shared.store.connection import StoreConnection
from shared.store.keys import StoreKeys
from shared.store.sessions import RedisSessionStore
from shared.store.upstash import UpstashConnection

_ACTOR = "operator"
_MAX_NAME = 100
_MAX_DAYS = 3_650

Command = Callable[[ApiKeyService, argparse.Namespace], Awaitable[int]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` name, and return the exit code."""
    parsed = _parser().parse_args(arguments)
    configure_logging("ERROR")
    try:
        return asyncio.run(_run(parsed))
    except StoreUnavailable:
        return _fail("Redis can't be reached: check REDIS_URL, or UPSTASH_REDIS_REST_URL.")
    except ApiKeyConflict as error:
        return _fail(f"{error.message}.")
    except Refusal as error:
        return _fail(f"{error}.")


async def _run(parsed: argparse.Namespace) -> int:
    settings = read_settings()
    connection, keys, clock = _connection(settings), StoreKeys(settings.store_shards), StoreClock()
    store = RedisSessionStore(connection, keys, clock)
    try:
        command: Command = parsed.command
        return await command(ApiKeyService(RedisApiKeyRegistry(connection, keys), store), parsed)
    finally:
        await connection.close()


def _connection(settings: Settings) -> StoreConnection:
    """Return the connection to REDIS_URL, or to Upstash's REST endpoint if only that is set."""
    url, token = settings.upstash_redis_rest_url, settings.upstash_redis_rest_token
    if url and token and not settings.redis_url:
        return UpstashConnection(url, token.get_secret_value(), httpx.create_ssl_context())
    return redis_connection(settings)


async def _create(service: ApiKeyService, parsed: argparse.Namespace) -> int:
    now, days = await service.store.time(), parsed.expires_in_days
    expires_at = None if days is None else Instant(now + days * DAY)
    wanted = NewApiKey(
        new_key_id(), parsed.name, parsed.role, parsed.tenant, parsed.subject, expires_at
    )
    key, secret = await service.create(wanted, _ACTOR, now)
    print(f"Key {key.key_id} for the subject {key.subject}. It is shown only now:", file=sys.stderr)
    print(secret)
    return 0


async def _list(service: ApiKeyService, parsed: argparse.Namespace) -> int:
    found = await service.all(parsed.tenant)
    console = wide_console()
    if not found:
        console.print("There are no API keys.")
        return 0
    table = Table("id", "name", "role", "subject", "created", "last used", "state")
    for listed in found:
        table.add_row(*_row(listed))
    console.print(table)
    return 0


def _row(listed: ListedApiKey) -> list[str]:
    key = listed.key
    state = "no expiry" if key.expires_at is None else f"until {_minute(key.expires_at)}"
    if key.revoked_at is not None:
        state = f"revoked {_minute(key.revoked_at)}"
    used = "never" if listed.used_at is None else _minute(listed.used_at)
    return [key.key_id, key.name, key.role, key.subject, _minute(key.created_at), used, state]


def _minute(instant: Instant) -> str:
    return f"{datetime_of(instant):%Y-%m-%d %H:%M} UTC"


async def _revoke(service: ApiKeyService, parsed: argparse.Namespace) -> int:
    if not await service.revoke(parsed.tenant, parsed.key_id, _ACTOR):
        return _fail(f"There is no API key {parsed.key_id} of this tenant.")
    print(f"The API key {parsed.key_id} is revoked.")
    return 0


def _fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.api_keys",
        description="Create, list and revoke API keys in the Redis at REDIS_URL, or at"
        " UPSTASH_REDIS_REST_URL.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    create = commands.add_parser("create", help="create a key, and print it once")
    create.add_argument("--name", required=True, type=_name, help="what the key is for")
    create.add_argument("--role", required=True, choices=get_args(ApiKeyRole))
    create.add_argument("--subject", type=_subject, help="like `sub` in tokens (default: key:ID)")
    create.add_argument("--expires-in-days", type=_days, metavar="DAYS")
    create.set_defaults(command=_create)
    shown = commands.add_parser("list", help="print the keys as a table")
    shown.set_defaults(command=_list)
    revoke = commands.add_parser("revoke", help="revoke a key, within 5 s at all instances")
    revoke.add_argument("key_id", type=_key_id, metavar="ID")
    revoke.set_defaults(command=_revoke)
    for command in (create, shown, revoke):
        command.add_argument("--tenant", type=_tenant, help="the tenant, if there is one")
    return parser


def _name(text: str) -> str:
    if not text.strip() or not is_printable(text) or len(text) > _MAX_NAME:
        raise argparse.ArgumentTypeError(f"must be 1 to {_MAX_NAME} printable characters")
    return text


def _subject(text: str) -> str:
    if not SUBJECT.fullmatch(text):
        raise argparse.ArgumentTypeError("must be 1 to 255 visible ASCII characters")
    return text


def _tenant(text: str) -> str:
    if not TENANT.fullmatch(text):
        raise argparse.ArgumentTypeError("must be 1 to 63 letters, digits, dots, _ or -")
    return text


def _days(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= _MAX_DAYS):
        raise argparse.ArgumentTypeError(f"must be 1 to {_MAX_DAYS}")
    return int(text)


def _key_id(text: str) -> str:
    """Return the id, which may also be given as a key's prefix or as the key itself."""
    key_id = text.removeprefix(PREFIX)[:16]
    if not KEY_ID.fullmatch(key_id):
        raise argparse.ArgumentTypeError("must be an id from the list")
    return key_id


if __name__ == "__main__":
    sys.exit(main())
