"""Log fields of each invocation: function, invocation id, cold or warm start."""

import os
from contextvars import ContextVar
from typing import Any

from shared.observability import logging

_invocation: ContextVar[dict[str, Any] | None] = ContextVar("invocation", default=None)
_served = False


def configure(level: str) -> None:
    """Log records of `level` and above as JSON."""
    logging.configure_logging(level, _fields)


def begin_invocation(context: Any) -> None:
    """Set the fields of a new invocation from Lambda's `context`; a process's first is cold."""
    global _served
    request_id = getattr(context, "aws_request_id", None)
    _invocation.set({"invocation_id": request_id, "start": "warm" if _served else "cold"})
    _served = True


def _fields() -> dict[str, Any]:
    function = {"function": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")}
    return function | (_invocation.get() or {})
