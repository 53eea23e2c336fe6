"""The life cycle of a session over HTTP, in every mode."""

from uuid import uuid4

import pytest

from tests.support.api import ApiClient, chess, details_of, error_of, participant

MODES = {
    "per_participant": chess(),
    "per_cycle": {**chess(), "sync_mode": "per_cycle", "time_per_cycle_ms": 30_000},
    "per_group": {
        "sync_mode": "per_group",
        "participants": [participant(group_id=group) for group in [str(uuid4()), str(uuid4())] * 2],
    },
    "global": {"sync_mode": "global", "total_time_ms": 600_000, "time_per_cycle_ms": 20_000},
    "count_up": {
        "sync_mode": "count_up",
        "max_time_ms": 600_000,
        "participants": [participant(None)],
    },
}

pytestmark = pytest.mark.http


@pytest.mark.parametrize("body", MODES.values(), ids=MODES.keys())
async def test_every_mode_runs_from_creation_to_completion(
    api: ApiClient, body: dict[str, object]
) -> None:
    session_id = await api.created(body)
    seen = [
        (await api.do(session_id, verb)).json()["data"]
        for verb in ("start", "switch", "pause", "resume", "switch", "complete")
    ]
    assert [answer["status"] for answer in seen] == [
        "running",
        "running",
        "paused",
        "running",
        "running",
        "completed",
    ]
    assert [answer["version"] for answer in seen] == [2, 3, 4, 5, 6, 7]
    assert (await api.session(session_id))["version"] == 7


@pytest.mark.parametrize("body", MODES.values(), ids=MODES.keys())
async def test_a_read_shows_a_running_clock_at_the_server_s_time(
    api: ApiClient, body: dict[str, object]
) -> None:
    session_id = await api.started(body)
    first = await api.session(session_id)
    second = await api.session(session_id)
    passed = second["server_time_ms"] - first["server_time_ms"]
    assert first["time_remaining_ms"] - second["time_remaining_ms"] == passed
    assert first["deadline_at"] == second["deadline_at"]


async def test_a_creation_answers_the_location_of_the_session(api: ApiClient) -> None:
    answer = await api.create(chess())
    path = answer.headers["location"]
    assert (await api.http.get(path)).json()["data"]["session_id"] == path.rpartition("/")[2]


async def test_an_id_in_upper_case_names_the_same_session(api: ApiClient) -> None:
    named = str(uuid4())
    answer = await api.create(chess(session_id=named.upper()))
    assert answer.json()["data"]["session_id"] == named
    assert (await api.session(named.upper()))["session_id"] == named


async def test_a_taken_id_is_refused_and_its_session_untouched(api: ApiClient) -> None:
    session_id = await api.started(chess())
    before = await api.session(session_id)
    answer = await api.create(chess(session_id=session_id))
    assert error_of(answer) == (409, "SESSION_EXISTS")
    after = await api.session(session_id)
    assert after["version"] == before["version"]
    assert after["participants"][0]["participant_id"] == before["active_participant_id"]


async def test_a_session_shows_its_settings_as_given(api: ApiClient) -> None:
    settings = {
        "increment_ms": 2_000,
        "warn_at_ms": [10_000, 5_000],
        "action_on_timeout": {"type": "end_session", "winner_by": "time", "penalty": [1, "a"]},
        "metadata": {"event": "Open", "round": 3, "tags": {"ü": None}},
        "auto_advance": True,
    }
    session = await api.session(await api.created(chess(**settings)))
    assert {name: session[name] for name in settings} == settings


async def test_optional_fields_without_a_value_are_omitted(api: ApiClient) -> None:
    session = await api.session(await api.created({"sync_mode": "count_up"}))
    absent = {"total_time_ms", "max_time_ms", "metadata", "groups", "warn_at_ms", "deadline"}
    assert not absent & session.keys()
    nulls = {name for name, value in session.items() if value is None}
    assert nulls == {
        "active_participant_id",
        "time_per_cycle_ms",
        "cycle_started_at",
        "session_started_at",
        "session_completed_at",
        "deadline_at",
    }


async def test_a_missing_body_an_empty_one_and_null_are_equivalent(api: ApiClient) -> None:
    session_id = await api.started(chess())
    for content in (b"", b"{}", b"null"):
        answer = await api.http.post(f"/v1/sessions/{session_id}/switch", content=content)
        assert answer.status_code == 200, answer.text
    assert (await api.session(session_id))["version"] == 5


async def test_a_double_tap_switches_once(api: ApiClient) -> None:
    session_id = await api.started(chess())
    active = (await api.session(session_id))["active_participant_id"]
    first = await api.do(session_id, "switch", {"current_participant_id": active})
    second = await api.do(session_id, "switch", {"current_participant_id": active})
    assert first.status_code == 200
    assert error_of(second) == (409, "CONFLICT")
    assert (await api.session(session_id))["version"] == 3


async def test_an_unknown_next_participant_is_a_validation_error(api: ApiClient) -> None:
    session_id = await api.started(chess())
    answer = await api.do(session_id, "switch", {"next_participant_id": str(uuid4())})
    assert "not a participant" in details_of(answer)["next_participant_id"]


@pytest.mark.parametrize(
    ("verb", "message"),
    [
        ("switch", "not running"),
        ("pause", "cannot be paused"),
        ("resume", "cannot be resumed"),
    ],
)
async def test_a_command_that_the_status_forbids_is_refused_with_a_message(
    api: ApiClient, verb: str, message: str
) -> None:
    answer = await api.do(await api.created(chess()), verb)
    assert error_of(answer) == (400, "INVALID_STATE_TRANSITION")
    text = answer.json()["error"]["message"]
    assert message in text
    assert "pending" in text


async def test_an_ended_session_accepts_no_commands(api: ApiClient) -> None:
    session_id = await api.started(chess())
    await api.do(session_id, "cancel")
    for verb in ("start", "switch", "pause", "resume", "complete", "cancel"):
        answer = await api.do(session_id, verb)
        assert error_of(answer) == (400, "INVALID_STATE_TRANSITION")
    joining = await api.do(session_id, "participants", participant())
    assert error_of(joining) == (400, "INVALID_STATE_TRANSITION")


async def test_pausing_stops_the_clock_to_the_millisecond(api: ApiClient) -> None:
    session_id = await api.started(chess())
    paused = (await api.do(session_id, "pause")).json()["data"]
    later = await api.session(session_id)
    assert later["time_remaining_ms"] == paused["time_remaining_ms"]
    resumed = (await api.do(session_id, "resume")).json()["data"]
    assert resumed["time_remaining_ms"] == paused["time_remaining_ms"]


async def test_a_participant_can_join_a_running_session(api: ApiClient) -> None:
    session_id = await api.started(chess())
    newcomer = participant(30_000)
    answer = await api.do(session_id, "participants", newcomer)
    assert answer.status_code == 201
    last = answer.json()["data"]["participants"][-1]
    assert last["participant_id"] == newcomer["participant_id"]
    assert last["participant_index"] == 2
    again = await api.do(session_id, "participants", newcomer)
    assert details_of(again) == {"participant_id": "must be unique"}


async def test_an_adjusted_clock_runs_on_from_the_new_value(api: ApiClient) -> None:
    session_id = await api.started(chess())
    active = (await api.session(session_id))["active_participant_id"]
    body = {"total_time_ms": 90_000, "reason": "the arbiter gave time"}
    adjusted = (await api.adjust(session_id, active, body)).json()["data"]
    assert adjusted["time_remaining_ms"] == 90_000
    later = await api.session(session_id)
    passed = later["server_time_ms"] - adjusted["server_time_ms"]
    assert later["time_remaining_ms"] == 90_000 - passed


async def test_an_unknown_participant_cannot_be_adjusted(api: ApiClient) -> None:
    answer = await api.adjust(await api.created(chess()), str(uuid4()), {"total_time_ms": 5_000})
    assert error_of(answer) == (404, "PARTICIPANT_NOT_FOUND")


async def test_a_deletion_removes_the_session_and_can_be_repeated(api: ApiClient) -> None:
    session_id = await api.started(chess())
    assert (await api.delete(session_id)).status_code == 204
    assert error_of(await api.get(session_id)) == (404, "SESSION_NOT_FOUND")
    assert (await api.delete(session_id)).status_code == 204
    assert error_of(await api.do(session_id, "switch")) == (404, "SESSION_NOT_FOUND")


async def test_a_batch_lists_found_and_missing_sessions_separately(api: ApiClient) -> None:
    first, second, missing = await api.created(chess()), await api.started(chess()), str(uuid4())
    ids = [second, missing, first, second]
    answer = await api.http.post("/v1/sessions/batch", json={"session_ids": ids})
    data = answer.json()["data"]
    assert [session["session_id"] for session in data["sessions"]] == [second, first]
    assert data["not_found"] == [missing]


async def test_a_batch_has_at_most_50_ids(api: ApiClient) -> None:
    ids = [str(uuid4()) for _ in range(51)]
    answer = await api.http.post("/v1/sessions/batch", json={"session_ids": ids})
    assert details_of(answer) == {"session_ids": "cannot exceed 50 entries"}


async def test_the_summary_has_status_active_participant_and_times_only(api: ApiClient) -> None:
    session_id = await api.started(chess())
    answer = await api.http.get(f"/v1/sessions/{session_id}/summary")
    assert answer.json()["data"].keys() == {
        "session_id",
        "status",
        "version",
        "active_participant_id",
        "deadline_at",
        "time_remaining_ms",
        "server_time_ms",
    }


async def test_a_session_expires_at_its_exact_deadline(api: ApiClient) -> None:
    body = chess(participants=[participant(1_000), participant(1_000)])
    body |= {"action_on_timeout": {"type": "end_session", "winner_by": "time"}}
    session_id = await api.started(body)
    deadline = (await api.session(session_id))["deadline_at"]
    while (session := await api.session(session_id))["status"] == "running":
        pass
    assert session["status"] == "expired"
    assert session["session_completed_at"] == deadline
    assert session["participants"][0]["time_used_ms"] == 1_000
    assert session["version"] == 3
