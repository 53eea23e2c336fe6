"""Who may do what."""

from hmac import compare_digest
from secrets import token_urlsafe
from urllib.parse import parse_qsl

from starlette.requests import Request

from infra.local.upstash.refusals import Refused
from infra.local.upstash.requests import TOKEN_PARAMETER

_SCHEME = "bearer "


class Tokens:
    """The two tokens of a database, made anew for each."""

    def __init__(self) -> None:
        self.full = token_urlsafe()
        self.read_only = token_urlsafe()

    def may_write(self, request: Request) -> bool:
        """Whether whoever asks may change something. Raises `Refused` for a stranger."""
        given = _given(request)
        if compare_digest(given, self.full.encode()):
            return True
        if compare_digest(given, self.read_only.encode()):
            return False
        raise Refused(401, "WRONGPASS invalid or missing auth token")


def _given(request: Request) -> bytes:
    header = request.headers.get("authorization", "")
    if header[: len(_SCHEME)].lower() == _SCHEME:
        return header[len(_SCHEME) :].strip().encode()
    query: bytes = request.scope["query_string"]
    return dict(parse_qsl(query)).get(TOKEN_PARAMETER, b"")
