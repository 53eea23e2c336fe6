"""Errors and warnings of pages that users wouldn't see."""

from playwright.sync_api import ConsoleMessage, Error, Page, Request

FORBIDDEN = "the server responded with a status of 403"
NOT_FOUND = "the server responded with a status of 404"
UNAVAILABLE = "503 (Service Unavailable)"
"""Functions may give this answer on a busy machine; the page repeats the request."""


class Problems:
    """Console errors and warnings, uncaught exceptions and failed requests of every page.

    A request that was aborted because the page was left doesn't count as failed.
    """

    def __init__(self) -> None:
        self.all: list[str] = []

    def watch(self, page: Page) -> None:
        """Note the problems of `page`."""
        page.on("pageerror", self._note_exception)
        page.on("requestfailed", self._note_request)
        page.on("console", self._note_message)

    def unwatch(self, page: Page) -> None:
        """Stop noting the problems of `page`."""
        page.remove_listener("pageerror", self._note_exception)
        page.remove_listener("requestfailed", self._note_request)
        page.remove_listener("console", self._note_message)

    def _note_exception(self, error: Error) -> None:
        self.all.append(f"exception: {error}")

    def _note_request(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":
            self.all.append(f"{request.failure}: {request.url}")

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.all.append(f"{message.type}: {message.text}")

    def expect(self, part: str) -> None:
        """Assert that a problem contains `part`, and remove those that do."""
        assert any(part in problem for problem in self.all), self.all
        self.ignore(part)

    def ignore(self, part: str) -> None:
        """Remove the problems that contain `part`, if there are any."""
        self.all = [problem for problem in self.all if part not in problem]
