"""The servers of a run: instances, and a Redis and a Postgres of their own."""

import resource
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from infra.local.instance import Instance, running
from infra.local.postgres import embedded_postgres
from infra.local.redis import embedded_redis
from infra.migrate import migrate
from tests.load.failure import LoadFailed

_UNLIMITED = {
    "RATE_LIMIT_GENERAL": "0",
    "RATE_LIMIT_SWITCH": "0",
    "MAX_SESSIONS_PER_CALLER": "1000000",
    "MAX_BYTES_PER_CALLER": "1000000000000",
    "MAX_WRITTEN_PER_CALLER": "1000000000000",
    "MAX_AUTOMATIC_LOAD_PER_CALLER": "1000000",
    "MAX_SOCKETS_PER_CALLER": "1000000",
}
_SPARE_FILES = 512


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a run takes place."""

    instances: tuple[Instance, ...]
    redis_url: str

    @property
    def ports(self) -> list[int]:
        """Where the instances listen."""
        return [instance.port for instance in self.instances]


@contextmanager
def stage(instances: int) -> Iterator[Stage]:
    """So many instances with nothing limited and an audit trail, until the end of the block."""
    with ExitStack() as stack:
        redis_url = stack.enter_context(embedded_redis())
        postgres = stack.enter_context(embedded_postgres())
        migrate(postgres.url)
        settings = {"DATABASE_URL": postgres.url, **_UNLIMITED}
        started = [
            stack.enter_context(running(redis_url, quiet=True, **settings))  # type: ignore[arg-type] # all are text
            for _ in range(instances)
        ]
        yield Stage(tuple(started), redis_url)


def allow_files(sockets: int) -> None:
    """Let this process and those that it starts open so many sockets. Raises `LoadFailed`."""
    needed = sockets + _SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise LoadFailed(
            f"{sockets} sockets need {needed} open files, and the hard limit is {hard}:"
            f" raise it (`ulimit -Hn {needed}` as root) or take fewer with --sockets."
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
