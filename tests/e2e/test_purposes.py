"""Any metadata, as applications set it: each session has a page that works."""

from typing import Any

import pytest
from playwright.sync_api import expect

from infra.local.instance import Instance
from tests.e2e.conftest import Opener
from tests.e2e.stories import ApiSession

_PEOPLE: list[dict[str, Any]] = [{"participant_id": "p1"}, {"participant_id": "p2"}]
_GLOBAL: dict[str, Any] = {"sync_mode": "global", "total_time_ms": 600_000}
_GAME: dict[str, Any] = {
    "sync_mode": "per_participant",
    "participants": [one | {"total_time_ms": 600_000} for one in _PEOPLE],
}
_TEAMS: dict[str, Any] = {
    "sync_mode": "per_group",
    "participants": [
        one | {"group_id": f"g{n}", "total_time_ms": 600_000} for n, one in enumerate(_PEOPLE)
    ],
}
_RUNS: dict[str, Any] = {
    "sync_mode": "individual",
    "total_time_ms": 600_000,
    "participants": _PEOPLE,
}
_ODD: dict[str, dict[str, Any]] = {
    "a number": {"purpose": 7, "title": 7, "names": 7, "group_names": 7, "result": 7},
    "a list": {"purpose": ["meeting"], "title": [1], "names": [], "group_names": []},
    "null": dict.fromkeys(("purpose", "title", "names", "group_names", "result")),
    "an object": {"purpose": {"toString": 1}, "title": {}, "names": {"p1": {}}},
    "a name of JavaScript": {"purpose": "__proto__", "names": {"p1": 1}},
}


@pytest.mark.parametrize("purpose", ["meeting", "exam", "race", "quiz_answers"])
def test_a_clock_for_all_works_with_the_purpose_of_another_page(
    open_page: Opener, service: Instance, purpose: str
) -> None:
    session = ApiSession(service.url, _GLOBAL | {"metadata": {"purpose": purpose}})
    console = open_page(session.path)
    expect(console.clock("Everyone")).to_be_visible()
    console.start()
    expect(console.primary).to_contain_text("Pause")
    console.primary.click()
    expect(console.status).to_have_text("paused")
    session.do("complete")
    expect(console.page.locator(".outcome")).to_contain_text("Completed at")


@pytest.mark.parametrize(
    ("purpose", "next_step", "heading"),
    [("quiz", "Next question", "Question 2"), ("auction", "Bid", "Bid 1")],
)
def test_a_page_works_without_the_settings_of_its_preset(
    open_page: Opener, service: Instance, purpose: str, next_step: str, heading: str
) -> None:
    session = ApiSession(service.url, _GLOBAL | {"metadata": {"purpose": purpose}})
    console = open_page(session.path)
    console.start()
    expect(console.primary).to_contain_text(next_step)
    console.primary.click()
    expect(console.clocks.get_by_role("heading")).to_have_text(heading)


def test_a_quiz_of_one_round_has_no_next_question(open_page: Opener, service: Instance) -> None:
    session = ApiSession(service.url, _RUNS | {"metadata": {"purpose": "quiz_answers"}})
    session.do("start")
    page = open_page(session.path).page
    expect(page.get_by_role("button", name="Answer: Player 2")).to_be_visible()
    expect(page.get_by_role("button", name="Next question")).to_be_hidden()


def test_a_game_with_the_purpose_of_a_meeting_has_the_words_of_a_game(
    open_page: Opener, service: Instance
) -> None:
    session = ApiSession(service.url, _GAME | {"metadata": {"purpose": "meeting"}})
    console = open_page(session.path)
    console.start()
    expect(console.primary).to_contain_text("Switch")


@pytest.mark.parametrize("metadata", _ODD.values(), ids=_ODD)
@pytest.mark.parametrize(
    ("body", "title", "person"),
    [
        (_GLOBAL | {"participants": _PEOPLE}, "One clock for all", "Person 1"),
        (_TEAMS, "One clock per team", "Team 1"),
        (_RUNS, "All clocks at once", "Person 1"),
    ],
    ids=["global", "per_group", "individual"],
)
def test_metadata_of_other_types_is_passed_over(
    open_page: Opener,
    service: Instance,
    body: dict[str, Any],
    title: str,
    person: str,
    metadata: dict[str, Any],
) -> None:
    session = ApiSession(service.url, body | {"metadata": metadata})
    session.do("start")
    console = open_page(session.path)
    expect(console.status).to_have_text("running")
    expect(console.page.get_by_role("main").get_by_text(person, exact=True).first).to_be_visible()
    session.do("complete")
    expect(console.status).to_have_text("completed")
    expect(console.page.get_by_role("heading", level=1)).to_have_text(title)
