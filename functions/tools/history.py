"""`python -m functions.tools.history SESSION_ID`: a session's story as a table."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from rich.console import Console
from rich.table import Table

from shared.audit.ports import AuditedEvent, AuditLog
from shared.composition.container import audit_log
from shared.domain.clocks import clocks_of
from shared.domain.naming import session_name
from shared.domain.session import Participant, Session
from shared.domain.timekeeping import live
from shared.domain.units import Instant, Millis
from shared.errors import AuditUnavailable
from shared.instants import datetime_of
from shared.logging import configure
from shared.settings import read_settings

_PAGE = 100
_SHOWN_CLOCKS = 4
_NARROWEST = 120
"""Columns of the table; where the output goes into a file, there is no terminal to ask."""


def main() -> int:
    """Print the story of one session; returns the exit code."""
    name, console = _asked_for(), Console(highlight=False)
    console = Console(highlight=False, width=max(_NARROWEST, console.width))
    configure("ERROR")
    audit = audit_log(read_settings())
    if audit is None:
        console.print(
            "Say where the audit trail is: set DATABASE_URL, or SUPABASE_URL and its key."
        )
        return 1
    try:
        table = asyncio.run(_story(audit, name))
    except AuditUnavailable as error:
        console.print(f"{error.message}.", soft_wrap=True)
        return 1
    if not table.rows:
        console.print(f"The audit trail knows no session {name}.", soft_wrap=True)
        return 1
    console.print(table)
    return 0


def _asked_for() -> str:
    """The name of the session whose story to tell."""
    parser = argparse.ArgumentParser(
        prog="python -m functions.tools.history",
        description="Prints a session's story: who did what, when, and the clocks after it."
        " The trail is that of DATABASE_URL, or of SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY.",
    )
    parser.add_argument("session_id", type=UUID, metavar="SESSION_ID")
    parser.add_argument("--tenant", help="whose session it is, where it is a tenant's")
    asked = parser.parse_args()
    return session_name(str(asked.session_id), asked.tenant)


async def _story(audit: AuditLog, name: str) -> Table:
    table = Table("version", "UTC", "event", "by", "whose clock", "showed")
    table.add_column("clocks after", no_wrap=True)
    try:
        async for event, session in _told(audit, name):
            _tell(table, event, session)
    finally:
        await audit.close()
    return table


async def _told(audit: AuditLog, name: str) -> AsyncIterator[tuple[AuditedEvent, Session]]:
    """Every event with the state it left, oldest first."""
    after = 0
    while page := await audit.events(name, after, _PAGE):
        states = await asyncio.gather(*(audit.at_version(name, e.version) for e in page))
        for event, moment in zip(page, states, strict=True):
            if moment is not None:
                yield event, moment.session
        after = page[-1].version


def _tell(table: Table, event: AuditedEvent, session: Session) -> None:
    if table.title is None:
        date = f"{datetime_of(event.occurred_at):%Y-%m-%d}"
        table.title = f"{session.name}, {session.sync_mode}, {date}"
    table.add_row(
        str(event.version),
        _time_of_day(datetime_of(event.occurred_at)),
        event.event,
        event.actor,
        _whose(session, event),
        _reading(event.time_remaining_ms),
        _clocks(session, event.occurred_at),
    )


def _whose(session: Session, event: AuditedEvent) -> str:
    participant = session.find(event.participant_id) if event.participant_id else None
    if participant:
        return _name(participant)
    return f"group {event.group_id[:8]}" if event.group_id else ""


def _clocks(session: Session, at: Instant) -> str:
    """What everybody's clock shows, the running one marked."""
    shown = live(session, at)
    clocks = [
        f"{_name(p)} {_left_or_used(clocks_of(shown).left_of(shown, p), p.used_ms)}"
        + (" <" if session.cycle_started_at and p == shown.active else "")
        for p in shown.participants[:_SHOWN_CLOCKS]
    ]
    if not clocks:
        clocks = [_left_or_used(clocks_of(shown).left(shown), shown.used_ms)]
    if more := len(shown.participants) - _SHOWN_CLOCKS:
        clocks += [f"and {more} more"] if more > 0 else []
    return "   ".join(clocks)


def _name(participant: Participant) -> str:
    return f"#{participant.participant_index}"


def _left_or_used(left: Millis | None, used: Millis) -> str:
    """A clock that runs toward nothing shows what it has counted."""
    return f"{_reading(used)} used" if left is None else _reading(left)


def _reading(left: Millis | None) -> str:
    """`1:02:03.456`, as a clock shows it."""
    if left is None:
        return ""
    minutes, ms = divmod(left, 60_000)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{head}:{ms / 1000:06.3f}"


def _time_of_day(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")[11:23]


if __name__ == "__main__":
    sys.exit(main())
