"""`/embed` shows a session's clocks in the pages of `EMBED_ORIGINS`, and in no others."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import FrameLocator, expect

from infra.local.instance import Instance, running
from infra.local.redis import embedded_redis
from tests.e2e.conftest import Opener
from tests.e2e.problems import Problems
from tests.e2e.site import Site, site_in
from tests.e2e.stories import create_session
from tests.support import tokens
from tests.support.api import chess

_ANCESTORS = "frame-ancestors"


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Another web site."""
    with site_in(tmp_path_factory.mktemp("stranger")) as site:
        yield site


@pytest.fixture(scope="module")
def embedded(site: Site) -> Iterator[Instance]:
    """A service that requires tokens, and lets the site's pages frame its clocks."""
    settings = tokens.WITH_AUTHENTICATION | {"RECOVERY": "off", "EMBED_ORIGINS": site.origin}
    with (
        embedded_redis() as redis_url,
        running(redis_url, port=None, quiet=False, **settings) as instance,
    ):
        yield instance


def game(service: Instance) -> str:
    """Create a running session and return its id."""
    host = tokens.bearer(tokens.host())
    made = httpx.post(f"{service.url}/v1/sessions", json=chess(), headers=host).raise_for_status()
    session_id = str(made.json()["data"]["session_id"])
    httpx.post(f"{service.url}/v1/sessions/{session_id}/start", headers=host).raise_for_status()
    return session_id


def frame(service: Instance, path: str) -> str:
    """Return the HTML of a frame with that path of the service."""
    return f'<iframe src="{service.url}{path}" width="480" height="200"></iframe>'


def test_frames_of_a_listed_site_show_sessions_each_with_its_own_token(
    open_page: Opener, embedded: Instance, site: Site
) -> None:
    games = [game(embedded) for _ in range(2)]
    html = "".join(
        frame(embedded, f"/embed?session={one}&theme=dark#token={tokens.spectator(one)}")
        for one in games
    )
    page = open_page(site.page(html)).page
    for _ in range(2):
        for position in range(2):
            inside = page.frame_locator("iframe").nth(position)
            expect(inside.locator(".tile")).to_have_attribute("data-status", "running")
            expect(inside.get_by_role("timer")).to_have_count(2)
            assert controls(inside) == 0
        page.reload()


def controls(inside: FrameLocator) -> int:
    """Return how many controls a frame has."""
    return inside.locator("button, a, input, select").count()


@pytest.mark.parametrize("path", ["/", "/board", "/api-docs"])
def test_no_other_page_can_be_framed(
    open_page: Opener, problems: Problems, embedded: Instance, site: Site, path: str
) -> None:
    page = open_page("/api-docs").page
    with page.expect_console_message(lambda message: _ANCESTORS in message.text):
        page.goto(site.page(frame(embedded, path)))
    problems.expect(_ANCESTORS)
    problems.ignore("ERR_BLOCKED_BY_RESPONSE")


def test_a_site_that_is_not_listed_cannot_frame_the_clocks(
    open_page: Opener, problems: Problems, embedded: Instance, stranger: Site
) -> None:
    page = open_page("/api-docs").page
    with page.expect_console_message(lambda message: _ANCESTORS in message.text):
        page.goto(stranger.page(frame(embedded, f"/embed?session={game(embedded)}")))
    problems.expect(_ANCESTORS)
    problems.ignore("ERR_BLOCKED_BY_RESPONSE")


def test_one_clock_is_chosen(open_page: Opener, service: Instance) -> None:
    session = create_session(service.url)
    ada, ben = (one["participant_id"] for one in session.state["participants"])
    for chosen, name in ((ada, "Ada"), (ben, "Ben")):
        page = open_page(f"/embed?session={session.id}&participant={chosen}").page
        expect(page.get_by_role("timer")).to_have_count(1)
        expect(page.get_by_role("timer", name=name)).to_have_text("10:00")
    page = open_page(f"/embed?session={session.id}&participant=nobody").page
    expect(page.get_by_role("status")).to_have_text("No such participant or group")


def test_the_room_s_clock_and_one_candidate_s_are_shown(
    open_page: Opener, service: Instance
) -> None:
    people = [{"participant_id": "c1", "name": "Ada", "extra_ms": 60_000}, {"participant_id": "c2"}]
    session = create_session(
        service.url,
        sync_mode="individual",
        participants=people,
        total_time_ms=600_000,
        metadata={"purpose": "exam"},
    )
    session.do("start", "pause")
    page = open_page(f"/embed?session={session.id}").page
    expect(page.get_by_role("timer")).to_have_count(1)
    expect(page.get_by_role("status")).to_have_text("Paused")
    page = open_page(f"/embed?session={session.id}&participant=c1").page
    expect(page.get_by_role("timer", name="Ada")).to_have_text("11:00")


def test_a_link_without_a_session_says_so(open_page: Opener) -> None:
    page = open_page("/embed").page
    expect(page.get_by_role("heading", level=1)).to_contain_text("lead to a session")
    expect(page.get_by_text("ask the host for a new one")).to_be_visible()
