"""`start_at`, `ends_at` and `extend_on_switch` over HTTP and on live connections."""

from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest

from infra.local.instance import Instance
from tests.support.api import ApiClient, check_documented, details_of, error_of, participant
from tests.support.instants import in_utc, instant_in
from tests.support.live import connect_live

NEEDS_OFFSET = "must be a timestamp with Z or an offset, such as 2026-01-31T09:30:05.123Z"


def exam(**more: Any) -> dict[str, Any]:
    return {"sync_mode": "global", "participants": [participant(None)], **more}


async def update(api: ApiClient, session_id: str, body: Any) -> Any:
    return check_documented(await api.http.patch(f"/v1/sessions/{session_id}", json=body), None)


async def test_a_start_and_an_end_are_pushed_to_clients_of_both_instances(
    instances: tuple[Instance, Instance], api: ApiClient
) -> None:
    session_id = str(uuid4())
    async with (
        connect_live(instances[0], session_id) as here,
        connect_live(instances[1], session_id) as there,
    ):
        start_at, ends_at = await instant_in(api, 2_500), await instant_in(api, 3_500)
        instants = {"start_at": start_at, "ends_at": ends_at}
        warnings = {"warn_before_start_ms": [400], "warn_at_ms": [600]}
        await api.created(exam(session_id=session_id, **instants, **warnings))
        for follower in (here, there):
            created, before, start, warning, expired, end = await follower.until_version(3)
            assert created["state"]["start_at"] == in_utc(start_at)
            assert (before["type"], before["before"]) == ("TIME_WARNING", "start")
            assert (before["threshold_ms"], before["time_remaining_ms"] <= 400) == (400, True)
            assert (start["cause"], start["state"]["status"]) == ("session_started", "running")
            assert start["state"]["session_started_at"] == in_utc(start_at)
            assert start["state"]["cycle_started_at"] == in_utc(start_at)
            assert start["state"]["deadline_at"] == in_utc(ends_at)
            assert (warning["threshold_ms"], "before" in warning) == (600, False)
            assert expired["type"] == "TIME_EXPIRED"
            assert end["state"]["session_completed_at"] == in_utc(ends_at)
    events = await api.audited(session_id, 3)
    assert [(e["event"], e["actor"], e["occurred_at"]) for e in events[1:]] == [
        ("session_started", "system", in_utc(start_at)),
        ("time_expired", "system", in_utc(ends_at)),
    ]


@pytest.mark.http
async def test_instants_of_any_offset_are_shown_in_utc(api: ApiClient) -> None:
    zone = timezone(timedelta(hours=-9, minutes=-30))
    start_at = await instant_in(api, 3_600_000, zone)
    ends_at = await instant_in(api, 7_200_000)
    session_id = await api.created(exam(start_at=start_at, ends_at=ends_at, moves_with_pause=True))
    session = await api.session(session_id)
    assert (session["start_at"], session["ends_at"]) == (in_utc(start_at), in_utc(ends_at))
    assert session["moves_with_pause"] is True
    assert session["time_remaining_ms"] == _ms_between(start_at, ends_at)
    summary = (await api.http.get(f"/v1/sessions/{session_id}/summary")).json()["data"]
    assert (summary["start_at"], summary["ends_at"]) == (session["start_at"], session["ends_at"])


@pytest.mark.http
async def test_a_start_moves_or_goes_while_the_session_is_pending(api: ApiClient) -> None:
    session_id = await api.created(
        exam(total_time_ms=60_000, start_at=await instant_in(api, 60_000))
    )
    later = await instant_in(api, 120_000)
    answer = await update(api, session_id, {"start_at": later, "warn_before_start_ms": [5_000]})
    session = answer.json()["data"]
    assert (session["start_at"], session["warn_before_start_ms"]) == (in_utc(later), [5_000])
    session = (await update(api, session_id, {"start_at": None})).json()["data"]
    assert ("start_at" in session, session["version"]) == (False, 3)
    await api.do(session_id, "start")
    assert error_of(await update(api, session_id, {"start_at": later})) == (
        400,
        "INVALID_STATE_TRANSITION",
    )


@pytest.mark.parametrize(
    "value",
    ["2026-01-31T09:30:00", "2026-01-31", "soon", 1_760_000_000_000, "2026-02-30T09:30:00Z", True],
)
@pytest.mark.http
async def test_an_instant_needs_an_offset(api: ApiClient, value: Any) -> None:
    rule = {"window_ms": 5_000, "to_ms": 5_000, "not_after": value}
    body = exam(start_at=value, ends_at=value, extend_on_switch=rule)
    assert details_of(await api.create(body)) == dict.fromkeys(
        ("start_at", "ends_at", "extend_on_switch.not_after"), NEEDS_OFFSET
    )


@pytest.mark.http
async def test_an_instant_lies_between_a_second_and_30_days_ahead(api: ApiClient) -> None:
    past, far = await instant_in(api, 500), await instant_in(api, 31 * 86_400_000)
    details = details_of(await api.create(exam(start_at=past, ends_at=far)))
    assert details == {
        "start_at": "must lie at least 1000ms in the future, by the server's clock",
        "ends_at": "cannot lie more than 2592000000ms (30 days) in the future",
    }
    session_id = await api.created(exam(total_time_ms=60_000))
    assert [*details_of(await update(api, session_id, {"start_at": past}))] == ["start_at"]


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"ends_at": True}, "ends_at", "is for global only"),
        ({"extend_on_switch": {"window_ms": 5_000, "to_ms": 5_000}}, "extend_on_switch", "is for"),
        ({"moves_with_pause": True}, "moves_with_pause", "needs ends_at"),
        ({"extend_on_switch": {"to_ms": 5_000}}, "extend_on_switch.window_ms", "is required"),
        ({"warn_before_start_ms": [0]}, "warn_before_start_ms.0", "must be at least 1ms"),
    ],
)
@pytest.mark.http
async def test_a_wrong_field_is_named(
    api: ApiClient, fields: dict[str, Any], field: str, message: str
) -> None:
    if fields.get("ends_at"):
        fields = {"ends_at": await instant_in(api, 60_000)}
    body = {"sync_mode": "per_participant", "participants": [participant()], **fields}
    details = details_of(await api.create(body))
    assert details[field].startswith(message)


@pytest.mark.http
async def test_a_switch_that_extends_the_clock_says_so_each_time_it_is_sent(api: ApiClient) -> None:
    rule = {"window_ms": 60_000, "by_ms": 30_000, "at_most": 2}
    session_id = await api.started(exam(total_time_ms=60_000, extend_on_switch=rule))
    key = {"Idempotency-Key": str(uuid4())}
    first = (await api.do(session_id, "switch", headers=key)).json()["data"]
    assert first["extended_by_ms"] == 30_000
    assert (await api.session(session_id))["extensions"] == {"used": 1, "left": 1}
    second = (await api.do(session_id, "switch")).json()["data"]
    assert "extended_by_ms" not in second
    assert (await api.do(session_id, "switch", headers=key)).json()["data"] == first


@pytest.mark.http
async def test_an_auction_ends_after_the_last_bid(api: ApiClient) -> None:
    ends_at = await instant_in(api, 30_000)
    rule = {"window_ms": 60_000, "to_ms": 120_000, "not_after": await instant_in(api, 100_000)}
    session_id = await api.started(exam(ends_at=ends_at, extend_on_switch=rule))
    bid = (await api.do(session_id, "switch")).json()["data"]
    session = await api.session(session_id)
    assert session["ends_at"] == session["deadline_at"] == in_utc(rule["not_after"])  # type: ignore[arg-type]
    assert bid["extended_by_ms"] == _ms_between(ends_at, rule["not_after"])
    undone = (await api.do(session_id, "undo", {"mode": "as_if_never"})).json()["data"]
    assert (undone["ends_at"], undone["extensions"]) == (in_utc(ends_at), {"used": 0})


@pytest.mark.http
async def test_the_clock_of_a_paused_session_falls_toward_its_end(api: ApiClient) -> None:
    ends_at = await instant_in(api, 60_000)
    session_id = await api.started(exam(ends_at=ends_at))
    await api.do(session_id, "pause")
    session = await api.session(session_id)
    assert (session["status"], session["deadline_at"]) == ("paused", in_utc(ends_at))
    end_ms = datetime.fromisoformat(ends_at).timestamp() * 1000
    expected = {"left_ms": round(end_ms) - session["server_time_ms"], "rate": -1}
    assert session["clock"] == session["session_clock"] == expected


@pytest.mark.http
async def test_a_simulation_knows_starts_and_extensions(api: ApiClient) -> None:
    start_at, ends_at = await instant_in(api, 60_000), await instant_in(api, 120_000)
    body = exam(
        start_at=start_at,
        ends_at=ends_at,
        warn_before_start_ms=[10_000],
        extend_on_switch={"window_ms": 86_400_000, "by_ms": 5_000},
    )
    session_id = await api.created(body)
    simulation = {
        "operations": [{"after_ms": 100_000, "operation": "switch"}],
        "until_ms": 200_000,
    }
    answer = await api.http.post(f"/v1/sessions/{session_id}/simulate", json=simulation)
    warning, start, bid, end = check_documented(answer, None).json()["data"]["events"]
    assert (warning["threshold_ms"], warning["before"]) == (10_000, "start")
    assert (start["cause"], start["occurred_at"]) == ("session_started", in_utc(start_at))
    assert bid["extended_by_ms"] == 5_000
    assert (end["cause"], _ms_between(ends_at, end["occurred_at"])) == ("time_expired", 5_000)


def _ms_between(start: str, end: Any) -> int:
    between = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    return round(between.total_seconds() * 1000)
