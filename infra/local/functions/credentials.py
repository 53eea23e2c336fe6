"""Dummy AWS credentials of the functions.

A function with SnapStart has no credentials in its environment, because its snapshot would contain
them. As on Lambda, it fetches them from a URL instead (AWS container credential provider).
"""

from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

CREDENTIALS_PATH = "/2021-04-23/credentials"
KEY_ID, SECRET, SESSION_TOKEN = "local", "local-secret", "local-session"
_AUTHORIZATION = "local-authorization"
_LIFETIME = timedelta(hours=6)
_FORBIDDEN = 403


def credential_variables(snap_start: bool, runtime_api: str) -> dict[str, str]:
    """Return the environment variables for a function's credentials."""
    if snap_start:
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{runtime_api}{CREDENTIALS_PATH}",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": _AUTHORIZATION,
        }
    return {
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_SESSION_TOKEN": SESSION_TOKEN,
    }


async def get_credentials(request: Request) -> Response:
    """Return the credentials, or 403 for a wrong authorization token."""
    if request.headers.get("authorization") != _AUTHORIZATION:
        return JSONResponse({"message": "Forbidden"}, status_code=_FORBIDDEN)
    expires = datetime.now(UTC) + _LIFETIME
    return JSONResponse(
        {
            "AccessKeyId": KEY_ID,
            "SecretAccessKey": SECRET,
            "Token": SESSION_TOKEN,
            "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    )
