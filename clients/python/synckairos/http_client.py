"""The connection pool of a client."""

from urllib.parse import urlsplit
from urllib.request import proxy_bypass

import httpx

from synckairos.timing import CALL_TIMEOUT_MS


def http_client(base_url: str) -> httpx.AsyncClient:
    """Return a new connection pool for the service at `base_url`.

    httpx sets up every proxy of the environment, and fails for those that it can't use, such as
    `ALL_PROXY=socks5://...` without its extra. So it doesn't see them if `NO_PROXY` names the
    service.
    """
    timeout_s = CALL_TIMEOUT_MS / 1000
    if not proxy_bypass(urlsplit(base_url).hostname or ""):
        return httpx.AsyncClient(timeout=timeout_s)
    verify = httpx.create_ssl_context()  # with SSL_CERT_FILE and SSL_CERT_DIR
    return httpx.AsyncClient(timeout=timeout_s, verify=verify, trust_env=False)
