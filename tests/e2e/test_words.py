"""A flag falls only in games that are lost on time; elsewhere, time is up."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from infra.local.instance import Instance
from tests.e2e.conftest import Opener
from tests.e2e.stories import create_session

UP = "Time.s up"
END: dict[str, Any] = {"type": "end_session"}


@pytest.mark.parametrize(
    ("shape", "action", "note", "event", "outcome"),
    [
        (
            "per_participant",
            END | {"winner_by": "time"},
            "Flag fallen",
            "Ada.s flag fell: the session is over",
            "Time is up. Ada.s flag fell: Ben wins on time[.]",
        ),
        (
            "per_participant",
            END,
            UP,
            "Ada: time.s up: the session is over",
            ".*Ada: no time left[.]",
        ),
        ("per_cycle", END, UP, "Ada: time.s up: the session is over", "Time is up[.]"),
        ("per_cycle", {"type": "skip_cycle"}, "", "Ada: time.s up: Ben is next", ""),
    ],
)
def test_the_end_of_a_clock_is_named_by_what_it_means(
    open_page: Opener,
    service: Instance,
    shape: str,
    action: dict[str, Any],
    note: str,
    event: str,
    outcome: str,
) -> None:
    session = create_session(service.url, shape, action_on_timeout=action)
    session.do("start")
    console = open_page(session.path)
    expect(console.active).to_have_text("Ada")
    session.adjust(0, 1_000, "correction")
    expect(console.events.filter(has_text=re.compile(f"^{event}$"))).to_have_count(1)
    expect(console.clock("Ada").locator(".face-note")).to_have_text(re.compile(f"^{note}$"))
    if outcome:
        expect(console.page.locator(".outcome")).to_have_text(re.compile(f"^{outcome}$"))
