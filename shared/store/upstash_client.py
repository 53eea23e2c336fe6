"""Upstash's own client, adapted to use a given HTTP client."""

from collections.abc import Callable
from typing import Any

import httpx
from upstash_redis.asyncio import Redis
from upstash_redis.errors import UpstashError
from upstash_redis.http import AsyncHttpClient, format_response, make_headers

from shared.store.connection import FailedReply


class UpstashClient(Redis):
    """Upstash's client on the HTTP client `http`.

    Its own constructor creates an HTTP client without timeouts and with retries, and takes as long
    as a round trip to load certificates. This class relies on private attributes of the client,
    whose version is pinned; the contract tests cover it.
    """

    def __init__(self, url: str, token: str, http: httpx.AsyncClient) -> None:
        self._url = url
        self._headers = make_headers(token, "base64", allow_telemetry=False)
        self._read_your_writes = True
        self._sync_token = ""
        self._http = _Http(http, self._update_sync_token)


class _Http(AsyncHttpClient):
    def __init__(self, http: httpx.AsyncClient, keep_sync_token: Callable[[str], None]) -> None:
        self._client = http
        self._encoding = "base64"
        self._retries = 0
        self._retry_interval = 0
        self._sync_token_cb = keep_sync_token

    async def execute(
        self, url: str, headers: dict[str, str], command: list[Any], from_pipeline: bool = False
    ) -> Any:
        """Override: in a pipeline, return an error as `FailedReply` in place of its reply.

        The original raises the error, so the other replies are lost.
        """
        if not from_pipeline:
            return await super().execute(url, headers, command)
        response = await self._client.post(url, headers=headers, json=command)
        sync_token = response.headers.get("Upstash-Sync-Token")
        if sync_token and self._sync_token_cb:
            self._sync_token_cb(sync_token)
        return [_reply_or_failed(one) for one in response.json()]


def _reply_or_failed(response: Any) -> Any:
    try:
        return format_response(response, "base64")
    except UpstashError as error:
        return FailedReply(error)
