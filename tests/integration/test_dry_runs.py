"""Dry runs over HTTP: `?dry_run=true` answers as the change would, and changes nothing."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.api import (
    LIVE_FIELDS,
    ApiClient,
    check_documented,
    chess,
    details_of,
    error_of,
    participant,
)

pytestmark = pytest.mark.http

DRY = {"dry_run": "true"}
ADA, BEN = participant(participant_id="ada"), participant(participant_id="ben")
GAME = chess(participants=[ADA, BEN])
_VOLATILE = (*LIVE_FIELDS, "updated_at")


async def send(
    api: ApiClient, method: str, path: str, body: Any = None, **options: Any
) -> httpx.Response:
    return check_documented(await api.http.request(method, path, json=body, **options), None)


def stable(answer: httpx.Response) -> dict[str, Any]:
    """Return the session or switch result of the answer without what passes with time."""
    data: dict[str, Any] = answer.json()["data"]
    participants = [{"participant_id": p["participant_id"]} for p in data["participants"]]
    fields = {name: value for name, value in data.items() if name not in _VOLATILE}
    return fields | {"participants": participants}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/pause", None),
        ("POST", "/complete", None),
        ("POST", "/cancel", {}),
        ("POST", "/switch", {"next_participant_id": "ben"}),
        ("POST", "/adjust", {"add_ms": 5_000}),
        ("PATCH", "", {"metadata": {"table": 7}}),
        ("PATCH", "/participants/ada", {"name": "Ada"}),
        ("POST", "/participants/ada/forfeit", {"reason": "left"}),
    ],
)
async def test_a_dry_run_answers_as_the_change_does_and_changes_nothing(
    api: ApiClient, method: str, path: str, body: Any
) -> None:
    url = f"/v1/sessions/{await api.started(GAME)}"
    before = await send(api, "GET", url)
    dry = await send(api, method, url + path, body, params=DRY)
    after = await send(api, "GET", url)
    assert (after.headers["etag"], stable(after)) == (before.headers["etag"], stable(before))
    real = await send(api, method, url + path, body)
    assert (dry.status_code, set(dry.json()["data"])) == (200, set(real.json()["data"]))
    for name in ("version", "status", "active_participant_id", "cycle_number"):
        assert dry.json()["data"].get(name) == real.json()["data"].get(name)
    assert dry.headers["dry-run"] == "true"
    assert "etag" not in dry.headers
    assert "dry-run" not in real.headers


async def test_the_next_change_gets_the_version_that_dry_runs_showed(api: ApiClient) -> None:
    url = f"/v1/sessions/{await api.started(GAME)}"
    versions = [
        (await send(api, "POST", f"{url}/switch", params=params)).json()["data"]["version"]
        for params in (DRY, DRY, None)
    ]
    assert versions == [3, 3, 3]


async def test_a_dry_run_of_a_creation_creates_no_session(api: ApiClient) -> None:
    session_id = str(uuid4())
    body = chess(session_id=session_id)
    dry = await send(api, "POST", "/v1/sessions", body, params=DRY)
    assert (dry.status_code, dry.json()["data"]["session_id"]) == (201, session_id)
    assert "location" not in dry.headers
    assert (await send(api, "GET", f"/v1/sessions/{session_id}")).status_code == 404
    assert (await send(api, "POST", "/v1/sessions", body)).status_code == 201
    refused = await send(api, "POST", "/v1/sessions", body, params=DRY)
    assert error_of(refused) == (409, "SESSION_EXISTS")


async def test_a_dry_run_of_a_deletion_deletes_nothing(api: ApiClient) -> None:
    url = f"/v1/sessions/{await api.started(GAME)}"
    dry = await send(api, "DELETE", url, params=DRY)
    assert (dry.status_code, dry.content, dry.headers["dry-run"]) == (204, b"", "true")
    assert (await send(api, "GET", url)).status_code == 200


async def test_a_dry_run_is_refused_as_the_change_is(api: ApiClient) -> None:
    url = f"/v1/sessions/{await api.started(GAME)}"
    again = await send(api, "POST", f"{url}/start", params=DRY)
    assert error_of(again) == (400, "INVALID_STATE_TRANSITION")
    wrong = await send(api, "POST", f"{url}/adjust", {"add_ms": "x"}, params=DRY)
    assert details_of(wrong) == {"add_ms": "must be an integer"}
    stale = await send(api, "POST", f"{url}/pause", params=DRY, headers={"If-Match": '"1"'})
    assert stale.status_code == 412


async def test_the_key_of_a_dry_run_stays_unused(api: ApiClient) -> None:
    url, key = f"/v1/sessions/{await api.started(GAME)}", {"Idempotency-Key": str(uuid4())}
    assert (await send(api, "POST", f"{url}/pause", params=DRY, headers=key)).status_code == 200
    real = await send(api, "POST", f"{url}/pause", headers=key)
    assert "idempotent-replayed" not in real.headers
    assert real.json()["data"]["status"] == "paused"
    assert (await send(api, "GET", url)).json()["data"]["status"] == "paused"
    # The session is paused now, and a dry run doesn't get the recorded answer of the pause.
    assert (await send(api, "POST", f"{url}/pause", params=DRY, headers=key)).status_code == 400


@pytest.mark.parametrize("value", ["maybe", "", "2"])
async def test_a_wrong_value_is_refused_and_nothing_is_changed(api: ApiClient, value: str) -> None:
    url = f"/v1/sessions/{await api.started(GAME)}"
    answer = await send(api, "POST", f"{url}/pause", params={"dry_run": value})
    assert details_of(answer) == {"dry_run": "must be true or false"}
    assert (await send(api, "GET", url)).json()["data"]["status"] == "running"


async def test_a_false_dry_run_is_a_change(api: ApiClient) -> None:
    url = f"/v1/sessions/{await api.started(GAME)}"
    await send(api, "POST", f"{url}/pause", params={"dry_run": "false"})
    assert (await send(api, "GET", url)).json()["data"]["status"] == "paused"
