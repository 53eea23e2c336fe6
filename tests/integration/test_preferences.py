"""`Prefer: return=representation` on a switch (RFC 7240)."""

from tests.support.api import ApiClient, chess


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
