"""`smoke.sh URL`: play a whole session on a running service and check that a push arrives."""

import argparse
import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable
from typing import Any, TypeVar

import httpx
import jwt
from synckairos import Session, SyncKairos
from synckairos.events import Event, Update

T = TypeVar("T")
_TIMEOUT_S = 10.0
_PUSH_TIMEOUT_S = 5.0
_TOKEN_LIFETIME_S = 300


class SmokeTestFailed(Exception):
    """A step failed; the message says which one, why, and where to look."""


async def run_step(name: str, work: Awaitable[T], hint: str, timeout_s: float = _TIMEOUT_S) -> T:
    """Wait for one step and print its duration in ms. Raises `SmokeTestFailed`."""
    started = time.monotonic()
    try:
        result = await asyncio.wait_for(work, timeout_s)
    except Exception as error:
        print(f"✗ {name}", flush=True)
        is_timeout = isinstance(error, TimeoutError)
        why = f"no result within {timeout_s:.0f} s" if is_timeout else str(error) or repr(error)
        raise SmokeTestFailed(f"{name} failed: {why}. {hint}") from None
    print(f"✓ {name:<10}{(time.monotonic() - started) * 1000:8.1f} ms", flush=True)
    return result


async def run_smoke_test(url: str, session_id: str, token: str | None) -> None:
    """Play one session and delete it in any case. Raises `SmokeTestFailed`."""
    async with httpx.AsyncClient(base_url=url, timeout=_TIMEOUT_S) as http:
        hint = "Is the URL right, and is the service deployed?"
        await run_step("health", _require_success(http, "/health"), hint)
        hint = "Check the service's Redis and its logs."
        await run_step("ready", _require_success(http, "/ready"), hint)
    async with SyncKairos(url, token) as player, SyncKairos(url, token) as spectator:
        try:
            await _play(player, spectator.session(session_id), session_id)
        finally:
            await _clean_up(player.session(session_id))


async def _play(player: SyncKairos, watched: Session, session_id: str) -> None:
    hint = "Look for it in the service's logs; a 401 or 403 needs SMOKE_TOKEN or JWT_SECRET."
    session = await run_step("create", player.create(_new_session(session_id)), hint)
    live_hint = "No live connection: are WebSockets allowed on the way to the service?"
    await run_step("follow", _wait_until_live(watched), live_hint)
    await run_step("start", session.start(), hint)
    events = watched.events_stream()
    switched = await run_step("switch", session.switch(), hint)
    push_hint = "Changes are made but not pushed: check PUBSUB, Redis or Supabase Realtime."
    await run_step("push", _wait_for_push(events, switched["version"]), push_hint, _PUSH_TIMEOUT_S)
    for action in (session.pause, session.resume, session.complete):
        await run_step(action.__name__, action(), hint)
    await run_step("read", player.batch([session_id]), hint)
    await run_step("delete", session.delete(), hint)


async def _wait_until_live(watched: Session) -> None:
    changes = watched.events_stream()
    await watched.open()
    while watched.connection.status != "live":
        await anext(changes)


async def _wait_for_push(events: AsyncIterator[Event], version: int) -> None:
    """Wait until a push, not a read, brings the state of that version."""
    expected = ("push", version)
    async for event in events:
        if isinstance(event, Update) and (event.source, event.state["version"]) == expected:
            return


async def _clean_up(session: Session) -> None:
    try:
        await session.delete(timeout=_TIMEOUT_S)
    except Exception as error:  # 404 and 410: never created, or already deleted
        if getattr(error, "status", None) not in (404, 410):
            print(f"! session {session.id} may not have been deleted: {error}")


def _new_session(session_id: str) -> dict[str, Any]:
    participants = [
        {"participant_id": str(uuid.uuid4()), "total_time_ms": 60_000} for _ in range(2)
    ]
    return {"session_id": session_id, "sync_mode": "per_participant", "participants": participants}


async def _require_success(http: httpx.AsyncClient, path: str) -> None:
    (await http.get(path)).raise_for_status()


def _token(session_id: str) -> str | None:
    """Return `SMOKE_TOKEN`, or a token for this session signed with `JWT_SECRET`.

    The service accepts session tokens signed with `JWT_SECRET` even where another issuer signs the
    other tokens (`JWT_JWKS_URL`).
    """
    secret = os.environ.get("JWT_SECRET")
    if given := os.environ.get("SMOKE_TOKEN"):
        return given
    claims = {
        "iss": "synckairos",
        "role": "service",
        "sub": "smoke",
        "session_id": session_id,
        "exp": int(time.time()) + _TOKEN_LIFETIME_S,
    }
    headers = {"typ": "synckairos-session+jwt"}
    return jwt.encode(claims, secret, "HS256", headers=headers) if secret else None


def main() -> None:
    """Run the smoke test; exit with 1 and an error message if a step fails."""
    parser = argparse.ArgumentParser(prog="smoke.sh", description=__doc__)
    parser.add_argument("url", help="the service's URL, such as https://app.fly.dev")
    try:
        session_id = str(uuid.uuid4())
        url = parser.parse_args().url.rstrip("/")
        asyncio.run(run_smoke_test(url, session_id, _token(session_id)))
    except SmokeTestFailed as failure:
        raise SystemExit(f"smoke.sh: {failure}") from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
