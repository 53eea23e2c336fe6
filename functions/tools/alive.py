"""Whether the service in this container answers: the image's HEALTHCHECK, where no curl is.

Ends with 0 if `/health` says 200, else with 1 and a sentence. It imports next to nothing: it is
started every half a minute, on a machine that has better things to do.
"""

import http.client
import ipaddress
import os
import signal
import sys
from types import FrameType

_DEADLINE_S = 3.0
_LOOPBACK = {4: "127.0.0.1", 6: "::1"}


def why_not(host: str, port: int, deadline_s: float = _DEADLINE_S) -> str | None:
    """Why the service at `host` is not well; None if it is. Takes `deadline_s` at most, s.

    Only for the main thread: the deadline is an alarm signal, for a timeout of the socket would
    begin anew with every byte.
    """
    signal.signal(signal.SIGALRM, _give_up)
    signal.setitimer(signal.ITIMER_REAL, deadline_s)
    connection = http.client.HTTPConnection(_reached_at(host), port)
    try:
        connection.request("GET", "/health", headers={"Connection": "close"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"/health on port {port} doesn't answer: {error or type(error).__name__}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        connection.close()
    return None if status == 200 else f"/health on port {port} answers {status}"


def _reached_at(host: str) -> str:
    """Where one that listens at `host` is reached from here."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a name
        return host
    return _LOOPBACK[address.version] if address.is_unspecified else host


def _give_up(number: int, frame: FrameType | None) -> None:
    raise TimeoutError("no answer in time")


def main() -> None:
    """Ask where the service listens, by the same `HOST` and `PORT`."""
    host = os.environ.get("HOST") or "127.0.0.1"
    port = os.environ.get("PORT") or "3000"
    sys.exit(why_not(host, int(port)) if port.isdigit() else f"PORT is no number: {port}")


if __name__ == "__main__":
    main()
