"""Parsing of server-sent events (HTML Living Standard section 9.2)."""

import pytest
from synckairos.transports.event_stream import EventParser


def parsed(stream: bytes, size: int) -> list[str]:
    """Return the events of a stream that comes in pieces of `size` bytes."""
    parser = EventParser()
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    return [data for piece in pieces for data in parser.feed(piece)]


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data: a\n\ndata: b\n\n", ["a", "b"]),
        ("data: a\r\rdata: b\r\r", ["a", "b"]),
        ("data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),
        ("data: a\r\n\ndata: b\r\r\n", ["a", "b"]),
        ("data: a\u2028b\u2029c\u0085d\x0be\n\n", ["a\u2028b\u2029c\u0085d\x0be"]),
        ("data: a\ndata\ndata:b\n\n", ["a\n\nb"]),
        (": hello\nid: 1\ndatabase: x\ndata:  a: b\n\n\n", [" a: b"]),
        ("\ufeffdata: a\n\n", ["a"]),
        ("data: a\n\ndata: b\n", ["a"]),
        ("data: é€𝄞\n\n", ["é€𝄞"]),
    ],
)
def test_events_are_read_whole_however_they_arrive(
    text: str, expected: list[str], size: int
) -> None:
    assert parsed(text.encode(), size) == expected


def test_an_event_is_complete_with_its_last_cr() -> None:
    assert parsed(b"data: a\r\r", 1000) == ["a"]
