"""The servers of a run: instances of the service with their own Redis and Postgres."""

import resource
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from infra.local.instance import Instance, running
from infra.local.postgres import embedded_postgres
from infra.local.redis import embedded_redis
from infra.local.redis_cluster import local_cluster
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
_CLUSTER_SHARDS = "12"
"""Number of hash tags, which spread the keys over the nodes of a cluster."""


@dataclass(frozen=True, slots=True)
class Servers:
    """The running servers."""

    instances: tuple[Instance, ...]
    redis_url: str

    @property
    def ports(self) -> list[int]:
        """The ports of the instances."""
        return [instance.port for instance in self.instances]

    @property
    def pids(self) -> list[int]:
        """The process ids of the instances."""
        return [instance.process.pid for instance in self.instances]


@contextmanager
def running_servers(instances: int, *, cluster: bool = False) -> Iterator[Servers]:
    """Run instances without limits on callers and with an audit trail.

    They use one Redis, or a `cluster` of three primaries with a replica each.
    """
    with ExitStack() as stack:
        settings = dict(_UNLIMITED)
        if cluster:
            redis_url = stack.enter_context(local_cluster()).all_urls
            settings["STORE_SHARDS"] = _CLUSTER_SHARDS
        else:
            redis_url = stack.enter_context(embedded_redis())
        postgres = stack.enter_context(embedded_postgres())
        migrate(postgres.url)
        settings["DATABASE_URL"] = postgres.url
        started = [
            stack.enter_context(running(redis_url, quiet=True, **settings))  # type: ignore[arg-type] # all are text
            for _ in range(instances)
        ]
        yield Servers(tuple(started), redis_url)


def raise_file_limit(sockets: int) -> None:
    """Allow this process and its children to open `sockets` sockets. Raises `LoadFailed`."""
    needed = sockets + _SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise LoadFailed(
            f"{sockets} sockets need {needed} open files, and the hard limit is {hard}:"
            f" raise it (`ulimit -Hn {needed}` as root) or use fewer with --sockets."
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
