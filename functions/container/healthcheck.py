"""The image's HEALTHCHECK command; the image has no curl.

Exit code 0 if `/health` answers 200; otherwise 1, with the reason on stderr. The module imports
little to keep its start cheap, because Docker runs it every 30 s.
"""

import http.client
import ipaddress
import os
import signal
import sys
from types import FrameType

_TIMEOUT_S = 3.0
_LOOPBACK = {4: "127.0.0.1", 6: "::1"}


def health_problem(host: str, port: int, deadline_s: float = _TIMEOUT_S) -> str | None:
    """Return why the service is unhealthy, or None if it is healthy, within `deadline_s` seconds.

    Works in the main thread only: the timeout is an alarm signal, because a socket timeout would
    start again with every byte.
    """
    signal.signal(signal.SIGALRM, _raise_timeout)
    signal.setitimer(signal.ITIMER_REAL, deadline_s)
    connection = http.client.HTTPConnection(_client_host(host), port)
    try:
        connection.request("GET", "/health", headers={"Connection": "close"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"/health on port {port} doesn't answer: {error or type(error).__name__}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        connection.close()
    return None if status == 200 else f"/health on port {port} answers {status}"


def _client_host(host: str) -> str:
    """Return the address for connecting to a server that listens at `host`."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a host name
        return host
    return _LOOPBACK[address.version] if address.is_unspecified else host


def _raise_timeout(number: int, frame: FrameType | None) -> None:
    raise TimeoutError("no answer in time")


def main() -> None:
    """Check the service at `HOST` and `PORT`, the variables that the service itself reads."""
    host = os.environ.get("HOST") or "127.0.0.1"
    port = os.environ.get("PORT") or "3000"
    sys.exit(health_problem(host, int(port)) if port.isdigit() else f"PORT is not a number: {port}")


if __name__ == "__main__":
    main()
