"""`smoke.sh URL`: a whole session against a service that runs, with the push of a switch."""

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
_DEADLINE_S = 10.0
_PUSH_DEADLINE_S = 5.0
_TOKEN_LIFETIME_S = 300


class Failed(Exception):
    """A step did not do what it should; the message says which, why, and what to look at."""


async def step(name: str, done: Awaitable[T], hint: str, deadline_s: float = _DEADLINE_S) -> T:
    """Wait for one step and print how long it took, ms. Raises `Failed`."""
    began = time.monotonic()
    try:
        outcome = await asyncio.wait_for(done, deadline_s)
    except Exception as error:
        print(f"✗ {name}", flush=True)
        late = isinstance(error, TimeoutError)
        why = f"nothing came within {deadline_s:.0f} s" if late else str(error) or repr(error)
        raise Failed(f"{name} failed: {why}. {hint}") from None
    print(f"✓ {name:<10}{(time.monotonic() - began) * 1000:8.1f} ms", flush=True)
    return outcome


async def smoke(url: str, session_id: str, token: str | None) -> None:
    """Play one session through; it is removed however that ends. Raises `Failed`."""
    async with httpx.AsyncClient(base_url=url, timeout=_DEADLINE_S) as http:
        await step("health", _is_good(http, "/health"), "Is the address right, is it deployed?")
        await step("ready", _is_good(http, "/ready"), "Check its Redis, and its logs.")
    async with SyncKairos(url, token) as acting, SyncKairos(url, token) as watching:
        try:
            await _play(acting, watching.session(session_id), session_id)
        finally:
            await _clean_up(acting.session(session_id))


async def _play(acting: SyncKairos, watched: Session, session_id: str) -> None:
    hint = "Look for it in the service's logs; a 401 or 403 needs SMOKE_TOKEN or JWT_SECRET."
    session = await step("create", acting.create(_body(session_id)), hint)
    await step("follow", _live(watched), "No live connection: are sockets let through?")
    await step("start", session.start(), hint)
    heard = watched.events_stream()
    switched = await step("switch", session.switch(), hint)
    advice = "Changes are made but not pushed: check PUBSUB, Redis or Supabase Realtime."
    await step("push", _pushed(heard, switched["version"]), advice, _PUSH_DEADLINE_S)
    for verb in (session.pause, session.resume, session.complete):
        await step(verb.__name__, verb(), hint)
    await step("read", acting.batch([session_id]), hint)
    await step("delete", session.delete(), hint)


async def _live(watched: Session) -> None:
    changes = watched.events_stream()
    await watched.open()
    while watched.connection.status != "live":
        await anext(changes)


async def _pushed(heard: AsyncIterator[Event], version: int) -> None:
    """Until a push, not a read, brings the state of that version."""
    awaited = ("push", version)
    async for event in heard:
        if isinstance(event, Update) and (event.source, event.state["version"]) == awaited:
            return


async def _clean_up(session: Session) -> None:
    try:
        await session.delete(timeout=_DEADLINE_S)
    except Exception as error:  # it may never have been created, or be gone already
        if getattr(error, "status", None) not in (404, 410):
            print(f"! session {session.id} may be left: {error}")


def _body(session_id: str) -> dict[str, Any]:
    people = [{"participant_id": str(uuid.uuid4()), "total_time_ms": 60_000} for _ in range(2)]
    return {"session_id": session_id, "sync_mode": "per_participant", "participants": people}


async def _is_good(http: httpx.AsyncClient, path: str) -> None:
    (await http.get(path)).raise_for_status()


def _token(session_id: str) -> str | None:
    """One for that session alone: with `JWT_SECRET` it is good whoever issues the others."""
    secret = os.environ.get("JWT_SECRET")
    if given := os.environ.get("SMOKE_TOKEN"):
        return given
    said = {
        "iss": "synckairos",
        "role": "service",
        "sub": "smoke",
        "session_id": session_id,
        "exp": int(time.time()) + _TOKEN_LIFETIME_S,
    }
    kind = {"typ": "synckairos-session+jwt"}
    return jwt.encode(said, secret, "HS256", headers=kind) if secret else None


def main() -> None:
    """Ends with 1 and one sentence where a step fails."""
    parser = argparse.ArgumentParser(prog="smoke.sh", description=__doc__)
    parser.add_argument("url", help="where the service is, such as https://app.fly.dev")
    try:
        session_id = str(uuid.uuid4())
        url = parser.parse_args().url.rstrip("/")
        asyncio.run(smoke(url, session_id, _token(session_id)))
    except Failed as failure:
        raise SystemExit(f"smoke.sh: {failure}") from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
