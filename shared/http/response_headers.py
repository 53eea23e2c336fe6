"""Header fields of answers that hold for all endpoints, or for all pages."""

from collections.abc import Sequence

from starlette.responses import Response

from shared.http.call import Call

_NOSNIFF = (b"x-content-type-options", b"nosniff")
_NO_STORE = (b"cache-control", b"no-store")
_ABOUT_CACHES = frozenset({b"cache-control", b"etag"})

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}


def page_headers(connects_to: Sequence[str] = ()) -> dict[str, str]:
    """Headers of a page that is made of files of this service (CSP Level 3).

    It asks nobody but this service, and the origins that it `connects_to`.
    """
    policy = _POLICY | {"connect-src": " ".join(["'self'", *connects_to])}
    return {
        "Content-Security-Policy": "; ".join(map(" ".join, policy.items())),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Referrer-Policy": "no-referrer",
        "X-Frame-Options": "DENY",
    }


def complete(response: Response, call: Call) -> None:
    """Add to `response` the header fields that it doesn't set itself.

    They are the request's id, what is left of the caller's quota, `nosniff` (browsers take an
    answer for what its type says) and `no-store`: no cache keeps an answer that doesn't say how
    long it holds (RFC 9111 section 5.2.2.5), unless it is a file, which has a tag.
    """
    headers = response.raw_headers
    if not any(name in _ABOUT_CACHES for name, _ in headers):
        headers.append(_NO_STORE)
    headers.append(_NOSNIFF)
    headers.append((b"x-request-id", call.request_id.encode()))
    if call.allowance:
        headers.extend(call.allowance.headers())
