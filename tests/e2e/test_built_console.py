"""The console as packages and images have it: the same stories, with few requests."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from infra.local.instance import Instance
from infra.local.npm import is_node_installed
from infra.local.postgres import EmbeddedPostgres
from tests.conftest import missing
from tests.e2e import test_chess, test_meeting
from tests.e2e.conftest import NO_LIMIT, Opener
from tests.e2e.problems import Problems
from tests.e2e.stories import create_session
from tests.support.code_folder import running_copy
from tests.support.page_load import PageLoad, load_page

_MOST_REQUESTS = 10
_FORM = "button[type=submit]"

test_a_game_of_chess = test_chess.test_a_game_can_be_created_and_played_with_the_keyboard_alone
test_a_meeting = test_meeting.test_a_meeting_is_created_runs_over_and_ends


@pytest.fixture(scope="module")
def service(
    redis_url: str, postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Instance]:
    """A service whose code is laid out as in an image."""
    if not is_node_installed():
        missing("Node")
    folder = tmp_path_factory.mktemp("app")
    settings = {"DATABASE_URL": postgres.url, "RATE_LIMIT_GENERAL": NO_LIMIT}
    with running_copy(redis_url, folder, is_built=True, **settings) as instance:
        yield instance


@pytest.fixture
def loads(
    chromium: Browser, service: Instance, problems: Problems
) -> Iterator[tuple[PageLoad, PageLoad]]:
    """The first load of the start page in a new window, and the second one."""
    with chromium.new_context() as window:
        page = window.new_page()
        problems.watch(page)
        first, second = (load_page(page, service.url, _FORM) for _ in range(2))
        yield first, second


def test_the_first_load_makes_few_requests(loads: tuple[PageLoad, PageLoad]) -> None:
    requests = loads[0].requests
    assert len(requests) <= _MOST_REQUESTS
    assert {request["status"] for request in requests} == {200}


def test_the_second_load_asks_for_the_page_alone(
    loads: tuple[PageLoad, PageLoad], service: Instance
) -> None:
    assert [request["url"] for request in loads[1].requests] == [f"{service.url}/"]


def test_a_link_is_shown_as_a_qr_code(open_page: Opener) -> None:
    """Its library is loaded when it is needed."""
    console = open_page()
    console.create()
    console.page.get_by_role("button", name="Share").click()
    expect(console.page.get_by_role("img", name="QR code of the link")).to_be_visible()


@pytest.mark.parametrize("path", ["/embed?session={}", "/board?session={}"])
def test_the_pages_of_clocks_alone_show_a_session(
    open_page: Opener, service: Instance, path: str
) -> None:
    session = create_session(service.url)
    session.do("start")
    page = open_page(path.format(session.id)).page
    expect(page.locator(".tile")).to_have_attribute("data-status", "running")
