"""The Python client as a program: JSON lines in, JSON lines out (see `test_conformance.py`)."""

import asyncio
import json
import math
import sys
from typing import Any, get_args

from synckairos import ApiError, Changed, Event, Expired, Session, SyncKairos, Update, Warned
from synckairos.events import Name


class Runner:
    """Follows any number of sessions with one client."""

    def __init__(self, client: SyncKairos) -> None:
        self._client = client
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, lines: asyncio.StreamReader) -> None:
        """Obey until told to close."""
        say(ready=True)
        while line := await lines.readline():
            message = json.loads(line)
            if "close" in message:
                return
            task = asyncio.create_task(self._obey(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _obey(self, message: dict[str, Any]) -> None:
        if "open" in message:
            await self._open(self._client.session(message["open"]))
            return
        session = self._client.session(message["session"])
        if "report" in message:
            say(session=session.id, report=self._report(session))
        else:
            await self._do(session, message["do"], message.get("args") or {})

    async def _open(self, session: Session) -> None:
        for name in get_args(Name):
            session.on(name, lambda event: self._tell(session, event))
        try:
            state = await session.open()
        except ApiError as error:
            say(refused=session.id, status=error.status, code=error.code)
        else:
            say(opened=session.id, version=state["version"] if state else None)

    async def _do(self, session: Session, verb: str, args: dict[str, Any]) -> None:
        try:
            if verb == "adjust":
                answer: Any = await session.adjust(args["participant"], args["totalTimeMs"])
            else:
                answer = await getattr(session, verb)(**args)
        except ApiError as error:
            say(session=session.id, failed=verb, code=error.code)
        else:
            say(session=session.id, done=verb, version=answer and answer["version"])

    def _report(self, session: Session) -> dict[str, Any]:
        now, state = self._client.clock.now(), session.state
        people = [p["participant_id"] for p in state["participants"]] if state else []
        return {
            "version": state["version"] if state else None,
            "status": state["status"] if state else None,
            "createdAt": state["created_at"] if state else None,
            "presence": session.presence,
            "connection": connection_of(session),
            "now": now,
            "errorMs": finite(self._client.clock.error_ms),
            "remaining": {person: session.remaining(person, now) for person in people},
            "running": session.remaining(at=now),
        }

    def _tell(self, session: Session, event: Event) -> None:
        clock = self._client.clock
        told = {"event": event.name, "at": clock.now(), "errorMs": finite(clock.error_ms)}
        say(session=session.id, **told, detail=detail_of(event))


def connection_of(session: Session) -> dict[str, Any]:
    """How it is connected."""
    return {"status": session.connection.status, "transport": session.connection.transport}


def detail_of(event: Event) -> dict[str, Any]:
    """What an event says, by the names that both clients have."""
    match event:
        case Update():
            told = {"isNext": event.is_next, "cause": event.cause, "source": event.source}
            return {"version": event.state["version"], **told}
        case Expired():
            return {**owner_of(event), "deadlineMs": event.deadline_ms}
        case Warned():
            return {**owner_of(event), "thresholdMs": event.threshold_ms}
        case Changed():
            connection = event.connection
            told = {"status": connection.status, "transport": connection.transport}
            return {**told, "presence": event.presence}
    return {}


def owner_of(event: Expired | Warned) -> dict[str, str]:
    """Whose clock it is, where it is anybody's."""
    owner = {"participantId": event.participant_id, "groupId": event.group_id}
    return {name: value for name, value in owner.items() if value is not None}


def say(**line: Any) -> None:
    """Write one line."""
    print(json.dumps(line), flush=True)


def finite(number: float) -> float | None:
    """JSON has no word for infinity."""
    return number if math.isfinite(number) else None


async def main(options: dict[str, Any]) -> None:
    """Run until the end of the input."""
    lines = asyncio.StreamReader(limit=1 << 20)
    protocol = asyncio.StreamReaderProtocol(lines)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    async with SyncKairos(
        options["baseUrl"], options.get("token"), options.get("transport")
    ) as client:
        await Runner(client).run(lines)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
