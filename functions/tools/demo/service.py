"""The service that is played on."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from rich.console import Console

from functions.tools.demo.failure import DemoFailed
from infra.local.functions import Options, running_functions
from infra.local.instance import answers, running
from infra.local.postgres import embedded_postgres
from infra.local.realtime import local_realtime
from infra.local.redis import embedded_redis
from infra.local.supabase import can_run, local_supabase, prepare_project
from infra.local.unguarded import UNGUARDED
from infra.local.upstash import local_upstash

_DEFAULT_URL = "http://127.0.0.1:3000"


@dataclass(frozen=True, slots=True)
class Service:
    """Where it answers, and where its store publishes, if that is known and nobody else's."""

    url: str
    redis_url: str | None = None


@contextmanager
def service(asked_for: str | None, *, functions: bool, console: Console) -> Iterator[Service]:
    """The service that was asked for, the one that runs already, or one of our own."""
    url = (asked_for or os.environ.get("SYNCKAIROS_URL") or _DEFAULT_URL).rstrip("/")
    with ExitStack() as stack:
        if functions:
            yield _own_functions(stack, console)
        elif answers(url):
            yield Service(url)
        elif asked_for:
            raise DemoFailed(f"No service answers at {url}.")
        else:
            own = _own_instance(stack)
            console.print(f"No service at {url}: one of our own runs at {own}.", soft_wrap=True)
            yield Service(own)


def _own_instance(stack: ExitStack) -> str:
    """The url of an instance that lasts as long as `stack`."""
    redis_url = stack.enter_context(embedded_redis())
    return stack.enter_context(running(redis_url, quiet=True)).url


def _own_functions(stack: ExitStack, console: Console) -> Service:
    """Functions that last as long as `stack`.

    Their store publishes, though none of them listens, so that somebody else can.
    """
    redis_url = stack.enter_context(embedded_redis())
    upstash = stack.enter_context(local_upstash(redis_url))
    settings = {
        "UPSTASH_REDIS_REST_URL": upstash.url,
        "UPSTASH_REDIS_REST_TOKEN": upstash.token,
        "PUBSUB": "on",
        "LOG_LEVEL": "ERROR",
        **UNGUARDED,
        **_supabase(stack),
    }
    console.print("Functions of our own get their queues and their gateway ...")
    # No request starts these. An `expire` that sleeps until a deadline leaves the next alarm to
    # another one.
    options = Options(warm=("expire", "expire", "audit"))
    return Service(stack.enter_context(running_functions(settings, options)).url, redis_url)


def _supabase(stack: ExitStack) -> dict[str, str]:
    """A project that lasts as long as `stack`; without Node there is none, and clients poll."""
    if not can_run():
        return {}
    database_url = stack.enter_context(embedded_postgres()).url
    prepare_project(database_url)
    upstream = stack.enter_context(local_supabase(database_url)).url
    return stack.enter_context(local_realtime(database_url, upstream=upstream)).settings()
