"""Response header fields of all endpoints, and of all pages."""

from collections.abc import Sequence

from starlette.responses import Response

from shared.http.request import ApiRequest

_NOSNIFF = (b"x-content-type-options", b"nosniff")
_NO_STORE = (b"cache-control", b"no-store")
_CACHE_FIELDS = frozenset({b"cache-control", b"etag"})

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


def page_headers(
    connects_to: Sequence[str] = (), *, framed_by: Sequence[str] = ()
) -> dict[str, str]:
    """Return the security headers of a page (CSP Level 3).

    The page may load files only from this service, and may also call the origins `connects_to`.
    Pages of the origins `framed_by` may show it in a frame; `X-Frame-Options` can't name origins,
    so it is sent only if there are none.
    """
    policy = _POLICY | {"connect-src": " ".join(["'self'", *connects_to])}
    if framed_by:
        policy |= {"frame-ancestors": " ".join(framed_by)}
    headers = {
        "Content-Security-Policy": "; ".join(map(" ".join, policy.items())),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Referrer-Policy": "no-referrer",
    }
    return headers if framed_by else headers | {"X-Frame-Options": "DENY"}


def add_common_headers(response: Response, request: ApiRequest) -> None:
    """Add the header fields of all responses to `response`.

    They are the request's id, the caller's quota, `nosniff` (browsers must not guess the content
    type) and, without an `ETag` or `Cache-Control` of its own, `no-store` (RFC 9111 section
    5.2.2.5).
    """
    headers = response.raw_headers
    for name, _ in headers:
        if name in _CACHE_FIELDS:
            break
    else:
        headers.append(_NO_STORE)
    headers.append(_NOSNIFF)
    headers.append((b"x-request-id", request.request_id.encode()))
    if request.rate_limit:
        headers.extend(request.rate_limit.headers())
