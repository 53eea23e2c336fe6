"""Print a history for debugging."""

from collections.abc import Iterator
from dataclasses import fields

from tests.resilience.linearizability.exchange import Answer, Asked
from tests.resilience.linearizability.recording import Record
from tests.resilience.linearizability.stage import CheckedHistory

_NS_PER_MS = 1_000_000


def describe(checked: CheckedHistory) -> str:
    """Return a line per operation, by its start: start ms, end ms, client, request, answer.

    `!` marks operations that the longest order found doesn't explain.
    """
    history = sorted(checked.history, key=lambda one: one.invoked_ns)
    beginning = history[0].invoked_ns
    lines = [f"history {checked.seed}:"]
    for one in history:
        mark = "!" if one in checked.result.unexplained else " "
        lines.append(f"{mark} {_span(one, beginning)} {one.client:9} {_request(one.request)}")
        lines[-1] += f" -> {_answer(one.answer)}"
    return "\n".join(lines)


def _span(one: Record, beginning: int) -> str:
    began = (one.invoked_ns - beginning) / _NS_PER_MS
    if one.answered_ns is None:
        return f"{began:8.2f}         "
    return f"{began:8.2f} {(one.answered_ns - beginning) / _NS_PER_MS:8.2f}"


def _request(asked: Asked) -> str:
    return " ".join([asked.verb, *_parameters(asked)])


def _parameters(asked: Asked) -> Iterator[str]:
    for field in fields(asked):
        value = getattr(asked, field.name)
        if value is not None and field.name not in ("verb", "opening"):
            yield f"{field.name}={value}"


def _answer(answer: Answer | None) -> str:
    if answer is None:
        return "lost"
    replayed = " replayed" if answer.replayed else ""
    return f"{answer.status}{replayed} {answer.session or (answer.code, answer.detail)}"
