"""JSON as RFC 8259 has it: no NaN, no lone surrogates, nothing that we couldn't write again."""

from typing import Any

import msgspec


def parse(content: bytes | str) -> Any:
    """The value that `content` holds. Raises `ValueError`, also for one nested too deep to read."""
    try:
        return msgspec.json.decode(content)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError("malformed JSON") from error
