"""Checks answers against the OpenAPI document."""

import re
from functools import cache

import httpx

from functions.server import build
from shared.http.openapi.document import openapi_document
from shared.settings.settings import Settings


@cache
def _operations() -> list[tuple[str, re.Pattern[str], set[str]]]:
    paths = openapi_document(build(Settings.from_environment()).pipeline.routes)["paths"]
    return [
        (method.upper(), re.compile(re.sub(r"{\w+}", "[^/]*", path)), set(operation["responses"]))
        for path, operations in paths.items()
        for method, operation in operations.items()
    ]


def is_documented(answer: httpx.Response) -> bool:
    """Return whether the document lists this status for the route; without a route, 404 or 405."""
    request = answer.request
    encoded_path = request.url.raw_path.decode("ascii").partition("?")[0]
    matching = [
        statuses
        for method, path, statuses in _operations()
        if method == request.method and path.fullmatch(encoded_path)
    ]
    expected = set().union(*matching) or {"404", "405"}
    return str(answer.status_code) in expected
