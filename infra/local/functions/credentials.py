"""The credentials that a function gets: nobody's, since everything here is local.

A function with SnapStart gets none in its environment, as they would be in its snapshot: Lambda
names an address instead, from which they are to be had (AWS container credentials).
"""

from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

CREDENTIALS_PATH = "/2021-04-23/credentials"
KEY_ID, SECRET, SESSION_TOKEN = "local", "local-secret", "local-session"
_AUTHORIZATION = "local-authorization"
_LIFE = timedelta(hours=6)
_FORBIDDEN = 403


def credential_variables(snap_start: bool, runtime_api: str) -> dict[str, str]:
    """The variables through which a function finds them."""
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


async def credentials(request: Request) -> Response:
    """Give them to who knows the token."""
    if request.headers.get("authorization") != _AUTHORIZATION:
        return JSONResponse({"message": "Forbidden"}, status_code=_FORBIDDEN)
    expires = datetime.now(UTC) + _LIFE
    return JSONResponse(
        {
            "AccessKeyId": KEY_ID,
            "SecretAccessKey": SECRET,
            "Token": SESSION_TOKEN,
            "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    )
