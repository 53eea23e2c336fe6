"""Connection errors of the audit log that uses Supabase's API."""

from typing import Any

import httpx
import pytest

from shared.application.errors import AuditUnavailable
from shared.audit.supabase import SupabaseAuditLog
from tests.support.scenarios import entries_of, switched_session


def log_over(transport: httpx.AsyncBaseTransport) -> SupabaseAuditLog:
    """An audit log whose requests go through `transport`."""

    async def open_client() -> Any:
        from postgrest import AsyncPostgrestClient

        http = httpx.AsyncClient(transport=transport)
        return AsyncPostgrestClient("http://project/rest/v1", http_client=http, retry_enabled=False)

    return SupabaseAuditLog(open_client)


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("x"), OSError(), RuntimeError(), AttributeError("getpeername")]
)
async def test_every_connection_error_is_an_outage(error: Exception) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    log = log_over(httpx.MockTransport(fail))
    for call in (log.append(entries_of(switched_session())), log.last("unknown"), log.check()):
        with pytest.raises(AuditUnavailable):
            await call
    await log.close()


@pytest.mark.parametrize("method", ["last", "append"])
async def test_a_request_on_a_connection_closed_while_idle_is_retried(
    method: str,
) -> None:
    sent = list[httpx.Request]()

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if len(sent) == 1:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        return httpx.Response(200, json=[], request=request)

    log = log_over(httpx.MockTransport(answer))
    if method == "last":
        assert await log.last("unknown") is None
    else:
        assert await log.append(entries_of(switched_session())) == []
    assert len(sent) == 2
    await log.close()
