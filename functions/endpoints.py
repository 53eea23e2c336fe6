"""All endpoints that answer plain HTTP requests, the most used first."""

from functions.service import console, docs, health, ready, time, time_controls
from functions.sessions import (
    adjust,
    batch,
    cancel,
    complete,
    create,
    delete,
    events,
    fairness,
    participants,
    pause,
    read,
    realtime,
    replay,
    resume,
    simulate,
    start,
    summary,
    switch,
    tokens,
    undo,
    update,
)
from shared.http.routing import Route

_ENDPOINTS = (
    switch,
    read,
    batch,
    create,
    summary,
    start,
    pause,
    resume,
    complete,
    cancel,
    delete,
    adjust,
    update,
    participants,
    undo,
    events,
    replay,
    fairness,
    simulate,
    realtime,
    tokens,
    time,
    time_controls,
    health,
    ready,
    docs,
    console,
)

ROUTES: list[Route] = [route for endpoint in _ENDPOINTS for route in endpoint.routes]
