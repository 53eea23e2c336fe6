"""Parses a stream of server-sent events (HTML Living Standard section 9.2)."""

import codecs
from collections.abc import AsyncIterator, Iterator

_BOM = "\ufeff"


async def events_in(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Yield the data of each event. Invalid UTF-8 is replaced, as the standard says."""
    parser = EventParser()
    async for chunk in chunks:
        for data in parser.feed(chunk):
            yield data


class EventParser:
    """Takes the stream in chunks, which may end anywhere."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._has_begun = False
        self._ended_with_cr = False
        self._rest: list[str] = []
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> Iterator[str]:
        """Yield the data of each event that ends in `chunk`."""
        for line in self._lines(self._decoder.decode(chunk)):
            if line:
                self._take(line)
            elif self._data:
                yield "\n".join(self._data)
                self._data = []

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        if name == "data":
            self._data.append(value.removeprefix(" "))

    def _lines(self, text: str) -> Iterator[str]:
        """Yield the complete lines. Only CR, LF and CRLF end one, unlike in `str.splitlines`."""
        if not text:
            return
        if self._ended_with_cr:
            text = text.removeprefix("\n")
        if not self._has_begun:
            text, self._has_begun = text.removeprefix(_BOM), True
        self._ended_with_cr = text.endswith("\r")
        *lines, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for line in lines:
            yield "".join([*self._rest, line])
            self._rest = []
        self._rest.append(rest)
