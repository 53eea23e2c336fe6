"""Errors repeat nothing of the request but names of fields (CWE-209, CWE-79)."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.api import ApiClient, check_documented, chess, participant
from tests.support.target import pairs

MARK = "s3cr3t"
HOSTILE = f"{MARK} <script>alert(1)</script> {{{{7*7}}}} '; drop table x --"
HOSTILE_VALUES: tuple[Any, ...] = (HOSTILE, [HOSTILE], {"a": HOSTILE}, [[HOSTILE] * 2])


def with_hostile(value: Any) -> Iterator[Any]:
    """Yield copies of `value` with each of its parts in turn replaced by a hostile value."""
    yield from HOSTILE_VALUES
    if isinstance(value, dict):
        yield value | {"surprise": HOSTILE}
        for key, inner in value.items():
            yield from (value | {key: one} for one in with_hostile(inner))
    elif isinstance(value, list):
        yield [*value, HOSTILE]
        for n, inner in enumerate(value):
            yield from ([*value[:n], one, *value[n + 1 :]] for one in with_hostile(inner))


def full_create_body() -> dict[str, Any]:
    """Return a create body with every field."""
    people = [participant(group_id=str(uuid4()), participant_index=0)]
    return {
        "session_id": str(uuid4()),
        "sync_mode": "per_group",
        "participants": people,
        "groups": [{"group_id": people[0]["group_id"], "total_time_ms": 5_000}],
        "total_time_ms": 60_000,
        "time_per_cycle_ms": 5_000,
        "increment_ms": 0,
        "max_time_ms": 60_000,
        "active_participant_id": people[0]["participant_id"],
        "auto_advance": False,
        "action_on_timeout": {"type": "notify", "outcome": "x"},
        "warn_at_ms": [1_000],
        "metadata": {"a": 1},
        "participants_may_pause": True,
        "participants_may_give_ms": 15_000,
        "start_at": "2026-01-31T09:30:05.123Z",
        "warn_before_start_ms": [1_000],
        "ends_at": "2026-01-31T10:30:05.123Z",
        "moves_with_pause": True,
        "extend_on_switch": {
            "window_ms": 10_000,
            "to_ms": 30_000,
            "at_most": 3,
            "not_after": "2026-01-31T11:30:05.123Z",
        },
    }


BODIES: dict[str, Callable[[], dict[str, Any]]] = {
    "POST ": full_create_body,
    "POST /batch": lambda: {"session_ids": [str(uuid4())]},
    "POST /{id}/start": dict,
    "POST /{id}/switch": lambda: {
        "next_participant_id": str(uuid4()),
        "current_participant_id": str(uuid4()),
    },
    "POST /{id}/pause": dict,
    "POST /{id}/resume": dict,
    "POST /{id}/complete": dict,
    "POST /{id}/cancel": dict,
    "POST /{id}/adjust": lambda: {
        "add_ms": 5_000,
        "set_ms": 5_000,
        "to": {"participants": [str(uuid4())], "groups": [str(uuid4())]},
        "reason": "x",
        "reopen": False,
        "scaled": False,
    },
    "PATCH /{id}": lambda: {
        "metadata": {"a": 1},
        "warn_at_ms": [1_000],
        "action_on_timeout": {"type": "notify", "outcome": "x"},
        "participants_may_pause": True,
        "participants_may_give_ms": 15_000,
    },
    "POST /{id}/participants": lambda: participant(group_id=str(uuid4()), participant_index=0),
    "PATCH /{id}/participants/{pid}": lambda: {
        "total_time_ms": 5_000,
        "overtime_periods": 1,
        "name": "x",
        "is_retired": False,
        "reason": "x",
    },
    "POST /{id}/participants/{pid}/forfeit": lambda: {"reason": "x"},
    "POST /{id}/begin": lambda: {"participants": [str(uuid4())]},
    "POST /{id}/participants/{pid}/reopen": lambda: {"reason": "x"},
    "POST /{id}/participants/{pid}/pause": lambda: {"reason": "x"},
    "POST /{id}/participants/{pid}/resume": lambda: {"reason": "x"},
    "POST /{id}/tokens": lambda: {
        "role": "participant",
        "participant_id": str(uuid4()),
        "lifetime_ms": 5_000,
    },
    "DELETE /{id}": dict,
}


def repeats_input(answer: httpx.Response) -> bool:
    """Return whether an error repeats_input part of the hostile text."""
    text = check_documented(answer, None).text + str(answer.headers)
    return any(part in text for part in (MARK, "7*7", "<script"))


@pytest.mark.parametrize("endpoint", BODIES)
async def test_an_error_does_not_repeat_a_value_of_the_body(api: ApiClient, endpoint: str) -> None:
    method, _, path = endpoint.partition(" ")
    path = "/v1/sessions" + path.format(id=await api.started(chess()), pid=uuid4())
    refused = 0
    for body in with_hostile(BODIES[endpoint]()):
        answer = await api.http.request(method, path, json=body)
        if answer.status_code >= 400:
            assert not repeats_input(answer), (body, answer.text)
            refused += 1
    assert refused >= len(HOSTILE_VALUES) or method == "DELETE"


@pytest.mark.http
@pytest.mark.parametrize(
    ("query", "value"),
    pairs(
        [("events", "after"), ("events", "limit"), ("replay", "version"), ("replay", "at")],
        [HOSTILE, "9" * 5_000 + MARK, "1e5" + MARK],
    ),
)
async def test_an_error_does_not_repeat_a_query_parameter(
    api: ApiClient, query: tuple[str, str], value: str
) -> None:
    path, name = query
    session_id = await api.started(chess())
    answer = await api.http.get(f"/v1/sessions/{session_id}/{path}", params={name: value})
    assert answer.status_code == 400
    assert not repeats_input(answer)


@pytest.mark.http
@pytest.mark.parametrize(
    ("path", "method"),
    pairs(
        [
            "/{}",
            "/v1/sessions/{}",
            "/v1/sessions/{}/switch",
            "/v1/sessions/11111111-1111-4111-8111-111111111111/{}",
            "/v1/sessions/11111111-1111-4111-8111-111111111111/participants/{}",
            "/console/{}",
            "/clients/js/{}",
            "/api-docs/{}",
        ],
        ["GET", "POST"],
    ),
)
async def test_an_error_does_not_repeat_the_path(api: ApiClient, method: str, path: str) -> None:
    answer = await api.http.request(method, path.format(HOSTILE))
    assert answer.status_code in (400, 404, 405)
    assert not repeats_input(answer)


@pytest.mark.http
@pytest.mark.parametrize(
    "name",
    [
        "Accept-Encoding",
        "Authorization",
        "Content-Type",
        "Cookie",
        "Idempotency-Key",
        "If-Match",
        "If-None-Match",
        "Origin",
        "User-Agent",
        "X-Forwarded-For",
        "X-Request-Id",
    ],
)
async def test_an_error_does_not_repeat_a_header(api: ApiClient, name: str) -> None:
    answer = await api.http.post(
        f"/v1/sessions/{uuid4()}/switch", content=b"{}", headers={name: HOSTILE}
    )
    assert answer.status_code in (400, 403, 404, 412, 415)
    assert not repeats_input(answer)
