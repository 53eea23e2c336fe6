"""Cold starts, before the game: a function starts with its first request, which takes a while."""

import asyncio
from uuid import uuid4

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from functions.tools.demo.failure import DemoFailed

_REQUESTS = (
    ("time", "GET", "/v1/time"),
    ("create", "POST", "/v1/sessions"),
    ("start", "POST", "/v1/sessions/{id}/start"),
    *(("switch", "POST", "/v1/sessions/{id}/switch"),) * 3,
    ("complete", "POST", "/v1/sessions/{id}/complete"),
    ("realtime", "GET", "/v1/sessions/{id}/realtime"),
    *(("read", "GET", "/v1/sessions/{id}"),) * 3,
)
"""Of a session that isn't there, so nothing comes of them. Five clients who ask at once are served
by more than one instance of `read`, and a press may come before the one before it is done with."""

_AT_ONCE = 4
_PATIENCE_S = 30.0
_TRIES = 3
"""What a function asks of others may start slowly as well."""


async def warm_up(url: str, console: Console) -> None:
    """Have every function start that the game needs. Raises `DemoFailed`."""
    columns = (TextColumn("Starting the functions"), BarColumn(), MofNCompleteColumn())
    progress = Progress(*columns, TextColumn("{task.description}"), console=console)
    async with httpx.AsyncClient(base_url=url, timeout=_PATIENCE_S, trust_env=False) as http:
        with progress:
            task = progress.add_task("", total=len(_REQUESTS))
            room = asyncio.Semaphore(_AT_ONCE)

            async def one(name: str, method: str, path: str) -> None:
                async with room:
                    await _start(http, method, path.format(id=uuid4()))
                progress.update(task, advance=1, description=name)

            await asyncio.gather(*(one(*request) for request in _REQUESTS))


async def _start(http: httpx.AsyncClient, method: str, path: str) -> None:
    for _ in range(_TRIES):
        try:
            answer = await http.request(method, path)
        except httpx.HTTPError as error:
            raise DemoFailed(f"The service doesn't answer {method} {path}: {error}") from error
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
    if answer.is_server_error:
        raise DemoFailed(f"The service answers {method} {path} with {answer.status_code}.")
