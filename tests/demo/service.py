"""The service that the demo uses: a running one, or one that it starts."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from rich.console import Console

from infra.local.functions import LocalRunOptions, running_functions
from infra.local.instance import is_healthy, running
from infra.local.no_auth_settings import NO_AUTH_SETTINGS
from infra.local.postgres import embedded_postgres
from infra.local.realtime import local_realtime
from infra.local.redis import embedded_redis
from infra.local.supabase import create_project, is_node_installed, local_supabase
from infra.local.upstash import local_upstash
from tests.demo.errors import DemoError

_DEFAULT_URL = "http://127.0.0.1:3000"


@dataclass(frozen=True, slots=True)
class DemoService:
    """A service. `redis_url` is set only for functions that the demo started."""

    url: str
    redis_url: str | None = None


@contextmanager
def demo_service(
    url_option: str | None, *, functions: bool, console: Console
) -> Iterator[DemoService]:
    """Use the service at the given or default URL, or start one. Raises `DemoError`."""
    url = (url_option or os.environ.get("SYNCKAIROS_URL") or _DEFAULT_URL).rstrip("/")
    with ExitStack() as stack:
        if functions:
            yield _start_functions(stack, console)
        elif is_healthy(url):
            yield DemoService(url)
        elif url_option:
            raise DemoError(f"No service answers at {url}.")
        else:
            started = _start_instance(stack)
            console.print(f"No service at {url}; started one at {started}.", soft_wrap=True)
            yield DemoService(started)


def _start_instance(stack: ExitStack) -> str:
    """Start an instance that `stack` stops, and return its URL."""
    redis_url = stack.enter_context(embedded_redis())
    return stack.enter_context(running(redis_url, quiet=True)).url


def _start_functions(stack: ExitStack, console: Console) -> DemoService:
    """Start functions that `stack` stops.

    `PUBSUB` is on for the witness only; functions don't subscribe.
    """
    redis_url = stack.enter_context(embedded_redis())
    upstash = stack.enter_context(local_upstash(redis_url))
    settings = {
        "UPSTASH_REDIS_REST_URL": upstash.url,
        "UPSTASH_REDIS_REST_TOKEN": upstash.token,
        "PUBSUB": "on",
        "LOG_LEVEL": "ERROR",
        **NO_AUTH_SETTINGS,
        **_start_supabase(stack),
    }
    console.print("Starting the functions' queues and gateway ...")
    # No request starts these functions. While one `expire` sleeps until a deadline, the other
    # handles the next alarm.
    options = LocalRunOptions(warm=("expire", "expire", "audit"))
    return DemoService(stack.enter_context(running_functions(settings, options)).url, redis_url)


def _start_supabase(stack: ExitStack) -> dict[str, str]:
    """Start a Supabase project and return its settings; without Node none, so clients poll."""
    if not is_node_installed():
        return {}
    database_url = stack.enter_context(embedded_postgres()).url
    create_project(database_url)
    upstream = stack.enter_context(local_supabase(database_url)).url
    return stack.enter_context(local_realtime(database_url, upstream=upstream)).settings()
