"""`Prefer` on changes: the whole session for a switch, or one participant only (RFC 7240)."""

import pytest

from tests.support.api import ApiClient, chess
from tests.support.exams import PEOPLE, exam


async def test_a_switch_answers_the_session_if_the_client_prefers_it(api: ApiClient) -> None:
    session_id = await api.created(chess())
    await api.do(session_id, "start")
    path = f"/v1/sessions/{session_id}/switch"
    for field in ("return=representation", 'respond-async, Return="representation"; x=1'):
        answer = await api.http.post(path, headers={"Prefer": field})
        assert answer.headers["Preference-Applied"] == "return=representation"
        session = answer.json()["data"]
        assert session["sync_mode"] == "per_participant"
        assert answer.headers["ETag"] == f'"{session["version"]}"'
    for field in ("return=minimal", "return=minimal, return=representation", "wait=5"):
        answer = await api.http.post(path, headers={"Prefer": field})
        assert "Preference-Applied" not in answer.headers
        assert "sync_mode" not in answer.json()["data"]


MINIMAL = {"Prefer": "return=minimal"}


@pytest.mark.parametrize("people", [PEOPLE[:2], PEOPLE])
async def test_a_command_on_an_individual_clock_answers_only_that_clock_if_preferred(
    api: ApiClient, people: list[str]
) -> None:
    session_id = await api.created(exam(people) | {"begins": "each"})
    await api.do(session_id, "start")
    who = people[1]
    path = f"/v1/sessions/{session_id}/participants/{who}"
    for verb in ("begin", "pause", "resume", "finish", "reopen"):
        answer = await api.http.post(f"{path}/{verb}", headers=MINIMAL)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Preference-Applied"] == "return=minimal"
        result, session = answer.json()["data"], await api.session(session_id)
        assert answer.headers["ETag"] == f'"{session["version"]}"'
        names = ("session_id", "status", "version")
        assert {name: result[name] for name in names} == {name: session[name] for name in names}
        then = session["participants"][1]
        assert (result["participant"]["participant_id"], result["participant"]["state"]) == (
            who,
            then["state"],
        )
        assert result["participant"].keys() == then.keys()


async def test_a_small_answer_is_given_to_retries_and_dry_runs_too(api: ApiClient) -> None:
    session_id = await api.started(exam())
    path = f"/v1/sessions/{session_id}/participants/{PEOPLE[0]}/finish"
    dry_run = await api.http.post(path, headers=MINIMAL, params={"dry_run": "true"})
    assert dry_run.headers["Dry-Run"] == "true"
    assert dry_run.json()["data"]["participant"]["state"] == "finished"
    with_key = {**MINIMAL, "Idempotency-Key": "finish-0"}
    first = await api.http.post(path, headers=with_key)
    again = await api.http.post(path, headers=with_key)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    whole = await api.http.post(path, headers={"Idempotency-Key": "finish-0"})
    assert "Preference-Applied" not in whole.headers
    assert whole.json()["data"]["participants"][0] == first.json()["data"]["participant"]


async def test_other_commands_answer_the_whole_session(api: ApiClient) -> None:
    session_id = await api.started(exam(PEOPLE[:2]))
    for verb in (f"participants/{PEOPLE[0]}/forfeit", "pause"):
        answer = await api.http.post(f"/v1/sessions/{session_id}/{verb}", headers=MINIMAL)
        assert "Preference-Applied" not in answer.headers
        assert len(answer.json()["data"]["participants"]) == 2
