"""Trace ids in log records."""

import logging
from typing import Any

from opentelemetry.trace import format_trace_id, get_current_span


def add_trace_ids_to_logs() -> None:
    """Add `trace_id` to every log record of this process that is made within a trace."""
    make = logging.getLogRecordFactory()

    def made(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        context = get_current_span().get_span_context()
        if context.is_valid:
            record.trace_id = format_trace_id(context.trace_id)
        return record

    logging.setLogRecordFactory(made)
