"""Reports the connections of this instance to the store (docs/presence.md)."""

import asyncio
import random
from contextlib import suppress
from typing import Final

from functions.container.live.coalesced import CoalescedCall
from shared.application.errors import StoreUnavailable
from shared.application.ports.presence import Connection, PresenceStore
from shared.application.presence import error_class, presence_of
from shared.domain.units import Millis
from shared.domain.values import replace

HEARTBEAT_S: Final = 20.0
"""Interval at which an instance with connections confirms that it is alive, s."""

CHANGE_S: Final = 1.0
"""Time after a connection begins or ends until that is written, s; with more than 100 connections
a hundredth of a second for each, so that large sessions don't write large lists all the time."""

_PER_CONNECTION_S: Final = 0.01

MEASUREMENT_S: Final = 15.0
"""Time until a change of a client's error is written, s. Its first error is written as a change."""

_REWRITE_AFTER_HEARTBEATS: Final = 60
"""Heartbeats after which everything is written again: 20 minutes. Redis keeps it for an hour."""


def interval_s(connected: int) -> float:
    """Return the time between two writes, or two pushes, of a session with so many connections."""
    return max(CHANGE_S, connected * _PER_CONNECTION_S)


class PresenceReports:
    """The connections of this instance, which it writes to `store` under the name `instance`.

    Changes are coalesced. A write that fails is made up for at the next heartbeat that succeeds.
    """

    def __init__(self, store: PresenceStore, instance: str) -> None:
        self._store = store
        self._instance = instance
        self._sessions: dict[str, _SessionReport] = {}
        self._has_connections = asyncio.Event()

    def add(self, name: str, connection: Connection) -> None:
        """Add a connection to the session `name`."""
        report = self._sessions.get(name)
        if report is None:
            self._sessions[name] = report = _SessionReport(self, name)
        report.connections[connection.connection_id] = connection
        report.changed()
        self._has_connections.set()

    def measured(
        self, name: str, connection_id: str, round_trip_ms: Millis | None, error_ms: Millis | None
    ) -> None:
        """Set what a client has said about its clock, if its connection is known."""
        report = self._sessions.get(name)
        before = report and report.connections.get(connection_id)
        if not report or not before:
            return
        report.connections[connection_id] = replace(
            before, round_trip_ms=round_trip_ms, error_ms=error_ms
        )
        if before.error_ms is None and error_ms is not None:
            report.changed()
        elif error_class(before.error_ms) != error_class(error_ms):
            report.changed(MEASUREMENT_S)

    def remove(self, name: str, connection_id: str) -> None:
        """Remove a connection, if it is known."""
        report = self._sessions.get(name)
        if report and report.connections.pop(connection_id, None):
            report.changed()

    async def run(self) -> None:
        """Confirm that this instance is alive while it has connections, until cancelled.

        An instance without connections sends nothing.
        """
        heartbeats = 0
        try:
            while True:
                await self._has_connections.wait()
                with suppress(StoreUnavailable):
                    is_known = await self._store.keep_alive(self._instance)
                    heartbeats += 1
                    is_due = heartbeats % _REWRITE_AFTER_HEARTBEATS == 0
                    self._write_again(everything=is_due or not is_known)
                await asyncio.sleep(HEARTBEAT_S)
        finally:
            for report in self._sessions.values():
                report.call.cancel()
            with suppress(StoreUnavailable):
                await self._store.forget(self._instance)

    def _write_again(self, *, everything: bool) -> None:
        """Write sessions again, spread over the time to the next heartbeat."""
        for report in self._sessions.values():
            if everything or not report.is_written:
                report.changed(random.uniform(CHANGE_S, HEARTBEAT_S))

    async def write(self, report: "_SessionReport") -> None:
        """Write the connections of one session. An outage is noted in the report."""
        connections = list(report.connections.values())
        report.is_written = True
        try:
            presence = presence_of(connections) if connections else None
            await self._store.write(report.name, self._instance, presence)
        except StoreUnavailable:
            report.is_written = False
            return
        if not report.connections and self._sessions.get(report.name) is report:
            del self._sessions[report.name]
            if not self._sessions:
                self._has_connections.clear()


class _SessionReport:
    """The connections of this instance to one session, and whether the store has them all."""

    def __init__(self, reports: PresenceReports, name: str) -> None:
        self.name = name
        self.connections: dict[str, Connection] = {}
        self.is_written = True
        self.call = CoalescedCall(
            lambda: reports.write(self), lambda: interval_s(len(self.connections))
        )

    def changed(self, within_s: float = CHANGE_S) -> None:
        """Write the connections within that time."""
        self.call.note(max(within_s, interval_s(len(self.connections))))


class PresenceEntry:
    """One connection in the reports, from `join` to `leave`."""

    def __init__(self, reports: PresenceReports, name: str, connection: Connection) -> None:
        self._reports = reports
        self._name = name
        self._connection = connection
        self._has_joined = False

    def join(self) -> None:
        """Report the connection, if it isn't reported yet."""
        if not self._has_joined:
            self._has_joined = True
            self._reports.add(self._name, self._connection)

    def measured(self, round_trip_ms: Millis | None, error_ms: Millis | None) -> None:
        """Set what the client has said about its clock."""
        if self._has_joined:
            connection_id = self._connection.connection_id
            self._reports.measured(self._name, connection_id, round_trip_ms, error_ms)
        else:
            self._connection = replace(
                self._connection, round_trip_ms=round_trip_ms, error_ms=error_ms
            )

    def leave(self) -> None:
        """End the report of the connection."""
        self._reports.remove(self._name, self._connection.connection_id)
