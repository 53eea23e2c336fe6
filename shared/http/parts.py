"""The parts of an instance that endpoints of the service itself ask for."""

from typing import Annotated

from fastapi import Depends, Request

from shared.clock import StoreClock
from shared.ports import SessionStore


async def _clock_of(request: Request) -> StoreClock:
    clock: StoreClock = request.app.state.clock
    return clock


async def _store_of(request: Request) -> SessionStore:
    store: SessionStore = request.app.state.store
    return store


Clock = Annotated[StoreClock, Depends(_clock_of)]
Store = Annotated[SessionStore, Depends(_store_of)]
