"""Documents that stay the same while a process lives: read and compressed once, in a thread."""

import gzip
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from shared.errors import NothingHere
from shared.http.compression import LEVEL, SMALLEST, wants_gzip

_FILES_KEPT: Final = 256


@dataclass(frozen=True, slots=True)
class Packed:
    """A body and the same with gzip; None where that isn't worth it."""

    plain: bytes
    compressed: bytes | None

    @classmethod
    def of(cls, plain: bytes) -> "Packed":
        """Compress `plain`; some 30 ms for 1 MB."""
        if len(plain) < SMALLEST:
            return cls(plain, None)
        packed = gzip.compress(plain, LEVEL, mtime=0)
        return cls(plain, packed if len(packed) < len(plain) else None)

    def response(self, request: Request, headers: Mapping[str, str]) -> Response:
        """The form that the client takes, with `headers`."""
        said = {**headers, "Vary": "Accept-Encoding"}
        said.pop("content-length", None)
        if self.compressed is None or not wants_gzip(request.headers.get("accept-encoding")):
            return Response(self.plain, headers=said)
        return Response(self.compressed, headers=said | {"Content-Encoding": "gzip"})


class Once:
    """A document that `make` makes when it is first asked for, in a thread."""

    def __init__(self, make: Callable[[], bytes]) -> None:
        self._make = make
        self._made: Packed | None = None

    async def response(self, request: Request, headers: Mapping[str, str]) -> Response:
        """The document."""
        if self._made is None:
            self._made = await anyio.to_thread.run_sync(lambda: Packed.of(self._make()))
        return self._made.response(request, headers)


class PackedFiles(StaticFiles):
    """`StaticFiles` that reads and compresses each file once, until it changes on the disk."""

    async def at(self, path: str, scope: Scope) -> Response:
        """The file at `path`, or a 304 where the client has it. Raises `NothingHere`."""
        try:
            response = await self.get_response(path, scope)
        except HTTPException:
            raise NothingHere from None
        return await packed(response, Request(scope))


async def packed(response: Response, request: Request) -> Response:
    """`response`, out of memory if it is that of a file that was asked for whole."""
    is_file = isinstance(response, FileResponse) and response.status_code == 200
    if not is_file or "range" in request.headers:
        return response
    assert isinstance(response, FileResponse)
    stat = response.stat_result
    if stat is None:
        stat = await anyio.to_thread.run_sync(os.stat, response.path)
        response.set_stat_headers(stat)
    return (await _read(response.path, stat)).response(request, response.headers)


_files = StaticFiles(check_dir=False)


async def file_answer(
    request: Request, path: Path, headers: Mapping[str, str] | None = None
) -> Response:
    """The file at `path`, with `headers` beside its own `ETag` and `Last-Modified`.

    304 for a client that has it (RFC 9110 §13.1).
    """
    response = _files.file_response(path, path.stat(), request.scope)
    response.headers.update(headers or {})
    return await packed(response, request)


_kept: dict[str, tuple[int, int, Packed]] = {}


async def _read(path: str | os.PathLike[str], stat: os.stat_result) -> Packed:
    """The file, from memory unless it has changed."""
    known = _kept.get(str(path))
    if known and known[:2] == (stat.st_mtime_ns, stat.st_size):
        return known[2]
    read = await anyio.to_thread.run_sync(lambda: Packed.of(Path(path).read_bytes()))
    if len(_kept) >= _FILES_KEPT:
        _kept.clear()
    _kept[str(path)] = (stat.st_mtime_ns, stat.st_size, read)
    return read
