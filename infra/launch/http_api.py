"""Call the JSON API of a provider, with errors that say what to do."""

from collections.abc import Mapping
from typing import Any

import httpx

from infra.launch.errors import LaunchFailed

_TIMEOUT_S = 60.0
_MISSING = 404


class ApiRefused(LaunchFailed):
    """The provider refused a request (4xx): it changed nothing."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status

    @property
    def is_missing(self) -> bool:
        """Whether what the request names doesn't exist."""
        return self.status == _MISSING


class HttpApi:
    """The API of `provider` at `base_url`; `credentials` says where to get new ones."""

    def __init__(
        self,
        provider: str,
        base_url: str,
        credentials: str,
        *,
        auth: httpx.Auth | tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._provider, self._credentials = provider, credentials
        self._client = httpx.Client(
            base_url=base_url, auth=auth, headers=headers, timeout=_TIMEOUT_S
        )

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        **query: str,
    ) -> Any:
        """Return the decoded answer, None without one.

        Raises `ApiRefused` if the provider refused the request, and `LaunchFailed` if it is unknown
        whether the request had an effect.
        """
        what = f"{self._provider}: {method} {path}"
        try:
            answer = self._client.request(method, path, json=body, params=query or None)
        except httpx.HTTPError as error:
            raise LaunchFailed(
                f"{what} got no answer ({error!r}). Check the connection, then run the same command"
                " again: it looks first whether the request had an effect."
            ) from None
        if answer.is_client_error:
            raise ApiRefused(f"{what} was refused: {self._reason(answer)}", answer.status_code)
        if not answer.is_success:
            raise LaunchFailed(
                f"{what} failed with {answer.status_code}: {_text(answer)}. Wait a minute, then run"
                " the same command again."
            )
        try:
            return answer.json() if answer.content.strip() else None
        except ValueError:
            raise LaunchFailed(f"{what} didn't answer JSON: {_text(answer)}") from None

    def _reason(self, answer: httpx.Response) -> str:
        hints = {
            401: f". The credentials are wrong or expired: {self._credentials}",
            402: ". The plan doesn't include it: see the billing page of the account",
            403: f". The credentials lack this right: {self._credentials}",
            429: ". Too many requests: wait a minute, then run the same command again",
        }
        return f"{answer.status_code} {_text(answer)}{hints.get(answer.status_code, '')}"


def _text(answer: httpx.Response) -> str:
    """Return the message of an error, or the beginning of its text."""
    try:
        document = answer.json()
    except ValueError:
        document = None
    found = document.get("message") or document.get("error") if isinstance(document, dict) else None
    return str(found or answer.text.strip())[:300]
