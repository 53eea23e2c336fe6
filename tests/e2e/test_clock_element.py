"""`<synckairos-clock>` shows a session in a page of another origin, as the READMEs describe."""

import re
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from infra.local.instance import Instance
from tests.e2e.conftest import Opener
from tests.e2e.problems import Problems
from tests.e2e.site import Site
from tests.e2e.stories import ApiSession

_ROOT = Path(__file__).parents[2]
_EXAMPLE = re.compile(r"```html\n(.*?)```", re.DOTALL)
_SERVICE = re.compile(r"http://(?:localhost|127\.0\.0\.1):3000")
_READMES = ("README.md", "clients/js/README.md")


def chess(service: Instance) -> ApiSession:
    people = [
        {"participant_id": name.lower(), "name": name, "total_time_ms": 180_000}
        for name in ("Ada", "Ben")
    ]
    return ApiSession(service.url, {"sync_mode": "per_participant", "participants": people})


def element(service: Instance, attributes: str) -> str:
    """Return the HTML of an element with these attributes, whose module `service` delivers."""
    module = f'<script type="module" src="{service.url}/clients/js/clock-element.js"></script>'
    return f"{module}<synckairos-clock {attributes}></synckairos-clock>"


def clocks(page: Page) -> Locator:
    return page.locator("synckairos-clock [part~=clock]")


@pytest.mark.parametrize("readme", _READMES)
def test_the_example_of_a_readme_shows_a_game(
    open_page: Opener, open_service: Instance, site: Site, readme: str
) -> None:
    session = chess(open_service)
    (example,) = _EXAMPLE.findall((_ROOT / readme).read_text())
    html = re.sub('session="[^"]+"', f'session="{session.id}"', example)
    page = open_page(site.page(_SERVICE.sub(open_service.url, html))).page
    expect(clocks(page)).to_have_text(["Ada3:00", "Ben3:00"])
    expect(page.get_by_role("status")).to_have_text("Not started yet")
    session.do("start")
    expect(page.get_by_role("status")).to_have_text("")
    expect(page.get_by_role("timer", name="Ada")).not_to_have_text("3:00")
    expect(page.locator("[part~=active]")).to_contain_text("Ada")
    page.evaluate("document.querySelector('synckairos-clock').session.pause()")
    expect(page.get_by_role("status")).to_have_text("Paused")
    assert session.state["status"] == "paused"


def test_an_element_shows_one_participant_and_can_be_changed(
    open_page: Opener, open_service: Instance, site: Site
) -> None:
    game, laps = chess(open_service), ApiSession(open_service.url, {"sync_mode": "count_up"})
    page = open_page(
        site.page(element(open_service, f'session="{game.id}" participant="ben"'))
    ).page
    expect(clocks(page)).to_have_text(["Ben3:00"])
    page.evaluate(
        "id => document.querySelector('synckairos-clock').setAttribute('session', id)", laps.id
    )
    expect(page.get_by_role("status")).to_contain_text("no such participant")
    expect(clocks(page)).to_have_count(0)
    page.evaluate("document.querySelector('synckairos-clock').removeAttribute('participant')")
    expect(clocks(page)).to_have_text(["0:00.0"])
    laps.do("start", "complete")
    expect(page.get_by_role("status")).to_have_text("Completed")


@pytest.mark.parametrize(
    ("attributes", "note"),
    [
        ("", "The attribute “session” is missing."),
        ('session="x" base-url="ftp://a"', "baseUrl must be the service's URL, such as"),
    ],
)
def test_an_element_says_why_it_shows_no_clock(
    open_page: Opener, open_service: Instance, site: Site, attributes: str, note: str
) -> None:
    page = open_page(site.page(element(open_service, attributes))).page
    expect(page.get_by_role("status")).to_contain_text(note)


def test_an_element_waits_for_a_session_that_is_created_later(
    open_page: Opener, open_service: Instance, site: Site, problems: Problems
) -> None:
    session_id = str(uuid4())
    page = open_page(site.page(element(open_service, f'session="{session_id}"'))).page
    expect(page.get_by_role("status")).to_have_text("This session has not been created yet.")
    problems.expect("404")
    ApiSession(open_service.url, {"session_id": session_id, "sync_mode": "count_up"})
    expect(clocks(page)).to_have_text(["0:00.0"])
    problems.ignore("404")


def test_an_element_that_is_taken_out_of_the_page_follows_nothing(
    open_page: Opener, open_service: Instance, site: Site
) -> None:
    session = chess(open_service)
    attributes = f'session="{session.id}" base-url="{open_service.url}"'
    page = open_page(site.page(element(open_service, attributes))).page
    expect(clocks(page)).to_have_text(["Ada3:00", "Ben3:00"])
    page.evaluate(
        """() => {
          const element = document.querySelector('synckairos-clock');
          window.followed = element.session;
          element.remove();
        }"""
    )
    assert page.evaluate("followed.connection.status") == "closed"
