"""The requests of the demo. Every failure is a `DemoFailed`."""

from typing import Any

import httpx

from functions.tools.demo.failure import DemoFailed, Refused


async def post(http: httpx.AsyncClient, path: str, body: Any = None) -> Any:
    """The `data` of the answer. Raises `Refused` when it is an error."""
    try:
        answer = await http.post(path, json=body)
    except httpx.TransportError as error:
        raise DemoFailed("The service doesn't answer any more; the game can't go on.") from error
    if answer.is_error:
        code, message = _reason(answer)
        raise Refused(f"The service refused POST {path}: {code}, {message}.", code)
    return answer.json()["data"]


def _reason(answer: httpx.Response) -> tuple[str, str]:
    try:
        error = answer.json()["error"]
        return error["code"], error["message"]
    except (ValueError, KeyError, TypeError):
        return str(answer.status_code), answer.reason_phrase
