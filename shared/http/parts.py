"""The parts of an instance that endpoints of the service itself ask for."""

from typing import Annotated

from fastapi import Depends, Request

from shared.clock import StoreClock
from shared.history import History
from shared.ports import SessionStore
from shared.readiness import Readiness


async def _clock_of(request: Request) -> StoreClock:
    clock: StoreClock = request.app.state.clock
    return clock


async def _store_of(request: Request) -> SessionStore:
    store: SessionStore = request.app.state.store
    return store


async def _readiness_of(request: Request) -> Readiness:
    readiness: Readiness = request.app.state.readiness
    return readiness


async def _history_of(request: Request) -> History:
    history: History = request.app.state.history
    return history


Clock = Annotated[StoreClock, Depends(_clock_of)]
Store = Annotated[SessionStore, Depends(_store_of)]
Ready = Annotated[Readiness, Depends(_readiness_of)]
Trail = Annotated[History, Depends(_history_of)]
