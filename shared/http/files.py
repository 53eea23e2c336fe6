"""Files of the service as answers, with 304 for a client that has them (RFC 9110 §13.1)."""

from collections.abc import Mapping
from pathlib import Path

from fastapi import Request, Response
from starlette.staticfiles import StaticFiles

_files = StaticFiles(check_dir=False)


def file_answer(request: Request, path: Path, headers: Mapping[str, str] | None = None) -> Response:
    """The file at `path`, with `headers` beside its own `ETag` and `Last-Modified`."""
    response = _files.file_response(path, path.stat(), request.scope)
    response.headers.update(headers or {})
    return response
