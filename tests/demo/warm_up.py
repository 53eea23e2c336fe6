"""Starts the functions before the game, because a cold start delays the first request."""

import asyncio
from uuid import uuid4

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tests.demo.errors import DemoError

_REQUESTS = (
    ("time", "GET", "/v1/time"),
    ("create", "POST", "/v1/sessions"),
    ("start", "POST", "/v1/sessions/{id}/start"),
    *(("switch", "POST", "/v1/sessions/{id}/switch"),) * 3,
    ("complete", "POST", "/v1/sessions/{id}/complete"),
    ("realtime", "GET", "/v1/sessions/{id}/realtime"),
    *(("read", "GET", "/v1/sessions/{id}"),) * 3,
)
"""All of them fail, so they change nothing. `read` and `switch` occur three times, because they
need several instances: five clients read at once, and switches may overlap."""

_CONCURRENCY = 4
_TIMEOUT_S = 30.0
_TRIES = 3
"""Retries after 503: the services that a function calls may also start slowly."""


async def start_functions(url: str, console: Console) -> None:
    """Start every function that the game needs. Raises `DemoError`."""
    columns = (TextColumn("Starting the functions"), BarColumn(), MofNCompleteColumn())
    progress = Progress(*columns, TextColumn("{task.description}"), console=console)
    async with httpx.AsyncClient(base_url=url, timeout=_TIMEOUT_S, trust_env=False) as http:
        with progress:
            task = progress.add_task("", total=len(_REQUESTS))
            slots = asyncio.Semaphore(_CONCURRENCY)

            async def send_one(name: str, method: str, path: str) -> None:
                async with slots:
                    await _send(http, method, path.format(id=uuid4()))
                progress.update(task, advance=1, description=name)

            await asyncio.gather(*(send_one(*request) for request in _REQUESTS))


async def _send(http: httpx.AsyncClient, method: str, path: str) -> None:
    for _ in range(_TRIES):
        try:
            answer = await http.request(method, path)
        except httpx.HTTPError as error:
            raise DemoError(f"No answer to {method} {path}: {error}") from error
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
    if answer.is_server_error:
        raise DemoError(f"The service answered {method} {path} with {answer.status_code}.")
