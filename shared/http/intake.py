"""The outermost layer of ours: an id for every request, an answer for every failure."""

import logging
import re
import time
from collections.abc import Iterable
from uuid import uuid4

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.access.callers import Caller
from shared.http.errors import error_answer
from shared.http.head import method_asked
from shared.metrics.ports import Metrics

_ACCEPTABLE_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_log = logging.getLogger("synckairos.http")


class Intake:
    """Gives each request its id, times it, and turns what nobody foresaw into a 500."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = request_id_in(scope["headers"])
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-request-id", request_id.encode()))
                if allowance := scope["state"].get("allowance"):
                    message["headers"].extend(allowance.headers())
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except ClientDisconnect:
            _log.debug("the client left in mid-body", extra={"request_id": request_id})
        except Exception:
            _log.exception("request failed", extra={"request_id": request_id})
            if status:
                raise
            answer = error_answer(request_id, 500, "INTERNAL_ERROR", "Something went wrong here")
            await answer(scope, receive, send_with_id)
        finally:
            elapsed_ms = (time.perf_counter() - started) * 1000
            route = getattr(scope.get("route"), "path", "unmatched")
            if allowance := scope["state"].get("allowance"):
                allowance.settle()
            caller: Caller | None = scope["state"].get("caller")
            tenant = caller.tenant if caller else None
            method = method_asked(scope)
            self.metrics.observe_request(method, route, status, elapsed_ms, tenant)
            if _log.isEnabledFor(logging.INFO):
                _log.info(
                    "%s %s %d",
                    method,
                    route,
                    status,
                    extra={
                        "request_id": request_id,
                        "session_id": scope.get("path_params", {}).get("session_id"),
                        "caller": caller and caller.name,
                        "duration_ms": round(elapsed_ms, 1),
                    },
                )


def request_id_in(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The client's own id for its request, where it is 1 to 128 visible ASCII characters, or a
    fresh one."""
    for name, value in headers:
        if name == b"x-request-id" and _ACCEPTABLE_ID.fullmatch(value):
            return value.decode("ascii")
    return str(uuid4())
