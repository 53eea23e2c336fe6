"""Logs an outage once when it begins and once when it ends, however often something is retried."""

import logging


class OutageLog:
    """The log of the outages of one service, such as a database; `log` is where it writes."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._ends_with: str | None = None

    def begin(self, message: str, ends_with: str) -> None:
        """Log `message` as a warning, unless an outage was logged that hasn't ended.

        Later failures are logged for debugging only. `ends_with` is the message for the end.
        """
        is_new = self._ends_with is None
        self._log.log(logging.WARNING if is_new else logging.DEBUG, "%s", message)
        if is_new:
            self._ends_with = ends_with

    def end(self) -> None:
        """Log the end of the outage, if there is one."""
        if self._ends_with is not None:
            self._log.warning("%s", self._ends_with)
            self._ends_with = None
