"""Participants who give each other time (`participants_may_give_ms`)."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.support import tokens
from tests.support.api import (
    ApiClient,
    chess,
    details_of,
    error_of,
    forbidden_fields_of,
    participant,
)
from tests.support.tokens import bearer

pytestmark = pytest.mark.http

ANNA, BEN, CLEO, DAN = "anna", "ben", "cleo", "dan"


def seats(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [participant(60_000, participant_id=name, **more) for name in names]


def game(**more: Any) -> dict[str, Any]:
    body = {"participants": seats(ANNA, BEN, CLEO), "participants_may_give_ms": 15_000}
    return chess(**{**body, **more})


async def give(
    api: ApiClient, session_id: str, who: str, body: Any, token: str | None = None
) -> httpx.Response:
    """Send `body` to `adjust` with the token of the participant `who`, or with `token`."""
    headers = bearer(token or tokens.participant(session_id, who))
    return await api.do(session_id, "adjust", body, headers)


def to(*names: str, add_ms: int = 15_000, **more: Any) -> dict[str, Any]:
    return {"add_ms": add_ms, "to": {"participants": [*names]}, **more}


async def test_a_participant_gives_time_to_another_one_and_the_trail_names_it(
    guarded: ApiClient,
) -> None:
    session_id = await guarded.started(game())
    assert (await guarded.session(session_id))["participants_may_give_ms"] == 15_000
    given = await give(guarded, session_id, ANNA, to(BEN, reason="nice game"))
    assert given.status_code == 200, given.text
    assert given.json()["data"]["participants"][1]["time_remaining_ms"] == 75_000
    events: list[Any] = []
    async with asyncio.timeout(30):
        while len(events) < 3:
            answer = await guarded.http.get(f"/v1/sessions/{session_id}/events")
            events = answer.json()["data"]["events"]
    assert (events[2]["event"], events[2]["actor"]) == ("time_adjusted", f"participant:{ANNA}")


_RECEIVER = "to.participants.0"
_NO_GIFTS: list[tuple[Any, list[str]]] = [
    (to(BEN, add_ms=15_001), ["add_ms"]),
    (to(BEN, add_ms=-1), ["add_ms"]),
    (to(ANNA), [_RECEIVER]),
    (to(BEN, CLEO), ["to"]),
    (to("nobody"), [_RECEIVER]),
    (to(BEN, reopen=True), ["reopen"]),
    (to(BEN, scaled=True), ["scaled"]),
    ({"add_ms": 15_000}, ["to"]),
    ({"add_ms": 15_000, "to": "session"}, ["to"]),
    ({"add_ms": 15_000, "to": {"groups": [BEN]}}, ["to"]),
    ({"set_ms": 5_000, "to": {"participants": [BEN]}}, ["set_ms", "add_ms"]),
]


@pytest.mark.parametrize(("body", "fields"), _NO_GIFTS)
async def test_a_participant_can_do_nothing_else_with_clocks_and_is_told_why(
    guarded: ApiClient, body: Any, fields: list[str]
) -> None:
    session_id = await guarded.created(game())
    answer = await give(guarded, session_id, ANNA, body)
    assert [*forbidden_fields_of(answer)] == fields
    assert (await guarded.session(session_id))["version"] == 1


async def test_a_gift_that_also_sets_a_clock_is_a_wrong_body(guarded: ApiClient) -> None:
    session_id = await guarded.created(game())
    answer = await give(guarded, session_id, ANNA, to(BEN, set_ms=5_000))
    assert details_of(answer) == {"add_ms": "cannot be combined with set_ms"}
    assert (await guarded.session(session_id))["version"] == 1


async def test_nobody_gives_time_unless_the_session_allows_it(guarded: ApiClient) -> None:
    session_id = await guarded.created(game(participants_may_give_ms=0))
    assert "participants_may_give_ms" not in await guarded.session(session_id)
    answer = await give(guarded, session_id, ANNA, to(BEN))
    assert error_of(answer) == (403, "FORBIDDEN")


async def test_a_spectator_and_somebody_who_takes_no_part_give_nothing(guarded: ApiClient) -> None:
    session_id = await guarded.created(game())
    for token in (tokens.spectator(session_id), tokens.participant(session_id, "nobody")):
        assert error_of(await give(guarded, session_id, "", to(BEN), token))[0] == 403


async def test_in_a_group_time_goes_to_another_group_only(guarded: ApiClient) -> None:
    members = [*seats(ANNA, CLEO, group_id="red"), *seats(BEN, DAN, group_id="blue")]
    session_id = await guarded.created(game(sync_mode="per_group", participants=members))
    assert error_of(await give(guarded, session_id, ANNA, to(CLEO)))[0] == 403
    given = await give(guarded, session_id, ANNA, to(DAN))
    totals = {g["group_id"]: g["total_time_ms"] for g in given.json()["data"]["groups"]}
    assert totals == {"red": 120_000, "blue": 135_000}


async def test_where_all_share_the_clock_nobody_gives_time(guarded: ApiClient) -> None:
    body = {"sync_mode": "per_cycle", "time_per_cycle_ms": 60_000}
    session_id = await guarded.created(game(**body))
    assert error_of(await give(guarded, session_id, ANNA, to(BEN)))[0] == 403


@pytest.mark.parametrize("value", [-1, 600_001])
async def test_the_limit_of_a_gift_is_ten_minutes(guarded: ApiClient, value: int) -> None:
    answer = await guarded.create(game(participants_may_give_ms=value))
    assert [*details_of(answer)] == ["participants_may_give_ms"]
