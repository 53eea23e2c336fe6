"""Servers under test; the services and the floors each have their own Redis."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

import httpx
import msgspec

from functions.tools.bench import specimen
from functions.tools.bench.failure import BenchFailed
from functions.tools.bench.floor import CLIENT, CLIENTS, SPECIMENS
from functions.tools.bench.specimen import Specimens
from infra.local.instance import Instance, running
from infra.local.postgres import embedded_postgres
from infra.local.redis import embedded_redis
from infra.migrate import migrate

_SESSIONS = 100
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Service:
    """An instance of the service, with its Redis and, optionally, its Postgres."""

    instance: Instance
    redis_url: str
    database_url: str = ""

    @property
    def url(self) -> str:
        """Base URL for HTTP."""
        return self.instance.url


@dataclass(frozen=True, slots=True)
class Contestants:
    """Servers under test and their sessions, which are the same on all of them."""

    service: Service
    """Writes audit entries to its outbox; no worker writes them to Postgres."""
    audited: Service
    """Also writes its audit entries to Postgres."""
    floor: str
    own_floor: str
    """`floor` is the URL of the floor with redis-py, `own_floor` with the service's connection."""
    constant: str
    session_ids: tuple[str, ...]


def creation(**fields: object) -> str:
    """Return a JSON body that creates a session of two participants with a day each."""
    participants = [
        {"participant_id": str(uuid4()), "total_time_ms": _DAY_MS, "participant_index": n}
        for n in range(2)
    ]
    body = {"sync_mode": "per_participant", "participants": participants, **fields}
    return msgspec.json.encode(body).decode()


@contextmanager
def contestants() -> Iterator[Contestants]:
    """Start all servers, each with the same 100 running sessions."""
    session_ids = tuple(str(uuid4()) for _ in range(_SESSIONS))
    with ExitStack() as stack:
        start = partial(_start_instance, stack)
        redis_url = stack.enter_context(embedded_redis())
        service = Service(start(redis_url, AUDIT_WORKER="off"), redis_url)
        audited = _start_audited(stack)
        for one in (service, audited):
            _start_sessions(one.url, session_ids)
        specimens = _record_specimens(service.url, redis_url, session_ids[0])
        path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "specimens.json"
        path.write_bytes(msgspec.json.encode(specimens))
        floors = {}
        for client in CLIENTS:
            floor_redis_url = stack.enter_context(embedded_redis())
            _plant_sessions(floor_redis_url, session_ids, specimens)
            settings = {CLIENT: client, SPECIMENS: str(path)}
            floors[client] = start(floor_redis_url, "functions.tools.bench.floor", **settings).url
        constant = start(redis_url, "functions.tools.bench.constant")
        yield Contestants(
            service,
            audited,
            floors["redis-py"],
            floors["own connection"],
            constant.url,
            session_ids,
        )


def _start_instance(
    stack: ExitStack, redis_url: str, module: str = "functions.server", **settings: str
) -> Instance:
    started = running(redis_url, module=module, quiet=True, **settings)  # type: ignore[arg-type] # all are text
    return stack.enter_context(started)


def _start_audited(stack: ExitStack) -> Service:
    redis_url = stack.enter_context(embedded_redis())
    database = stack.enter_context(embedded_postgres())
    migrate(database.url)
    instance = _start_instance(stack, redis_url, DATABASE_URL=database.url)
    return Service(instance, redis_url, database.url)


def _start_sessions(url: str, session_ids: tuple[str, ...]) -> None:
    try:
        with httpx.Client(base_url=url, trust_env=False) as http:
            for session_id in session_ids:
                body = creation(session_id=session_id)
                http.post("/v1/sessions", content=body).raise_for_status()
                http.post(f"/v1/sessions/{session_id}/start").raise_for_status()
    except httpx.HTTPError as error:
        raise BenchFailed(f"Can't create the sessions of the benchmark: {error}") from error


def _record_specimens(url: str, redis_url: str, session_id: str) -> Specimens:
    redis = specimen.client(redis_url)
    path, new_id = f"/v1/sessions/{session_id}", str(uuid4())
    return Specimens(
        switch=specimen.of_change(url, redis, session_id, f"{path}/switch", "{}"),
        read=specimen.of_read(url, path),
        create=specimen.of_change(url, redis, new_id, "/v1/sessions", creation(session_id=new_id)),
    )


def _plant_sessions(redis_url: str, session_ids: tuple[str, ...], specimens: Specimens) -> None:
    redis = specimen.client(redis_url)
    for session_id in session_ids:
        specimen.plant(redis, session_id, specimens.switch)
