"""One JSON object a line, on standard error."""

import logging
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

_CHATTY = ("httpx", "httpcore", "hpack", "mangum", "uvicorn.error", "websockets")
"""Libraries with a line for each request, of which we write a better one.

Theirs would also hold whole addresses, and so the tokens of those who follow a session live.
"""

_OWN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


Fields = Callable[[], Mapping[str, Any]]


class JsonFormatter(logging.Formatter):
    """A record with the `extra` fields of its call, such as `request_id` and `session_id`.

    `common` are the fields of every line.
    """

    def __init__(self, common: Fields = dict) -> None:
        super().__init__()
        self._common = common

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **self._common(),
        }
        line |= {k: v for k, v in vars(record).items() if k not in _OWN_FIELDS}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


def configure(level: str, common: Fields = dict) -> None:
    """Log everything from `level` on as JSON, with the `common` fields in each line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(common))
    handler.setLevel(level)  # some libraries give their own loggers a level
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.basicConfig(level=level, handlers=[handler], force=True)
