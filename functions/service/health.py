"""`GET /health`: liveness. It touches nothing, so that an outage elsewhere restarts nobody."""

from fastapi import APIRouter

from shared.http.openapi import answers
from shared.serverless.http_function import function_of

router = APIRouter(tags=["service"])


@router.get("/health", responses=answers(200, "Health", "Alive"), response_model=None)
async def health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


handler = function_of(router)
