"""What one load of a page costs: requests, bytes, and the browser's processor time."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import CDPSession, Page


@dataclass(frozen=True, slots=True)
class PageLoad:
    """One load of a page, without requests of the API.

    `requests` are the responses of the service as Chromium describes them, without files from the
    browser's cache. `received` is the number of bytes with header fields, `cpu_ms` the processor
    time of all the browser's processes.
    """

    requests: list[dict[str, Any]]
    received: int
    cpu_ms: float


class _Recorder:
    """Records the responses of one page."""

    def __init__(self, session: CDPSession) -> None:
        self.responses: dict[str, dict[str, Any]] = {}
        self.received = 0
        self._cached: set[str] = set()
        session.on("Network.requestServedFromCache", lambda e: self._cached.add(e["requestId"]))
        session.on("Network.responseReceived", self._note_response)
        session.on("Network.loadingFinished", self._note_end)
        session.send("Network.enable")

    def _note_response(self, event: dict[str, Any]) -> None:
        response = event["response"]
        is_cached = event["requestId"] in self._cached or response["fromDiskCache"]
        if not is_cached and "/v1/" not in response["url"]:
            self.responses[event["requestId"]] = response

    def _note_end(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self.responses:
            self.received += int(event["encodedDataLength"])


def load_page(page: Page, url: str, ready: str) -> PageLoad:
    """Open `url`, wait until the element `ready` is visible, and return what that has cost."""
    assert page.context.browser is not None
    processes = page.context.browser.new_browser_cdp_session()
    session = page.context.new_cdp_session(page)
    recorder = _Recorder(session)
    before_ms = _cpu_ms(processes)
    page.goto(url)
    page.locator(ready).wait_for()
    cpu_ms = _cpu_ms(processes) - before_ms
    page.wait_for_load_state("networkidle")
    session.detach()
    processes.detach()
    return PageLoad([*recorder.responses.values()], recorder.received, cpu_ms)


def _cpu_ms(session: CDPSession) -> float:
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    return 1000 * float(sum(process["cpuTime"] for process in processes))
