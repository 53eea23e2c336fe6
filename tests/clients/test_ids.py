"""Ids in paths: every method of the library that puts one there escapes and checks it."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from synckairos import SyncKairos

_SESSION_ID = "5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10"
_HOSTILE = "a/../b?c#d"
_IN_PATH = {
    "api_keys.revoke",
    "session.adjust",
    "session.finish",
    "session.forfeit",
    "session.pause_participant",
    "session.remove_participant",
    "session.reopen",
    "session.resume_participant",
    "session.revoke_token",
    "session.update_participant",
    "webhooks.delete",
    "webhooks.deliveries",
    "webhooks.rotate",
    "webhooks.test",
}


class Service:
    """A client of a service that answers nothing useful and notes the paths of all requests."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._reply))
        self.client = SyncKairos("http://service", http=http)

    def _reply(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.raw_path.decode())
        return httpx.Response(200, json={"data": {}})

    def methods(self) -> Iterator[tuple[str, Callable[[str], Any]]]:
        """Every coroutine method whose first parameter is an id, with its name."""
        client = self.client
        owners = {
            "session": client.session(_SESSION_ID),
            "api_keys": client.api_keys,
            "webhooks": client.webhooks,
        }
        for owner, holder in owners.items():
            for name, method in inspect.getmembers(holder, inspect.iscoroutinefunction):
                parameters = [*inspect.signature(method).parameters.values()]
                required = [one for one in parameters[1:] if one.default is one.empty]
                if parameters and parameters[0].name.endswith("_id") and name[0] != "_":
                    yield f"{owner}.{name}", _with_values(method, len(required))


def _with_values(method: Callable[..., Any], others: int) -> Callable[[str], Any]:
    return lambda one: method(one, *[1] * others)


async def test_each_id_in_a_path_is_one_escaped_segment() -> None:
    service = Service()
    found = set()
    async with service.client:
        for name, method in service.methods():
            service.paths.clear()
            with suppress(Exception):  # the answer is none that the method understands
                await method(_HOSTILE)
            assert not [path for path in service.paths if "/../" in path], name
            if [path for path in service.paths if quote(_HOSTILE, safe="") in path]:
                found.add(name)
    assert found == _IN_PATH


@pytest.mark.parametrize("one", ["", ".", ".."])
async def test_an_id_that_a_url_would_resolve_makes_no_request(one: str) -> None:
    service = Service()
    async with service.client as client:
        for name, method in service.methods():
            if name in _IN_PATH:
                with pytest.raises(ValueError, match="An id in a path can't be"):
                    await method(one)
        with pytest.raises(ValueError, match="An id in a path can't be"):
            client.session(one)
    assert service.paths == []
