"""A real browser, and the services that its pages use."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ViewportSize,
    expect,
    sync_playwright,
)

from infra.local.functions import LocalFunctions, LocalRunOptions, running_functions
from infra.local.instance import Instance, running
from infra.local.postgres import EmbeddedPostgres, embedded_postgres
from infra.local.realtime import local_realtime
from infra.local.redis import embedded_redis
from infra.local.supabase import create_project, is_node_installed, local_supabase
from infra.local.upstash import local_upstash
from tests.conftest import missing
from tests.e2e.console import Console
from tests.e2e.problems import Problems
from tests.e2e.site import Site, site_in
from tests.support.tokens import WITH_AUTHENTICATION

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
_TIMEOUT_MS = 30_000
expect.set_options(timeout=_TIMEOUT_MS)
_SIZE: ViewportSize = {"width": 1280, "height": 800}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}
"""Options of a window like a phone's."""

PROJECTOR: ViewportSize = {"width": 1920, "height": 1080}
NO_LIMIT = "100000"
"""Requests per minute; high, because all tests share one client address."""

_WARM_FUNCTIONS = (
    "console",
    "time",
    "read",
    "create",
    "realtime",
    "start",
    "switch",
    "pause",
    "resume",
    "participants",
    "events",
    "audit",
    "expire",
)
"""Functions started beforehand, so that cold starts don't influence the tests."""

Opener = Callable[..., Console]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Chromium; closed with the package, because Playwright's event loop disturbs other tests."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        missing("Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def service(redis_url: str, postgres: EmbeddedPostgres) -> Iterator[Instance]:
    """The container service that most tests share."""
    settings = {"DATABASE_URL": postgres.url, "RATE_LIMIT_GENERAL": NO_LIMIT}
    with running(redis_url, port=None, quiet=False, **settings) as instance:
        yield instance


@contextmanager
def protected_service(postgres: EmbeddedPostgres, **more: str) -> Iterator[Instance]:
    """Start a service that requires tokens, on a Redis of its own; stop it after the block."""
    settings = WITH_AUTHENTICATION | {"DATABASE_URL": postgres.url, "RECOVERY": "off"} | more
    with (
        embedded_redis() as redis_url,
        running(redis_url, port=None, quiet=False, **settings) as instance,
    ):
        yield instance


@pytest.fixture(scope="module")
def auth_service(postgres: EmbeddedPostgres) -> Iterator[Instance]:
    """A service that requires tokens."""
    with protected_service(postgres) as instance:
        yield instance


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A web site on a port of its own."""
    with site_in(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture(scope="module")
def open_service(redis_url: str, site: Site) -> Iterator[Instance]:
    """A service that lets the site's pages call it."""
    with running(redis_url, port=None, quiet=False, CORS_ORIGINS=site.origin) as instance:
        yield instance


@pytest.fixture(scope="package")
def functions() -> Iterator[LocalFunctions]:
    """The service as functions with pushes over Supabase, on servers of its own."""
    if not is_node_installed():
        missing("Node")
    with ExitStack() as stack:
        upstash = stack.enter_context(local_upstash(stack.enter_context(embedded_redis())))
        settings = {
            "UPSTASH_REDIS_REST_URL": upstash.url,
            "UPSTASH_REDIS_REST_TOKEN": upstash.token,
            "RATE_LIMIT_GENERAL": NO_LIMIT,
            "LOG_LEVEL": "WARNING",
        }
        settings |= _supabase_project(stack)
        yield stack.enter_context(
            running_functions(settings, LocalRunOptions(warm=_WARM_FUNCTIONS))
        )


def _supabase_project(stack: ExitStack) -> dict[str, str]:
    """Return settings for a new Supabase project."""
    url = stack.enter_context(embedded_postgres()).url
    create_project(url)
    upstream = stack.enter_context(local_supabase(url)).url
    return stack.enter_context(local_realtime(url, upstream=upstream)).settings()


@pytest.fixture(params=["service", "functions"])
def target(request: pytest.FixtureRequest) -> str:
    """The URL of each kind of service: the container and the functions."""
    return str(request.getfixturevalue(request.param).url)


@pytest.fixture(scope="package")
def windows(chromium: Browser) -> Iterator[tuple[BrowserContext, BrowserContext]]:
    """Two windows, because only the front tab of a window draws at full rate.

    Tests share them and their first tab, because pages open three times as fast in a used tab.
    """
    with _new_window(chromium) as left, _new_window(chromium) as right:
        yield left, right


@pytest.fixture
def problems() -> Iterator[Problems]:
    """Errors and warnings of watched pages; unexpected ones fail the test."""
    seen = Problems()
    yield seen
    assert seen.all == []


@pytest.fixture
def open_page(
    windows: tuple[BrowserContext, BrowserContext], service: Instance, problems: Problems
) -> Iterator[Opener]:
    """Opens a tab at a path of the service or at an absolute URL."""
    with _page_opener(windows[0], service, problems) as opener:
        yield opener


@pytest.fixture
def open_in_second_window(
    windows: tuple[BrowserContext, BrowserContext], service: Instance, problems: Problems
) -> Iterator[Opener]:
    """Like `open_page`, in the second window."""
    with _page_opener(windows[1], service, problems) as opener:
        yield opener


@pytest.fixture
def open_in_new_window(
    chromium: Browser, service: Instance, problems: Problems
) -> Iterator[Opener]:
    """Like `open_page`, in a new window with empty storage."""
    with _new_window(chromium) as window, _page_opener(window, service, problems) as opener:
        yield opener


@contextmanager
def watched_window(
    chromium: Browser, service: Instance, problems: Problems, **options: Any
) -> Iterator[BrowserContext]:
    """Open a window with `service` as base URL; note the problems of each of its pages."""
    with chromium.new_context(base_url=service.url, **options) as window:
        window.on("page", problems.watch)
        yield window


def _new_window(chromium: Browser) -> BrowserContext:
    window = chromium.new_context(viewport=_SIZE)
    window.set_default_timeout(_TIMEOUT_MS)
    window.new_page()
    return window


@contextmanager
def _page_opener(window: BrowserContext, service: Instance, problems: Problems) -> Iterator[Opener]:
    first = window.pages[0]
    idle = [first]

    def open_tab(address: str = "/") -> Console:
        page = idle.pop() if idle else window.new_page()
        problems.watch(page)
        page.goto(address if "://" in address else service.url + address, wait_until="commit")
        return Console(page)

    yield open_tab
    for page in window.pages[1:]:
        page.close()
    first.goto("about:blank")
    first.set_viewport_size(_SIZE)
    first.emulate_media(color_scheme="null", reduced_motion="null")
    problems.unwatch(first)
