"""A real browser on a real service."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ViewportSize,
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

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
_TIMEOUT_MS = 10_000
_SIZE: ViewportSize = {"width": 1280, "height": 800}
NO_LIMIT = "100000"
"""Requests a minute: all tests call from one address."""

_PLAYED = (
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
"""Functions that are started beforehand: a cold start isn't what the tests are about."""

Opener = Callable[..., Console]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Chromium; closed with the package, for Playwright's event loop would be in others' way."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        missing("Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def service(redis_url: str, postgres: EmbeddedPostgres) -> Iterator[Instance]:
    """The service that most tests share."""
    settings = {"DATABASE_URL": postgres.url, "RATE_LIMIT_GENERAL": NO_LIMIT}
    with running(redis_url, port=None, quiet=False, **settings) as instance:
        yield instance


@pytest.fixture(scope="package")
def functions() -> Iterator[LocalFunctions]:
    """The service as functions, whose pushes Supabase carries; all servers are their own."""
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
        yield stack.enter_context(running_functions(settings, LocalRunOptions(warm=_PLAYED)))


def _supabase_project(stack: ExitStack) -> dict[str, str]:
    """The settings of a service that uses a project of its own."""
    url = stack.enter_context(embedded_postgres()).url
    create_project(url)
    upstream = stack.enter_context(local_supabase(url)).url
    return stack.enter_context(local_realtime(url, upstream=upstream)).settings()


@pytest.fixture(scope="package")
def windows(chromium: Browser) -> Iterator[tuple[BrowserContext, BrowserContext]]:
    """Two windows, for only the tab in front of a window draws at full rate.

    Kept from test to test with their first tab, in which pages open three times as fast.
    """
    with _window(chromium) as left, _window(chromium) as right:
        yield left, right


@pytest.fixture
def problems() -> Iterator[Problems]:
    """What pages complained of; whatever a test doesn't expect fails it."""
    seen = Problems()
    yield seen
    assert seen.all == []


@pytest.fixture
def open_page(
    windows: tuple[BrowserContext, BrowserContext], service: Instance, problems: Problems
) -> Iterator[Opener]:
    """Opens a tab at a path of the service, or at a whole address."""
    with _opening(windows[0], service, problems) as opener:
        yield opener


@pytest.fixture
def open_beside(
    windows: tuple[BrowserContext, BrowserContext], service: Instance, problems: Problems
) -> Iterator[Opener]:
    """Likewise, in the window beside."""
    with _opening(windows[1], service, problems) as opener:
        yield opener


@pytest.fixture
def open_anew(chromium: Browser, service: Instance, problems: Problems) -> Iterator[Opener]:
    """Likewise, in a window where nothing is stored yet."""
    with _window(chromium) as window, _opening(window, service, problems) as opener:
        yield opener


def _window(chromium: Browser) -> BrowserContext:
    window = chromium.new_context(viewport=_SIZE)
    window.set_default_timeout(_TIMEOUT_MS)
    window.new_page()
    return window


@contextmanager
def _opening(window: BrowserContext, service: Instance, problems: Problems) -> Iterator[Opener]:
    first = window.pages[0]
    idle = [first]

    def open_one(address: str = "/") -> Console:
        page = idle.pop() if idle else window.new_page()
        problems.watch(page)
        page.goto(address if "://" in address else service.url + address, wait_until="commit")
        return Console(page)

    yield open_one
    for page in window.pages[1:]:
        page.close()
    first.goto("about:blank")
    first.set_viewport_size(_SIZE)
    first.emulate_media(color_scheme="null", reduced_motion="null")
    problems.forget(first)
