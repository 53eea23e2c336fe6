"""Follows one session: carries out the I/O that its `SessionLogic` decides on."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from synckairos.api import Api
from synckairos.api_types import Message, SessionState, TransportName
from synckairos.clock import ServerClock
from synckairos.connector import Connector
from synckairos.effects import Effect, Emit, Ping, Read, Reconnect
from synckairos.errors import ApiError
from synckairos.events import Changed, Connection, Events, Status
from synckairos.ids import session_path
from synckairos.platform import monotonic_ms
from synckairos.session_clock import SessionClock, server_time_of
from synckairos.session_logic import SessionLogic
from synckairos.timing import CALL_TIMEOUT_MS


class SessionFollower:
    """Passes messages and read results to a `SessionLogic`, and carries out its effects."""

    def __init__(
        self,
        session_id: str,
        api: Api,
        clock: ServerClock,
        events: Events,
        transport: TransportName | None,
    ) -> None:
        self.id = session_id
        self.logic = SessionLogic()
        self.connection = Connection("closed", None, clock.now())
        self.clock = SessionClock(clock, lambda: self.logic.state)
        self._api = api
        self._server_clock = clock
        self._events = events
        self._transport = transport
        self._connector = self._new_connector()
        self._opening: asyncio.Future[SessionState | None] | None = None
        self._opening_timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._connecting: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reads_fail = self._is_missing = False
        self.problem: ApiError | None = None
        self._emitted: tuple[Any, ...] = ()
        self._opening_has_failed = False

    async def open(self, *, presence: bool) -> SessionState | None:
        """See `Session`."""
        if self._opening is None:
            self._await_answer()
            self._server_clock.start()
            self._connector = self._new_connector(presence=presence)
            self._reads_fail = self._is_missing = False
            self.problem = None
            self.logic.begin()
            self._set_connection("connecting", None)
            self._connecting = self._spawn(self._connector.run())
            self._carry_out([])
        else:
            if presence:
                self._connector.watch_presence()
            if self._opening_has_failed:
                self._await_answer()
                self._settle_opening()
        assert self._opening
        return await asyncio.shield(self._opening)

    def _await_answer(self) -> None:
        """Let `open` wait for the service, but not without an end. Following goes on then."""
        loop = asyncio.get_running_loop()
        self._opening, self._opening_has_failed = loop.create_future(), False
        self._opening_timer = loop.call_later(CALL_TIMEOUT_MS / 1000, self._give_up_opening)

    def _give_up_opening(self) -> None:
        if self._opening and not self._opening.done():
            self._opening_has_failed = True
            self._fail_opening(self.problem or self._api.unreachable("no answer yet"))

    def _fail_opening(self, error: BaseException) -> None:
        assert self._opening
        self._opening.set_exception(error)
        self._opening.exception()  # no warning if nobody waits any more

    def _settle_opening(self) -> None:
        """Let `open` return once the existence is known."""
        if self.logic.existence == "unknown" or not self._opening or self._opening.done():
            return
        self._cancel_opening_timer()
        if self.logic.refusal:
            self._fail_opening(self.logic.refusal)
        else:
            self._opening.set_result(self.logic.state)

    def _cancel_opening_timer(self) -> None:
        if self._opening_timer:
            self._opening_timer.cancel()
            self._opening_timer = None

    async def close(self) -> None:
        """See `Session`."""
        opening, tasks = self._opening, self._stop()
        if opening and not opening.done():
            opening.set_result(self.logic.state)
        self._events.close()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _stop(self) -> set[asyncio.Task[None]]:
        """Close, so that `open` can be called again; return the cancelled tasks."""
        if self._timer:
            self._timer.cancel()
        self._cancel_opening_timer()
        self._opening = None
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        self._set_connection("closed", None)
        return tasks

    def _new_connector(self, *, presence: bool = False) -> Connector:
        clock, transport = self._server_clock, self._transport
        return Connector(self.id, self._api, clock, self, transport, presence=presence)

    def joined(self, kind: TransportName) -> None:
        """See `ConnectionListener`."""
        self._set_connection("live", kind)
        self.logic.joined(kind, monotonic_ms())
        self._carry_out([])

    def left(self, kind: TransportName | None) -> None:
        """See `ConnectionListener`."""
        self._set_connection("connecting", kind)
        self.logic.left(kind, monotonic_ms())
        self._carry_out([])

    def heard(self, message: Message) -> None:
        """See `ConnectionListener`."""
        self._note_time_of(message.get("state"))
        self._carry_out(self.logic.receive(message, monotonic_ms()))

    def missing(self) -> None:
        """See `ConnectionListener`."""
        self._is_missing = True
        self.logic.subscribe_found_nothing(monotonic_ms())
        self._carry_out([])

    def refused(self, error: ApiError) -> None:
        """See `ConnectionListener`."""
        self.logic.refused(error)
        if self._connecting and self._connecting is not asyncio.current_task():
            self._connecting.cancel()
        self._set_connection("closed", None)
        self._carry_out([])

    def take(self, state: SessionState) -> None:
        """Apply the state in the response to this client's own action."""
        self._note_time_of(state)
        self._carry_out(self.logic.action_answered(state, monotonic_ms()))

    def noted(self, version: int) -> None:
        """Record that this client's action created `version`."""
        self.logic.version_noted(version, monotonic_ms())
        self._carry_out([])

    def removed(self) -> None:
        """Record that this client deleted the session."""
        self._carry_out(self.logic.session_missing(monotonic_ms()))

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Emit(event):
                    self._events.emit(event)
                case Read():
                    self._spawn(self._read())
                case Ping():
                    self._spawn(self._connector.ping())
                case Reconnect():
                    self._connector.reconnect()
                case _:
                    self._spawn(self._connector.resync())
        self._emit_changes()
        self._set_timer()

    def _set_timer(self) -> None:
        """Set the timer for the next effects; none while the session isn't followed."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self.connection.status == "closed":
            return
        wait = self.logic.due(monotonic_ms(), self.clock.now()) - monotonic_ms()
        if wait < float("inf"):
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, wait / 1000), self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._carry_out(self.logic.tick(monotonic_ms(), self.clock.now()))

    async def _read(self) -> None:
        try:
            await self._read_once()
        except ApiError as error:
            self._read_failed(error)
        except Exception:
            self.logic.read_failed(monotonic_ms())
            self._carry_out([])
            raise

    async def _read_once(self) -> None:
        answer = await self._api.get_once(session_path(self.id), self.logic.version_for_read)
        self.logic.rate_limit_reported(answer.rate_limit_remaining)
        self._note_time_of(answer.data)
        self._read_succeeded(is_there=True)
        self._carry_out(self.logic.read_found(answer.data, monotonic_ms()))

    def _note_time_of(self, state: SessionState | None) -> None:
        """Before its first sample, the clock is estimated from the states that arrive."""
        if state:
            self._server_clock.note_server_time(server_time_of(state))

    def _read_failed(self, error: ApiError) -> None:
        if error.rate_limit_remaining is not None:
            self.logic.rate_limit_reported(error.rate_limit_remaining)
        if error.is_absence:
            self._read_succeeded(is_there=False)
            self._carry_out(self.logic.read_found_nothing(monotonic_ms()))
        elif error.is_refusal:
            self.refused(error)
        else:
            self._reads_fail = True
            self.problem = error
            if self.connection.status == "polling":
                self._set_connection("connecting", "polling")
            self.logic.read_failed(monotonic_ms(), error.retry_after_s * 1000)
            self._carry_out([])

    def _read_succeeded(self, *, is_there: bool) -> None:
        """Handle a successful read. If the service was away before, retry the transports.

        Retry them as well when a missing session exists now, since only reads look for it.
        """
        if self.connection == Connection("connecting", "polling", self.connection.since):
            self._set_connection("polling", "polling")
        was_away = self._is_missing or self.logic.existence in ("absent", "deleted")
        if self._reads_fail or (is_there and was_away):
            self._connector.retry()
            self._is_missing = False
        self._reads_fail = False
        self.problem = None

    def _set_connection(self, status: Status, kind: TransportName | None) -> None:
        now = self.connection
        if (now.status, now.transport) != (status, kind):
            self.connection = Connection(status, kind, self._server_clock.now())
            self._emit_changes()

    def _emit_changes(self) -> None:
        """Emit `Changed` if something changed, and let a waiting `open` return."""
        status = self.problem and self.problem.status
        current = (
            self.connection.status,
            self.connection.transport,
            self.logic.existence,
            status,
        )
        if current != self._emitted:
            self._emitted = current
            self._events.emit(Changed(self.connection, self.logic.existence))
        self._settle_opening()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)
        return task

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or not (error := task.exception()):
            return
        if self._opening and not self._opening.done():
            self._fail_opening(error)
            self._stop()
        else:
            context = {"message": f"Following {self.id} failed", "exception": error}
            task.get_loop().call_exception_handler(context)
