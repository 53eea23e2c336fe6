"""Logging to standard error, one JSON object per line."""

import logging
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

_NOISY_LOGGERS = ("httpx", "httpcore", "hpack", "mangum", "uvicorn.error", "websockets")
"""Libraries that log a line for each request, which this service does itself.

Their lines would contain whole URLs, and so the tokens of subscribers.
"""

_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


Fields = Callable[[], Mapping[str, Any]]


class JsonFormatter(logging.Formatter):
    """Formats a record as JSON, with its `extra` fields such as `request_id` and `session_id`.

    `common` returns the fields of every line.
    """

    def __init__(self, common: Fields = dict) -> None:
        super().__init__()
        self._common = common

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **self._common(),
        }
        line |= {k: v for k, v in vars(record).items() if k not in _STANDARD_FIELDS}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


def configure_logging(level: str, common: Fields = dict) -> None:
    """Log from `level` up as JSON, with the `common` fields in each line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(common))
    handler.setLevel(level)  # some libraries set a lower level for their own loggers
    for name in _NOISY_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.basicConfig(level=level, handlers=[handler], force=True)
