"""Who may do what over HTTP: every route by every kind of caller (API §4)."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from functions.server import build
from shared.settings.settings import Settings
from tests.support import tokens
from tests.support.api import CERTIFICATES, ApiClient, check_documented, chess
from tests.support.callers import INVALID_TOKENS, VALID_TOKENS, AliceSession, create_session
from tests.support.target import pairs
from tests.support.tokens import bearer

pytestmark = pytest.mark.http


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One route: what it is sent, and the status for each of `VALID_TOKENS`."""

    statuses: tuple[int, ...]
    body: Any = None
    is_paused: bool = False
    is_started: bool = True

    @property
    def version(self) -> int:
        """Of the session that is asked for."""
        return 1 + self.is_started + self.is_paused


_READ = (404, 404, 200, 200, 200, 200, 404, 200)
_FOR_HOSTS = (404, 404, 403, 403, 403, 200, 404, 200)
_JOINING = {"participant_id": str(uuid4()), "total_time_ms": 60_000}
_SESSION = "/v1/sessions/{session_id}"

TABLE: dict[tuple[str, str], Row] = {
    ("POST", "/v1/sessions"): Row((403, 201, 403, 403, 403, 201, 201, 201), chess()),
    ("POST", "/v1/sessions/batch"): Row((200,) * 8, {"session_ids": ["{session_id}"]}),
    ("GET", _SESSION): Row(_READ),
    ("GET", f"{_SESSION}/summary"): Row(_READ),
    ("GET", f"{_SESSION}/realtime"): Row(_READ),
    ("GET", f"{_SESSION}/events"): Row(_FOR_HOSTS),
    ("GET", f"{_SESSION}/replay"): Row(_FOR_HOSTS),
    ("POST", f"{_SESSION}/start"): Row(_FOR_HOSTS, is_started=False),
    ("POST", f"{_SESSION}/switch"): Row((404, 404, 403, 409, 200, 200, 404, 200)),
    ("POST", f"{_SESSION}/pause"): Row((404, 404, 403, 200, 200, 200, 404, 200)),
    ("POST", f"{_SESSION}/resume"): Row((404, 404, 403, 200, 200, 200, 404, 200), is_paused=True),
    ("POST", f"{_SESSION}/complete"): Row(_FOR_HOSTS),
    ("POST", f"{_SESSION}/cancel"): Row(_FOR_HOSTS),
    # What is not there is gone already, and to these it is not there.
    ("DELETE", _SESSION): Row((404, 204, 403, 403, 403, 204, 204, 204)),
    ("POST", f"{_SESSION}/participants"): Row((404, 404, 403, 403, 403, 201, 404, 201), _JOINING),
    ("PATCH", f"{_SESSION}/participants/{{participant_id}}"): Row(
        _FOR_HOSTS, {"total_time_ms": 60_000}
    ),
    ("POST", f"{_SESSION}/tokens"): Row(
        (404, 404, 403, 403, 403, 201, 404, 201), {"role": "spectator"}
    ),
}
"""What the gate lets nobody through to but those who may."""


def _id(part: str | tuple[str, str]) -> str:
    """A route or a caller as a test's id has it."""
    return part if isinstance(part, str) else " ".join(part)


OPEN = {
    ("GET", path)
    for path in (
        "/",
        "/health",
        "/ready",
        "/v1/time",
        "/api-docs",
        "/api-docs.json",
        "/api-docs/start.js",
        "/api-docs/swagger-ui-bundle.js",
        "/api-docs/swagger-ui.css",
        "/api-docs/favicon-32x32.png",
    )
}
"""What everybody may ask for."""

ELSEWHERE = {
    ("GET", f"{_SESSION}/stream"),
    ("GET", "/metrics"),
    ("GET", "/console/{rest}"),
    ("GET", "/clients/js/{rest}"),
}
"""Of the container alone (test_live_rights.py, test_tenants.py), and files (test_packed.py)."""


@pytest.fixture(scope="module")
def untouched() -> dict[Row, AliceSession]:
    """Sessions, by the row that they are for, in which nothing has happened since."""
    return {}


async def _answer(
    guarded: ApiClient,
    route: tuple[str, str],
    caller: str,
    untouched: dict[Row, AliceSession],
) -> httpx.Response:
    """What is answered; who is refused has changed nothing, so the next one finds the same."""
    row = TABLE[route]
    played = untouched.pop(row, None) or await create_session(
        guarded, is_started=row.is_started, is_paused=row.is_paused
    )
    answer = await _asked(guarded, route, row, caller, played)
    if answer.is_error:
        assert (await guarded.session(played.session_id))["version"] == row.version
        untouched[row] = played
    return answer


async def _asked(
    guarded: ApiClient, route: tuple[str, str], row: Row, caller: str, played: AliceSession
) -> httpx.Response:
    method, template = route
    path = template.format(session_id=played.session_id, participant_id=played.on_move)
    if template.endswith("/replay"):
        path += "?version=1"
    body = {"session_ids": [played.session_id]} if template.endswith("/batch") else row.body
    headers = bearer({**INVALID_TOKENS, **VALID_TOKENS}[caller](played))
    async with httpx.AsyncClient(
        verify=CERTIFICATES, base_url=guarded.http.base_url, timeout=20
    ) as http:
        return check_documented(await http.request(method, path, json=body, headers=headers), None)


@pytest.mark.parametrize(("route", "caller"), pairs(TABLE, INVALID_TOKENS), ids=_id)
async def test_nobody_is_let_in_without_a_good_token(
    guarded: ApiClient, route: tuple[str, str], caller: str, untouched: dict[Row, AliceSession]
) -> None:
    answer = await _answer(guarded, route, caller, untouched)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["error"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize(("route", "caller"), pairs(TABLE, VALID_TOKENS), ids=_id)
async def test_each_may_do_what_the_table_says(
    guarded: ApiClient, route: tuple[str, str], caller: str, untouched: dict[Row, AliceSession]
) -> None:
    answer = await _answer(guarded, route, caller, untouched)
    expected = TABLE[route].statuses[list(VALID_TOKENS).index(caller)]
    assert answer.status_code == expected, answer.text


def test_every_route_is_in_a_table() -> None:
    declared = build(Settings.from_environment()).pipeline.routes
    routes = {(route.method, route.path) for route in declared}
    assert routes - ELSEWHERE == TABLE.keys() | OPEN
    assert routes >= ELSEWHERE


@pytest.mark.parametrize("path", sorted(path for _, path in OPEN))
async def test_what_is_open_asks_nobody_who_they_are(guarded: ApiClient, path: str) -> None:
    guarded.http.headers.pop("Authorization")
    assert (await guarded.http.get(path)).status_code == 200


@pytest.mark.parametrize("caller", ["other host", "other tenant", "other session"])
async def test_what_is_another_s_stays_as_it_is(guarded: ApiClient, caller: str) -> None:
    alice = await create_session(guarded)
    headers = bearer(VALID_TOKENS[caller](alice))
    path = f"/v1/sessions/{alice.session_id}"
    for verb in ("switch", "pause", "complete", "cancel"):
        await guarded.http.post(f"{path}/{verb}", headers=headers)
    await guarded.http.delete(path, headers=headers)
    assert (await guarded.session(alice.session_id))["version"] == 2


@pytest.mark.parametrize("caller", ["other host", "other tenant", "other session"])
async def test_a_batch_shows_nothing_of_another_s(guarded: ApiClient, caller: str) -> None:
    alice = await create_session(guarded)
    body = {"session_ids": [alice.session_id]}
    headers = bearer(VALID_TOKENS[caller](alice))
    answer = await guarded.http.post("/v1/sessions/batch", json=body, headers=headers)
    assert answer.json()["data"] == {"sessions": [], "not_found": [alice.session_id]}


async def test_another_s_session_is_told_apart_in_nothing_from_none(guarded: ApiClient) -> None:
    alice = await create_session(guarded)
    bob = bearer(tokens.host("bob"))
    hidden = await guarded.http.get(f"/v1/sessions/{alice.session_id}", headers=bob)
    absent = await guarded.http.get(f"/v1/sessions/{uuid4()}", headers=bob)
    for answer in (hidden, absent):
        assert answer.json()["error"] | {"request_id": ""} == {
            "code": "SESSION_NOT_FOUND",
            "message": "Session not found",
            "request_id": "",
        }
