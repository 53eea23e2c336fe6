"""Permissions over HTTP: every route by every kind of caller (docs/security.md)."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import uuid4

import httpx
import pytest

from functions.server import build
from shared.settings.settings import Settings
from tests.fuzz.extent import IS_FULL
from tests.support import tokens
from tests.support.api import CERTIFICATES, ApiClient, check_documented, chess
from tests.support.callers import INVALID_TOKENS, VALID_TOKENS, AliceSession, create_session
from tests.support.target import IS_FUNCTIONS, pairs
from tests.support.tokens import bearer

pytestmark = pytest.mark.http


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A route's request, and the expected status for each caller of `VALID_TOKENS`."""

    statuses: tuple[int, ...]
    body: Any = None
    is_paused: bool = False
    is_started: bool = True

    @property
    def version(self) -> int:
        """The version of the session before the request."""
        return 1 + self.is_started + self.is_paused


_READ = (404, 404, 200, 200, 200, 200, 404, 200, 200)
_FOR_HOSTS = (404, 404, 403, 403, 403, 200, 404, 200, 200)
_FOR_SERVICES = (*(403,) * 7, 200, 403)
_NO_WEBHOOK = (*(403,) * 7, 404, 403)
_JOINING = {"participant_id": str(uuid4()), "total_time_ms": 60_000}
_SESSION = "/v1/sessions/{session_id}"
_TOKEN = f"{_SESSION}/tokens/{{session_id}}"
"""The id of a session is the id of no token."""

_KEY = "/v1/api-keys/0123456789abcdef"
_WEBHOOK = "/v1/webhooks/{session_id}"
"""The id of a session is the id of no webhook."""

TABLE: dict[tuple[str, str], Row] = {
    ("POST", "/v1/sessions"): Row((403, 201, 403, 403, 403, 201, 201, 201, 403), chess()),
    ("GET", "/v1/sessions"): Row((403, 200, 403, 403, 403, 200, 200, 200, 403)),
    ("POST", "/v1/sessions/batch"): Row((200,) * 9, {"session_ids": ["{session_id}"]}),
    ("GET", _SESSION): Row(_READ),
    ("GET", f"{_SESSION}/summary"): Row(_READ),
    ("GET", f"{_SESSION}/realtime"): Row(_READ),
    ("GET", f"{_SESSION}/events"): Row(_FOR_HOSTS),
    ("GET", f"{_SESSION}/replay"): Row(_FOR_HOSTS),
    ("GET", f"{_SESSION}/fairness"): Row(_FOR_HOSTS),
    ("GET", f"{_SESSION}/presence"): Row((404, 404, 403, 200, 200, 200, 404, 200, 200)),
    ("POST", f"{_SESSION}/simulate"): Row(_FOR_HOSTS, {"until_ms": 1_000}),
    ("POST", f"{_SESSION}/start"): Row(_FOR_HOSTS, is_started=False),
    ("POST", f"{_SESSION}/switch"): Row((404, 404, 403, 409, 200, 200, 404, 200, 200)),
    ("POST", f"{_SESSION}/go"): Row(
        (404, 404, 403, 403, 403, 400, 404, 400, 400), {"item_id": "no programme"}
    ),
    ("POST", f"{_SESSION}/pause"): Row((404, 404, 403, 200, 200, 200, 404, 200, 200)),
    ("POST", f"{_SESSION}/resume"): Row(
        (404, 404, 403, 200, 200, 200, 404, 200, 200), is_paused=True
    ),
    ("POST", f"{_SESSION}/undo"): Row(
        (404, 404, 403, 403, 403, 409, 404, 409, 409), {"mode": "turn_start"}
    ),
    ("POST", f"{_SESSION}/unschedule"): Row((404, 404, 403, 403, 403, 409, 404, 409, 409)),
    # Only a test session can be advanced.
    ("POST", f"{_SESSION}/advance"): Row(
        (404, 404, 403, 403, 403, 409, 404, 409, 409), {"ms": 1_000}
    ),
    ("POST", "/v1/sessions/batch-commands"): Row(
        (403, 200, 403, 403, 403, 200, 200, 200, 403),
        {"operation": "pause", "session_ids": ["{session_id}"]},
    ),
    ("POST", f"{_SESSION}/complete"): Row(_FOR_HOSTS),
    ("POST", f"{_SESSION}/cancel"): Row(_FOR_HOSTS),
    # Deleting a missing session succeeds, and for other hosts and tenants it is missing.
    ("DELETE", _SESSION): Row((404, 204, 403, 403, 403, 204, 204, 204, 204)),
    ("PATCH", _SESSION): Row(_FOR_HOSTS, {"warn_at_ms": [5_000]}),
    ("POST", f"{_SESSION}/adjust"): Row(_FOR_HOSTS, {"add_ms": 60_000}),
    ("POST", f"{_SESSION}/participants"): Row(
        (404, 404, 403, 403, 403, 201, 404, 201, 201), _JOINING
    ),
    ("PATCH", f"{_SESSION}/participants/{{participant_id}}"): Row(
        _FOR_HOSTS, {"total_time_ms": 60_000}
    ),
    ("DELETE", f"{_SESSION}/participants/{{participant_id}}"): Row(_FOR_HOSTS, is_started=False),
    ("POST", f"{_SESSION}/participants/{{participant_id}}/forfeit"): Row(_FOR_HOSTS),
    # Chess has no clocks that begin: who is allowed to ask is told so.
    ("POST", f"{_SESSION}/begin"): Row((404, 404, 403, 403, 403, 400, 404, 400, 400)),
    ("POST", f"{_SESSION}/participants/{{participant_id}}/begin"): Row(
        (404, 404, 403, 403, 400, 400, 404, 400, 400)
    ),
    ("POST", f"{_SESSION}/participants/{{participant_id}}/finish"): Row(
        (404, 404, 403, 403, 400, 400, 404, 400, 400)
    ),
    ("POST", f"{_SESSION}/participants/{{participant_id}}/reopen"): Row(
        (404, 404, 403, 403, 403, 400, 404, 400, 400)
    ),
    ("POST", f"{_SESSION}/participants/{{participant_id}}/pause"): Row(
        (404, 404, 403, 403, 403, 400, 404, 400, 400)
    ),
    ("POST", f"{_SESSION}/participants/{{participant_id}}/resume"): Row(
        (404, 404, 403, 403, 403, 400, 404, 400, 400)
    ),
    ("POST", "/v1/webhooks"): Row(
        (*(403,) * 7, 400, 403), {"url": "ftp://example.com", "events": ["*"]}
    ),
    ("GET", "/v1/webhooks"): Row(_FOR_SERVICES),
    ("DELETE", _WEBHOOK): Row((*(403,) * 7, 204, 403)),
    ("POST", f"{_WEBHOOK}/rotate"): Row(_NO_WEBHOOK),
    ("POST", f"{_WEBHOOK}/test"): Row(_NO_WEBHOOK),
    ("GET", f"{_WEBHOOK}/deliveries"): Row(_NO_WEBHOOK),
    ("POST", "/v1/api-keys"): Row((*(403,) * 7, 400, 403), {"name": "x", "role": "cohost"}),
    ("GET", "/v1/api-keys"): Row(_FOR_SERVICES),
    ("DELETE", _KEY): Row((*(403,) * 7, 204, 403)),
    ("POST", f"{_SESSION}/join-code"): Row(
        (404, 404, 403, 403, 403, 201, 404, 201, 201), {"role": "spectator"}
    ),
    # The session has no code.
    ("GET", f"{_SESSION}/join-code"): Row((404, 404, 403, 403, 403, 404, 404, 404, 404)),
    ("DELETE", f"{_SESSION}/join-code"): Row((404, 404, 403, 403, 403, 204, 404, 204, 204)),
    ("POST", f"{_SESSION}/tokens"): Row(
        (404, 404, 403, 403, 403, 201, 404, 201, 201), {"role": "spectator"}
    ),
    ("DELETE", f"{_SESSION}/tokens"): Row((404, 404, 403, 403, 403, 204, 404, 204, 403)),
    ("DELETE", _TOKEN): Row((404, 404, 403, 403, 403, 204, 404, 204, 403)),
}
"""The routes that require a token."""


def _id(part: str | tuple[str, str]) -> str:
    """Return the part of a test's id for a route or a caller."""
    return part if isinstance(part, str) else " ".join(part)


_STRANGERS = {"other host", "other tenant", "other session"}
"""Callers for whom Alice's session doesn't exist."""

OPEN = {
    ("GET", path)
    for path in (
        "/",
        "/join",
        "/board",
        "/embed",
        "/health",
        "/ready",
        "/v1/time",
        "/v1/time-controls",
        "/v1/programmes",
        "/api-docs",
        "/api-docs.json",
        "/asyncapi.json",
        "/llms.txt",
        "/api-docs/start.js",
        "/api-docs/swagger-ui-bundle.js",
        "/api-docs/swagger-ui.css",
        "/api-docs/favicon-32x32.png",
    )
}
"""The routes without authentication."""

ELSEWHERE = {
    ("POST", "/v1/join"),
    ("GET", f"{_SESSION}/stream"),
    ("GET", "/metrics"),
    ("GET", "/console/{rest}"),
    ("GET", "/clients/js/{rest}"),
}
"""Only in the container (test_live_rights.py, test_tenants.py), files (test_packed.py), and what
needs a code (test_join_codes.py)."""


@pytest.fixture(scope="module")
def unchanged() -> dict[Row, AliceSession]:
    """Sessions created for a row that no request has changed yet."""
    return {}


async def _send_to_session(
    guarded: ApiClient,
    route: tuple[str, str],
    caller: str,
    unchanged: dict[Row, AliceSession],
) -> httpx.Response:
    """Send the request of `route`; a refused request must leave the session unchanged, and so
    must any request of `_STRANGERS`.

    An unchanged session is used again by the next request of that row.
    """
    row = TABLE[route]
    session = unchanged.pop(row, None) or await create_session(
        guarded, is_started=row.is_started, is_paused=row.is_paused
    )
    answer = await _send(guarded, route, row, caller, session)
    if answer.is_error or caller in _STRANGERS:
        assert (await guarded.session(session.session_id))["version"] == row.version
        unchanged[row] = session
    return answer


async def _send(
    guarded: ApiClient, route: tuple[str, str], row: Row, caller: str, session: AliceSession
) -> httpx.Response:
    method, template = route
    path = template.format(session_id=session.session_id, participant_id=session.on_move)
    if template.endswith("/replay"):
        path += "?version=1"
    body = row.body
    if body and "session_ids" in body:
        body = {**body, "session_ids": [session.session_id]}
    headers = bearer({**INVALID_TOKENS, **VALID_TOKENS}[caller](session))
    async with httpx.AsyncClient(
        verify=CERTIFICATES, base_url=guarded.http.base_url, timeout=20
    ) as http:
        return check_documented(await http.request(method, path, json=body, headers=headers), None)


# Who is allowed to send a request is tested for each function below.
@pytest.mark.parametrize(
    ("route", "caller"),
    pairs([("GET", _SESSION)] if IS_FUNCTIONS and not IS_FULL else TABLE, INVALID_TOKENS),
    ids=_id,
)
async def test_requests_without_a_valid_token_are_refused(
    guarded: ApiClient, route: tuple[str, str], caller: str, unchanged: dict[Row, AliceSession]
) -> None:
    answer = await _send_to_session(guarded, route, caller, unchanged)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["error"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("route", "caller"),
    pairs(TABLE, VALID_TOKENS) if IS_FUNCTIONS else list(product(TABLE, VALID_TOKENS)),
    ids=_id,
)
async def test_each_caller_gets_the_status_of_the_table(
    guarded: ApiClient, route: tuple[str, str], caller: str, unchanged: dict[Row, AliceSession]
) -> None:
    answer = await _send_to_session(guarded, route, caller, unchanged)
    expected = TABLE[route].statuses[list(VALID_TOKENS).index(caller)]
    assert answer.status_code == expected, answer.text


def _replaced(path: str, by: Mapping[str, str]) -> str:
    """Return `path` with each prefix of `by` replaced."""
    for prefix, replacement in by.items():
        path = path.replace(prefix, replacement)
    return path


def test_every_route_is_in_a_table() -> None:
    declared = build(Settings.from_environment()).pipeline.routes
    routes = {(route.method, route.path) for route in declared}
    declared_as = {
        _WEBHOOK: "/v1/webhooks/{webhook_id}",
        _KEY: "/v1/api-keys/{key_id}",
        _TOKEN: f"{_SESSION}/tokens/{{token_id}}",
    }
    listed = {(method, _replaced(path, declared_as)) for method, path in TABLE}
    assert routes - ELSEWHERE == listed | OPEN
    assert routes >= ELSEWHERE


@pytest.mark.parametrize("path", sorted(path for _, path in OPEN))
async def test_open_routes_require_no_token(guarded: ApiClient, path: str) -> None:
    guarded.http.headers.pop("Authorization")
    assert (await guarded.http.get(path)).status_code == 200


@pytest.mark.parametrize("caller", sorted(_STRANGERS))
async def test_a_batch_shows_no_session_of_another_caller(guarded: ApiClient, caller: str) -> None:
    alice = await create_session(guarded)
    body = {"session_ids": [alice.session_id]}
    headers = bearer(VALID_TOKENS[caller](alice))
    answer = await guarded.http.post("/v1/sessions/batch", json=body, headers=headers)
    assert answer.json()["data"] == {"sessions": [], "not_found": [alice.session_id]}


async def test_a_hidden_session_is_answered_like_a_missing_one(guarded: ApiClient) -> None:
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
