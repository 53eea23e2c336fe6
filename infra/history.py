"""`python -m infra.history SESSION_ID`: print a session's audit trail as a table."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from rich.table import Table

from infra.wide_console import wide_console
from shared.application.errors import AuditUnavailable
from shared.application.instants import datetime_of
from shared.application.ports.audit_log import AuditedEvent, AuditLog
from shared.composition.container import build_audit_log
from shared.domain.clocks import clocks_of
from shared.domain.session import Participant, Session, session_name
from shared.domain.timekeeping import at_time
from shared.domain.units import Instant, Millis
from shared.observability.logging import configure_logging
from shared.settings.settings import read_settings

_PAGE = 100
_SHOWN_CLOCKS = 4


def main() -> int:
    """Print the history of one session and return the exit code."""
    name, console = _session_name_argument(), wide_console()
    configure_logging("ERROR")
    audit = build_audit_log(read_settings())
    if audit is None:
        console.print(
            "No audit trail is configured: set DATABASE_URL, or SUPABASE_URL and its key."
        )
        return 1
    try:
        table = asyncio.run(_history_table(audit, name))
    except AuditUnavailable as error:
        console.print(f"{error.message}.", soft_wrap=True)
        return 1
    if not table.rows:
        console.print(f"The audit trail has no session {name}.", soft_wrap=True)
        return 1
    console.print(table)
    return 0


def _session_name_argument() -> str:
    """Parse the command line and return the name of the session."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.history",
        description="Print a session's events from the audit trail: time, event, actor, and the"
        " clocks after it. Reads the database at DATABASE_URL, or at SUPABASE_URL with"
        " SUPABASE_SERVICE_ROLE_KEY.",
    )
    parser.add_argument("session_id", type=UUID, metavar="SESSION_ID")
    parser.add_argument("--tenant", help="the tenant that owns the session, if there is one")
    arguments = parser.parse_args()
    return session_name(str(arguments.session_id), arguments.tenant)


async def _history_table(audit: AuditLog, name: str) -> Table:
    table = Table("version", "UTC", "event", "actor", "clock of", "time left")
    table.add_column("clocks after", no_wrap=True)
    try:
        async for event, session in _events_with_state(audit, name):
            _add_row(table, event, session)
    finally:
        await audit.close()
    return table


async def _events_with_state(
    audit: AuditLog, name: str
) -> AsyncIterator[tuple[AuditedEvent, Session]]:
    """Yield every event with the session state after it, oldest first."""
    after = 0
    while page := await audit.events(name, after, _PAGE):
        states = await asyncio.gather(*(audit.at_version(name, e.version) for e in page))
        for event, snapshot in zip(page, states, strict=True):
            if snapshot is not None:
                yield event, snapshot.session
        after = page[-1].version


def _add_row(table: Table, event: AuditedEvent, session: Session) -> None:
    if table.title is None:
        date = f"{datetime_of(event.occurred_at):%Y-%m-%d}"
        table.title = f"{session.name}, {session.sync_mode}, {date}"
    table.add_row(
        str(event.version),
        _time_of_day(datetime_of(event.occurred_at)),
        event.event,
        event.actor,
        _subject(session, event),
        _clock_face(event.time_remaining_ms),
        _clocks(session, event.occurred_at),
    )


def _subject(session: Session, event: AuditedEvent) -> str:
    participant = session.find(event.participant_id) if event.participant_id else None
    if participant:
        return _label(participant)
    return f"group {event.group_id[:8]}" if event.group_id else ""


def _clocks(session: Session, at: Instant) -> str:
    """Return the clocks as text; `<` marks the running one."""
    shown = at_time(session, at)
    clocks = [
        f"{_label(p)} {_shown_or_used(clocks_of(shown).value_of(shown, p), p.used_ms)}"
        + (" <" if session.cycle_started_at and p == shown.active else "")
        for p in shown.participants[:_SHOWN_CLOCKS]
    ]
    if not clocks:
        clocks = [_shown_or_used(clocks_of(shown).value(shown), shown.used_ms)]
    if more := len(shown.participants) - _SHOWN_CLOCKS:
        clocks += [f"and {more} more"] if more > 0 else []
    return "   ".join(clocks)


def _label(participant: Participant) -> str:
    return f"#{participant.participant_index}"


def _shown_or_used(value: Millis | None, used: Millis) -> str:
    """A clock without a time limit has no time left; show the time used instead."""
    return f"{_clock_face(used)} used" if value is None else _clock_face(value)


def _clock_face(value: Millis | None) -> str:
    """Format as `1:02:03.456`, or `-2:03.456` below zero."""
    if value is None:
        return ""
    minutes, ms = divmod(abs(value), 60_000)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{'-' if value < 0 else ''}{head}:{ms / 1000:06.3f}"


def _time_of_day(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds")[11:23]


if __name__ == "__main__":
    sys.exit(main())
