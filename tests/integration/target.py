"""What the suite of HTTP tests runs against: `TARGET=container`, the default, or `functions`."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from infra.local.functions import Options, running_functions
from infra.local.instance import running
from infra.local.upstash import local_upstash

IS_FUNCTIONS = os.environ.get("TARGET", "container") == "functions"

_WARM = ("create", "start", "switch", "read")


@contextmanager
def serving(redis_url: str, **settings: str) -> Iterator[str]:
    """The url of a service on `redis_url`, of the kind that is under test."""
    with ExitStack() as stack:
        if IS_FUNCTIONS:
            upstash = stack.enter_context(local_upstash(redis_url))
            settings["UPSTASH_REDIS_REST_URL"] = upstash.url
            settings["UPSTASH_REDIS_REST_TOKEN"] = upstash.token
            yield stack.enter_context(running_functions(settings, Options(warm=_WARM))).url
        else:
            yield stack.enter_context(running(redis_url, port=None, quiet=False, **settings)).url
