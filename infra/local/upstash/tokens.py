"""Authenticate requests by their token."""

from hmac import compare_digest
from secrets import token_urlsafe
from urllib.parse import parse_qsl

from starlette.requests import Request

from infra.local.upstash.errors import RequestError
from infra.local.upstash.request_parsing import TOKEN_PARAMETER

_SCHEME = "bearer "


class AccessTokens:
    """The full and the read-only token of a database, random for each instance."""

    def __init__(self) -> None:
        self.full = token_urlsafe()
        self.read_only = token_urlsafe()

    def may_write(self, request: Request) -> bool:
        """Whether the request's token allows writes. Raises `RequestError` for an unknown token."""
        token = _token_of(request)
        if compare_digest(token, self.full.encode()):
            return True
        if compare_digest(token, self.read_only.encode()):
            return False
        raise RequestError(401, "WRONGPASS invalid or missing auth token")


def _token_of(request: Request) -> bytes:
    header = request.headers.get("authorization", "")
    if header[: len(_SCHEME)].lower() == _SCHEME:
        return header[len(_SCHEME) :].strip().encode()
    query: bytes = request.scope["query_string"]
    return dict(parse_qsl(query)).get(TOKEN_PARAMETER, b"")
