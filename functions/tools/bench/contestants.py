"""The servers that are measured, side by side, each with a Redis of its own."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import msgspec

from functions.tools.bench import specimen
from functions.tools.bench.failure import BenchFailed
from functions.tools.bench.specimen import Specimens
from infra.local.instance import Instance, running
from infra.local.redis import embedded_redis

_SESSIONS = 100
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Contestants:
    """Where to send the load, and to which sessions."""

    instance: Instance
    floor: str
    constant: str
    redis_url: str
    session_ids: tuple[str, ...]

    @property
    def service(self) -> str:
        """The service's url."""
        return self.instance.url


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
    """Start them all, with a hundred running sessions.

    The service has no trail: it writes audit entries as for a worker in another process.
    """
    with (
        embedded_redis() as redis_url,
        embedded_redis() as floor_redis_url,
        running(redis_url, quiet=True, AUDIT_WORKER="off") as service,
        running(redis_url, module="functions.tools.bench.constant", quiet=True) as constant,
        tempfile.TemporaryDirectory() as folder,
    ):
        session_ids = _running_sessions(service.url)
        specimens = _specimens(service.url, redis_url, session_ids[0])
        _plant(floor_redis_url, session_ids, specimens)
        path = Path(folder) / "specimens.json"
        path.write_bytes(msgspec.json.encode(specimens))
        module = "functions.tools.bench.floor"
        with running(floor_redis_url, module=module, quiet=True, SPECIMENS=str(path)) as floor:
            yield Contestants(service, floor.url, constant.url, redis_url, session_ids)


def _running_sessions(url: str) -> tuple[str, ...]:
    session_ids = tuple(str(uuid4()) for _ in range(_SESSIONS))
    try:
        with httpx.Client(base_url=url, trust_env=False) as http:
            for session_id in session_ids:
                body = creation(session_id=session_id)
                http.post("/v1/sessions", content=body).raise_for_status()
                http.post(f"/v1/sessions/{session_id}/start").raise_for_status()
    except httpx.HTTPError as error:
        raise BenchFailed(f"The service doesn't take the sessions of the bench: {error}") from error
    return session_ids


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
