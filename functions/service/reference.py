"""`GET /api-docs.json`: the API as an OpenAPI document."""

from collections.abc import Sequence

import msgspec

from shared.http.prepared_documents import PreparedDocument
from shared.http.routing import Route


def reference_documents(routes: Sequence[Route]) -> list[PreparedDocument]:
    """Return the documents that describe an instance with these routes."""
    return [PreparedDocument("api-docs.json", lambda: _openapi(routes))]


def _openapi(routes: Sequence[Route]) -> bytes:
    from shared.http.openapi.document import openapi_document  # needs FastAPI: slow to import

    return msgspec.json.encode(openapi_document(routes))
