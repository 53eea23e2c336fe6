"""`python -m tests.load.page_loads`: what a load of the console's start page costs.

It prints the table of docs/performance.md. It needs Chromium and Node.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, sync_playwright

from infra.local.instance import Instance
from infra.local.redis import embedded_redis
from tests.support.code_folder import running_copy
from tests.support.page_load import PageLoad, load_page

_ROUNDS = 9
_FORM = "button[type=submit]"
_HEAD = """\
| console | load | requests | kB | ms of the browser's processor |
|---|---|--:|--:|--:|"""


def main() -> None:
    """Load both consoles in turn, each time in a new window, and print the medians."""
    with _services() as services, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        loads = [
            {name: _first_and_second(browser, service.url) for name, service in services.items()}
            for _ in range(_ROUNDS)
        ]
        browser.close()
    print(_HEAD)
    for name in services:
        for place, load in enumerate(("first", "second")):
            print(_row(name, load, [each[name][place] for each in loads]))


@contextmanager
def _services() -> Iterator[dict[str, Instance]]:
    """Run a service with the console's modules and one with the built console."""
    with tempfile.TemporaryDirectory() as name, embedded_redis() as redis_url:
        folder = Path(name)
        with (
            running_copy(redis_url, folder / "modules", is_built=False) as one,
            running_copy(redis_url, folder / "built", is_built=True) as other,
        ):
            yield {"modules": one, "built": other}


def _first_and_second(browser: Browser, url: str) -> tuple[PageLoad, PageLoad]:
    with browser.new_context() as window:
        page = window.new_page()
        return load_page(page, url, _FORM), load_page(page, url, _FORM)


def _row(name: str, load: str, loads: list[PageLoad]) -> str:
    requests = median(len(each.requests) for each in loads)
    received = median(each.received for each in loads)
    cpu_ms = median(each.cpu_ms for each in loads)
    return f"| {name} | {load} | {requests:.0f} | {received / 1000:.1f} | {cpu_ms:.0f} |"


if __name__ == "__main__":
    main()
