"""`WebhookSender` over HTTP/1.1: bounded in time and bytes, without redirects."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import httpcore

from shared.application.ports.webhooks import SendResult
from shared.application.webhook_urls import parse_url
from shared.domain.errors import RuleViolation
from shared.domain.units import Millis
from shared.webhooks.addresses import IPAddress, is_public
from shared.webhooks.checked_backend import AddressRefused, CheckedBackend, Resolver, resolve

TIMEOUT_S = 5.0
"""For everything: the name's resolution, the connection, and the status of the response."""

_MOST_CONNECTIONS = 256
_RESOLVER_THREADS = 8
_COMMON_HEADERS = {"Content-Type": "application/json", "User-Agent": "SyncKairos-Webhooks"}


class CheckedSender:
    """Sends to public addresses over https, each time through a new connection.

    With `allows_loopback` also to this machine, over https and http. The response's body is never
    read, and its header fields may have 100 kB at most.
    """

    def __init__(
        self,
        certificates: ssl.SSLContext,
        *,
        allows_loopback: bool,
        timeout_s: float = TIMEOUT_S,
        resolver: Resolver = resolve,
    ) -> None:
        def is_allowed(address: IPAddress) -> bool:
            return is_public(address) or (allows_loopback and address.is_loopback)

        self._allows_loopback = allows_loopback
        self._timeout_s = timeout_s
        threads = ThreadPoolExecutor(_RESOLVER_THREADS, "webhook-names")
        https = CheckedBackend(is_allowed, threads, resolver)
        http = CheckedBackend(lambda address: address.is_loopback, threads, resolver)
        self._pools = {"https": _pool(https, certificates), "http": _pool(http, None)}

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> SendResult:
        """See `WebhookSender`."""
        began = time.monotonic()
        status, reason = None, None
        try:
            async with asyncio.timeout(self._timeout_s):
                status = await self._status(url, headers, body)
        except RuleViolation:
            reason = "the URL isn't allowed any more"
        except TimeoutError:
            reason = f"no response within {self._timeout_s:g} s"
        except AddressRefused:
            reason = "the host's address is not public"
        except httpcore.ConnectError as error:
            reason = "TLS failed" if _is_of_tls(error) else "no connection"
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError):
            reason = "the connection broke before the response"
        if status is not None and 300 <= status < 400:
            reason = "redirects aren't followed"
        elapsed_ms = Millis(round((time.monotonic() - began) * 1000))
        return SendResult(elapsed_ms, status, reason)

    async def _status(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Send the request and return the response's status; its body isn't read."""
        to = parse_url(url, allows_http=self._allows_loopback)
        fields = {
            "Host": to.authority,
            **_COMMON_HEADERS,
            "Content-Length": str(len(body)),
            **headers,
        }
        target = httpcore.URL(scheme=to.scheme, host=to.host, port=to.port, target=to.target)
        async with self._pools[to.scheme].stream(
            "POST", target, headers=list(fields.items()), content=body
        ) as response:
            return int(response.status)

    async def close(self) -> None:
        """Close all connections. The sender may be used again, as after a process snapshot."""
        for pool in self._pools.values():
            await pool.aclose()


def _is_of_tls(error: BaseException) -> bool:
    """Return whether the error or one that it was raised for is one of TLS."""
    cause = error.__cause__ or error.__context__
    return isinstance(error, ssl.SSLError) or (cause is not None and _is_of_tls(cause))


def _pool(
    backend: CheckedBackend, certificates: ssl.SSLContext | None
) -> httpcore.AsyncConnectionPool:
    return httpcore.AsyncConnectionPool(
        ssl_context=certificates,
        max_connections=_MOST_CONNECTIONS,
        max_keepalive_connections=0,
        network_backend=backend,
    )
