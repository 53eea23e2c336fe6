"""The page of a quiz: its questions one after the other."""

import re

from playwright.sync_api import expect

from infra.local.instance import Instance
from tests.e2e.conftest import Opener
from tests.e2e.stories import create_session
from tests.e2e.test_layout import WIDTHS, expect_all_inside

_PURPOSE = {"purpose": "quiz", "title": "Pub quiz"}


def test_a_quiz_is_created_and_ends_after_its_last_question(
    open_page: Opener, open_in_second_window: Opener
) -> None:
    host = open_page()
    host.page.locator("input[value=global]").check(force=True)
    host.page.get_by_role("button", name="Quiz", exact=True).click()
    host.field("Questions").fill("2")
    host.field("Time per question").fill("0:01")
    host.submit.click()
    expect(host.status).to_have_text("pending")
    guest = open_in_second_window(host.page.url)
    host.start()
    for page in (host, guest):
        expect(page.clock("Question 1 of 2")).to_contain_text(re.compile("Time.s up"))
    host.page.get_by_role("button", name="Next question").click()
    for page in (host, guest):
        expect(page.clock("Question 2 of 2")).to_be_visible()
    expect(host.events.filter(has_text="Question 2 begins")).to_have_count(1)
    host.page.get_by_role("button", name="End the quiz").click()
    for page in (host, guest):
        expect(page.status).to_have_text("completed")
        expect(page.page.locator(".outcome")).to_contain_text("Completed at")


def test_a_quiz_that_ends_early_shows_its_last_question(
    open_page: Opener, service: Instance
) -> None:
    question = {"item_id": "question", "duration_ms": 30_000, "on_end": "wait"}
    session = create_session(
        service.url,
        "global empty",
        total_time_ms=None,
        items=[question],
        repeat=10,
        metadata=_PURPOSE,
    )
    session.do("start", "switch", "switch", "complete")
    console = open_page(session.path)
    expect(console.clock("Question 3 of 10")).to_be_visible()
    expect(console.page.locator(".step[data-done]")).to_have_count(2)


def test_the_time_for_an_answer_belongs_to_its_question(
    open_page: Opener, service: Instance
) -> None:
    session = create_session(
        service.url,
        sync_mode="global",
        participants=[],
        programme="quiz_10x30",
        metadata=_PURPOSE,
    )
    session.do("start", "switch", "switch")
    console = open_page(session.path)
    expect(console.clock("Question 2 of 10")).not_to_contain_text("Answer")
    console.page.get_by_role("button", name="Answer").click()
    expect(console.clock("Question 2 of 10")).to_contain_text("Answer")
    console.page.get_by_role("button", name="Next question").click()
    expect(console.clock("Question 3 of 10")).to_be_visible()
    expect(console.page.locator(".step[data-done]")).to_have_count(2)
    for width in WIDTHS:
        expect_all_inside(console, width)


def test_teams_take_turns_with_the_questions_of_a_quiz_without_items(
    open_page: Opener, service: Instance
) -> None:
    session = create_session(service.url, "global", metadata=_PURPOSE | {"questions": 12})
    session.do("start", "switch")
    console = open_page(session.path)
    expect(console.clock("Question 2 of 12")).to_contain_text(re.compile("left in all"))
    turn = console.page.locator(".participant-list [data-current]")
    expect(turn).to_contain_text("Ben")


def test_everyone_answers_on_their_own_clock(
    open_page: Opener, open_in_second_window: Opener
) -> None:
    host = open_page()
    host.page.locator("input[value=individual]").check(force=True)
    host.page.get_by_role("button", name="Quiz", exact=True).click()
    host.field("Questions").fill("2")
    host.submit.click()
    expect(host.status).to_have_text("pending")
    guest = open_in_second_window(host.page.url)
    for page in (host, guest):
        expect(page.page.locator(".step[data-current]")).to_have_count(1)
    host.page.get_by_role("button", name="Start the quiz").click()
    for question in ("Question 1 of 2", "Question 2 of 2"):
        for page in (host, guest):
            expect(page.page.locator(".big-label")).to_have_text(question)
            expect(page.page.locator(".big-detail")).to_have_text("0 of 4 answered")
        following = "End the quiz" if "2 of" in question else "Next question"
        follow = host.page.locator(".run-controls").get_by_role("button", name=following)
        expect(follow).to_be_disabled()
        for name in ("Ada", "Ben", "Cleo", "Dan"):
            guest.page.get_by_role("button", name=f"Answer: {name}").click()
        expect(host.page.locator(".big-detail")).to_have_text("4 of 4 answered")
        expect(follow).to_be_enabled()
        follow.click()
    host.page.get_by_role("dialog").get_by_role("button", name="Complete").click()
    for page in (host, guest):
        expect(page.status).to_have_text("completed")
