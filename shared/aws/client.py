"""Client for AWS's JSON protocol (`json` in the AWS SDKs), signed with Signature Version 4.

Importing the AWS SDK for Python takes longer than starting a whole function.
"""

import os
import ssl
from typing import Any

import httpx
import msgspec

from shared.aws.credentials import Credentials, fetch_credentials

_TIMEOUT = httpx.Timeout(1.0, connect=0.5)
_KEPT_ALIVE_S = 60


_THROTTLED = ("ThrottlingException", "TooManyUpdates", "RequestLimitExceeded")


class AwsCallFailed(Exception):
    """AWS refused a call, could not be reached, or didn't answer in time.

    `is_temporary`: the same call may succeed later.
    """

    def __init__(self, message: str, *, is_temporary: bool) -> None:
        super().__init__(message)
        self.is_temporary = is_temporary


class AwsClient:
    """A client for the region of this function, with keep-alive connections.

    `AWS_ENDPOINT_URL` overrides the endpoint, as in the AWS SDKs.
    """

    def __init__(self, certificates: ssl.SSLContext) -> None:
        self._region = os.environ.get("AWS_REGION", "us-east-1")
        self._endpoint = os.environ.get("AWS_ENDPOINT_URL")
        self._certificates = certificates
        self.reopen()

    def reopen(self) -> None:
        """Drop the connections and credentials, which are stale once a snapshot is restored."""
        self._credentials: Credentials | None = None
        self._http = httpx.AsyncClient(
            verify=self._certificates,
            timeout=_TIMEOUT,
            limits=httpx.Limits(keepalive_expiry=_KEPT_ALIVE_S),
        )

    async def call(self, service: str, operation: str, version: str, body: Any) -> Any:
        """Return the reply to `operation`, such as `AmazonSQS.SendMessage`.

        Raises `AwsCallFailed`.
        """
        try:
            answer = await self._http.post(
                self._endpoint or f"https://{service}.{self._region}.amazonaws.com/",
                content=msgspec.json.encode(body),
                headers={
                    "Content-Type": f"application/x-amz-json-{version}",
                    "X-Amz-Target": operation,
                },
                auth=await self._signature(service),
            )
            if answer.status_code == 200:
                return msgspec.json.decode(answer.content or b"null")
        except (httpx.HTTPError, KeyError, ValueError) as error:
            raise AwsCallFailed(
                f"{operation}: {type(error).__name__}",
                is_temporary=isinstance(error, httpx.HTTPError),
            ) from error
        raise AwsCallFailed(
            f"{operation}: {answer.status_code} {answer.text[:300]}",
            is_temporary=answer.status_code in (429, 500, 502, 503, 504)
            or any(name in answer.text for name in _THROTTLED),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _signature(self, service: str) -> httpx.Auth:
        from httpx_auth import AWS4Auth  # imported late: most invocations send nothing to AWS

        if self._credentials is None or not self._credentials.are_good:
            self._credentials = await fetch_credentials(self._http)
        return AWS4Auth(
            self._credentials.access_key_id,
            self._credentials.secret_access_key,
            self._region,
            service,
            security_token=self._credentials.session_token,
        )
