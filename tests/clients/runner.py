"""Runs the Python client: JSON lines in, JSON lines out (see `driving.py`)."""

import asyncio
import json
import math
import sys
from typing import Any, get_args

from synckairos import (
    ApiError,
    Changed,
    Event,
    Expired,
    PeriodEnded,
    Session,
    SyncKairos,
    Update,
    Warned,
)
from synckairos.events import Name


class Runner:
    """Follows any number of sessions with one client."""

    def __init__(self, client: SyncKairos) -> None:
        self._client = client
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, lines: asyncio.StreamReader) -> None:
        """Execute the input's commands until `close`."""
        write_line(ready=True)
        while line := await lines.readline():
            message = json.loads(line)
            if "close" in message:
                return
            task = asyncio.create_task(self._execute(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _execute(self, message: dict[str, Any]) -> None:
        if "open" in message:
            await self._open(self._client.session(message["open"]))
            return
        session = self._client.session(message["session"])
        if "report" in message:
            write_line(session=session.id, report=self._report(session))
        else:
            await self._do(session, message["do"], message.get("args") or {})

    async def _open(self, session: Session) -> None:
        for name in get_args(Name):
            session.on(name, lambda event: self._write_event(session, event))
        try:
            state = await session.open()
        except ApiError as error:
            write_line(refused=session.id, status=error.status, code=error.code)
        else:
            write_line(opened=session.id, version=state["version"] if state else None)

    async def _do(self, session: Session, verb: str, args: dict[str, Any]) -> None:
        try:
            if verb == "adjust":
                result: Any = await session.adjust(args["participant"], args["totalTimeMs"])
            elif verb == "go":
                result = await session.go(args["itemId"])
            else:
                result = await getattr(session, verb)(**args)
        except ApiError as error:
            write_line(session=session.id, failed=verb, code=error.code)
        else:
            write_line(session=session.id, done=verb, version=result and result["version"])

    def _report(self, session: Session) -> dict[str, Any]:
        now, state = session.clock.now(), session.state
        participant_ids = [p["participant_id"] for p in state["participants"]] if state else []
        return {
            "version": state["version"] if state else None,
            "status": state["status"] if state else None,
            "createdAt": state["created_at"] if state else None,
            "existence": session.existence,
            "connection": connection_of(session),
            "now": now,
            "errorMs": finite(session.clock.error_ms),
            "remaining": {id_: session.remaining(id_, now) for id_ in participant_ids},
            "running": session.remaining(at=now),
        }

    def _write_event(self, session: Session, event: Event) -> None:
        clock = self._client.clock
        fields = {"event": event.name, "at": clock.now(), "errorMs": finite(clock.error_ms)}
        write_line(session=session.id, **fields, detail=detail_of(event))


def connection_of(session: Session) -> dict[str, Any]:
    """Return the session's connection as JSON."""
    return {"status": session.connection.status, "transport": session.connection.transport}


def detail_of(event: Event) -> dict[str, Any]:
    """Return the fields of an event, under the names that both clients use."""
    match event:
        case Update():
            fields = {"isNext": event.is_next, "cause": event.cause, "source": event.source}
            return {"version": event.state["version"], **fields}
        case Expired():
            return {**owner_of(event), "deadline_ms": event.deadline_ms}
        case Warned():
            return {**owner_of(event), "threshold_ms": event.threshold_ms}
        case PeriodEnded():
            return {**owner_of(event), "periods_left": event.periods_left}
        case Changed():
            connection = event.connection
            fields = {"status": connection.status, "transport": connection.transport}
            return {**fields, "existence": event.existence}
    return {}


def owner_of(event: Expired | Warned | PeriodEnded) -> dict[str, str]:
    """Return the participant or group that owns the clock; empty if neither does."""
    owner = {"participant_id": event.participant_id, "group_id": event.group_id}
    return {name: value for name, value in owner.items() if value is not None}


def write_line(**line: Any) -> None:
    """Write one line of JSON."""
    print(json.dumps(line), flush=True)


def finite(number: float) -> float | None:
    """Return None for infinity, which JSON can't represent."""
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
