"""A history in words, for those who must find out what went wrong."""

from collections.abc import Iterator
from dataclasses import fields

from tests.resilience.linearizability.exchange import Answer, Asked
from tests.resilience.linearizability.recording import Record
from tests.resilience.linearizability.stage import Judged

_NS_PER_MS = 1_000_000


def told(judged: Judged) -> str:
    """Each operation in a line, by when it was asked for: ms from, ms to, who, what, answer.

    `!` marks what the longest order that was found leaves unexplained.
    """
    history = sorted(judged.history, key=lambda one: one.invoked)
    beginning = history[0].invoked
    lines = [f"history {judged.seed}:"]
    for one in history:
        mark = "!" if one in judged.verdict.unexplained else " "
        lines.append(f"{mark} {_span(one, beginning)} {one.client:9} {_request(one.asked)}")
        lines[-1] += f" -> {_answer(one.seen)}"
    return "\n".join(lines)


def _span(one: Record, beginning: int) -> str:
    began = (one.invoked - beginning) / _NS_PER_MS
    if one.answered is None:
        return f"{began:8.2f}         "
    return f"{began:8.2f} {(one.answered - beginning) / _NS_PER_MS:8.2f}"


def _request(asked: Asked) -> str:
    return " ".join([asked.verb, *_said(asked)])


def _said(asked: Asked) -> Iterator[str]:
    for field in fields(asked):
        value = getattr(asked, field.name)
        if value is not None and field.name not in ("verb", "opening"):
            yield f"{field.name}={value}"


def _answer(seen: Answer | None) -> str:
    if seen is None:
        return "lost"
    again = " again" if seen.replayed else ""
    return f"{seen.status}{again} {seen.shown or (seen.code, seen.detail)}"
