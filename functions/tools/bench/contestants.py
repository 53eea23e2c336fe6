"""The servers that are measured side by side, each with a Redis of its own."""

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
    """An instance of the service and what it runs on."""

    instance: Instance
    redis_url: str
    database_url: str = ""

    @property
    def url(self) -> str:
        """Where it answers HTTP."""
        return self.instance.url


@dataclass(frozen=True, slots=True)
class Contestants:
    """Where to send the load, and to which sessions; all servers have the same sessions."""

    service: Service
    """Writes audit entries, which a worker in another process would carry to Postgres."""
    audited: Service
    """Has a Postgres, and carries its audit entries there itself."""
    floor: str
    own_floor: str
    """The urls of the floor with redis-py and of the floor with the service's own connection."""
    constant: str
    session_ids: tuple[str, ...]


def creation(**fields: object) -> str:
    """The body of a creation: a game of two whose clocks outlast the run."""
    participants = [
        {"participant_id": str(uuid4()), "total_time_ms": _DAY_MS, "participant_index": n}
        for n in range(2)
    ]
    body = {"sync_mode": "per_participant", "participants": participants, **fields}
    return msgspec.json.encode(body).decode()


@contextmanager
def contestants() -> Iterator[Contestants]:
    """Start all servers, each with the same hundred running sessions."""
    session_ids = tuple(str(uuid4()) for _ in range(_SESSIONS))
    with ExitStack() as stack:
        start = partial(_started, stack)
        redis_url = stack.enter_context(embedded_redis())
        service = Service(start(redis_url, AUDIT_WORKER="off"), redis_url)
        audited = _audited(stack)
        for one in (service, audited):
            _begin_sessions(one.url, session_ids)
        specimens = _specimens(service.url, redis_url, session_ids[0])
        path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "specimens.json"
        path.write_bytes(msgspec.json.encode(specimens))
        floors = {}
        for client in CLIENTS:
            floor_redis_url = stack.enter_context(embedded_redis())
            _plant(floor_redis_url, session_ids, specimens)
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


def _started(
    stack: ExitStack, redis_url: str, module: str = "functions.server", **settings: str
) -> Instance:
    started = running(redis_url, module=module, quiet=True, **settings)  # type: ignore[arg-type] # all are text
    return stack.enter_context(started)


def _audited(stack: ExitStack) -> Service:
    redis_url = stack.enter_context(embedded_redis())
    database = stack.enter_context(embedded_postgres())
    migrate(database.url)
    instance = _started(stack, redis_url, DATABASE_URL=database.url)
    return Service(instance, redis_url, database.url)


def _begin_sessions(url: str, session_ids: tuple[str, ...]) -> None:
    try:
        with httpx.Client(base_url=url, trust_env=False) as http:
            for session_id in session_ids:
                body = creation(session_id=session_id)
                http.post("/v1/sessions", content=body).raise_for_status()
                http.post(f"/v1/sessions/{session_id}/start").raise_for_status()
    except httpx.HTTPError as error:
        raise BenchFailed(f"The service doesn't take the sessions of the bench: {error}") from error


def _specimens(url: str, redis_url: str, session_id: str) -> Specimens:
    redis = specimen.client(redis_url)
    path, new_id = f"/v1/sessions/{session_id}", str(uuid4())
    return Specimens(
        switch=specimen.of_change(url, redis, session_id, f"{path}/switch", "{}"),
        read=specimen.of_read(url, path),
        create=specimen.of_change(url, redis, new_id, "/v1/sessions", creation(session_id=new_id)),
    )


def _plant(redis_url: str, session_ids: tuple[str, ...], specimens: Specimens) -> None:
    redis = specimen.client(redis_url)
    for session_id in session_ids:
        specimen.plant(redis, session_id, specimens.switch)
