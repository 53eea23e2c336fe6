"""The requests of the demo. Every failure is a `DemoFailed`."""

from typing import Any

import httpx

from functions.tools.demo.failure import DemoFailed, Refused

_ADVICE = {
    "RATE_LIMIT_EXCEEDED": " Start it with RATE_LIMIT_GENERAL=0 and RATE_LIMIT_SWITCH=0: the demo"
    " plays an hour in a minute.",
    "UNAUTHENTICATED": " The demo has no token: start the service with AUTH_DISABLED=true.",
}


async def post(http: httpx.AsyncClient, path: str, body: Any = None) -> Any:
    """The `data` of the answer. Raises `Refused` when it is an error."""
    try:
        answer = await http.post(path, json=body)
    except httpx.TransportError as error:
        raise DemoFailed("The service doesn't answer any more; the game can't go on.") from error
    if answer.is_error:
        code, message = _reason(answer)
        advice = _ADVICE.get(code, "")
        raise Refused(f"The service refused POST {path}: {code}, {message}.{advice}", code)
    return answer.json()["data"]


def _reason(answer: httpx.Response) -> tuple[str, str]:
    try:
        error = answer.json()["error"]
        return error["code"], error["message"]
    except (ValueError, KeyError, TypeError):
        return str(answer.status_code), answer.reason_phrase
