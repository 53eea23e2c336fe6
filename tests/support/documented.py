"""Checks answers against the OpenAPI document."""

import re
from functools import cache
from typing import Any

import httpx

from functions.server import build
from shared.http.openapi.document import openapi_document
from shared.settings.settings import Settings


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document of the container's routes."""
    return openapi_document(build(Settings.from_environment()).pipeline.routes)


@cache
def _operations() -> list[tuple[str, re.Pattern[str], set[str]]]:
    return [
        (method.upper(), re.compile(re.sub(r"{\w+}", "[^/]*", path)), set(operation["responses"]))
        for path, operations in document()["paths"].items()
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
