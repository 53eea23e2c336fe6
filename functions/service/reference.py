"""`GET /api-docs.json`, `/asyncapi.json`, `/llms.txt`: the API for programs and models."""

from collections.abc import Sequence

import msgspec

from shared.http.llms_text import llms_text
from shared.http.prepared_documents import PreparedDocument
from shared.http.routing import Route


def reference_documents(routes: Sequence[Route]) -> list[PreparedDocument]:
    """Return the documents that describe an instance with these routes."""
    return [
        PreparedDocument("api-docs.json", lambda: _openapi(routes)),
        PreparedDocument("asyncapi.json", _asyncapi),
        PreparedDocument(
            "llms.txt", lambda: llms_text(routes).encode(), "text/plain; charset=utf-8"
        ),
    ]


def _openapi(routes: Sequence[Route]) -> bytes:
    from shared.http.openapi.document import openapi_document  # needs FastAPI: slow to import

    return msgspec.json.encode(openapi_document(routes))


def _asyncapi() -> bytes:
    from shared.http.openapi.asyncapi import asyncapi_document  # has all models: slow to import

    return msgspec.json.encode(asyncapi_document())
