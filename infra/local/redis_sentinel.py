"""Valkey primary and replica on loopback, monitored by three Sentinels."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.ports import free_port
from infra.local.redis_node import RedisNode, wait_until

PRIMARY_NAME = "synckairos"
"""Name of the primary on the Sentinels."""
USER = ("synckairos", "the-data-password")
"""User and password of clients on the primary and the replica."""
SENTINEL_USER = ("watcher", "the-sentinel-password")
"""User and password of clients on the Sentinels."""

_ADMIN = ("admin", "the-admin-password")
"""User and password of replicas and Sentinels on the data nodes."""
_QUORUM = 2
_DOWN_AFTER_MS = (1_200, 1_200, 4_000)
"""For each Sentinel, the time without an answer after which the primary counts as failed. With
equal times each Sentinel might vote for itself, and the election would repeat after seconds."""
_FAILOVER_TIMEOUT_MS = 1_500
_SHORT_PERIODS = ("PING-PERIOD", 400, "INFO-PERIOD", 200, "PUBLISH-PERIOD", 200)
"""In ms; the defaults are 1 s to 10 s. Five ping periods must exceed 1 s: in a failover a Sentinel
polls a replica every 1 s, and ignores answers that are older than five ping periods."""
_DATA_SETTINGS = (
    "user default off",
    f"user {_ADMIN[0]} on >{_ADMIN[1]} ~* &* +@all",
    f"user {USER[0]} on >{USER[1]} ~* &* +@all -@admin -@dangerous +info",
    f"masteruser {_ADMIN[0]}",
    f"masterauth {_ADMIN[1]}",
    "repl-diskless-sync-delay 0",
)


class LocalSentinels:
    """Two data nodes and three Sentinels. Methods that wait raise `WaitTimeout` after 20 s."""

    def __init__(self, folder: Path) -> None:
        ports = [free_port() for _ in range(2)]
        replicating = f"replicaof 127.0.0.1 {ports[0]}"
        self.data = [
            RedisNode(folder / f"data-{n}", port, [*_DATA_SETTINGS, *more], user=_ADMIN)
            for n, (port, more) in enumerate(zip(ports, ([], [replicating]), strict=True))
        ]
        self.sentinels = [
            RedisNode(
                folder / f"sentinel-{n}",
                free_port(),
                _sentinel_settings(ports[0], down_after),
                user=SENTINEL_USER,
                sentinel=True,
            )
            for n, down_after in enumerate(_DOWN_AFTER_MS)
        ]

    @property
    def hosts(self) -> str:
        """Addresses of the Sentinels, as `host:port,host:port,host:port`."""
        return ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)

    @property
    def url(self) -> str:
        """Value of `REDIS_URL`, with the users of the data nodes and of the Sentinels."""
        (name, password), (sentinel_name, sentinel_password) = USER, SENTINEL_USER
        return (
            f"redis+sentinel://{name}:{password}@{self.hosts}/{PRIMARY_NAME}"
            f"?sentinel_username={sentinel_name}&sentinel_password={sentinel_password}"
        )

    def create(self) -> None:
        """Start all servers; wait until the Sentinels agree on the primary and know its replica."""
        for group in (self.data, self.sentinels):
            for node in group:
                node.process.launch()
            for node in group:
                node.process.wait_until_ready()
        for sentinel in self.sentinels:
            sentinel.ask("SENTINEL", "DEBUG", *_SHORT_PERIODS)
        self.wait_until_healthy()

    @property
    def primary(self) -> RedisNode:
        """The primary according to the first running Sentinel."""
        _, port = self._running_sentinels()[0].ask(
            "SENTINEL", "GET-MASTER-ADDR-BY-NAME", PRIMARY_NAME
        )
        return next(node for node in self.data if node.port == int(port))

    def wait_until_healthy(self) -> None:
        """Wait until the replica is in sync and every Sentinel knows it and the other Sentinels."""
        wait_until(self._is_healthy, "the Sentinels know each other and the replica is in sync")

    def kill_primary(self) -> RedisNode:
        """Kill the primary (SIGKILL) and return the node, without waiting."""
        dead = self.primary
        dead.process.kill()
        return dead

    def wait_until_promoted(self, *, not_: RedisNode) -> RedisNode:
        """Wait until all Sentinels name a writable primary other than `not_`; return it."""

        def is_promoted() -> bool:
            named = {_primary_port(sentinel) for sentinel in self._running_sentinels()}
            return named == {other.port} and other.info("replication").get("role") == "master"

        other = next(node for node in self.data if node is not not_)
        wait_until(is_promoted, "the replica is promoted")
        return other

    def wait_until_noticed(self, replica: RedisNode) -> None:
        """Wait until every running Sentinel knows that a killed replica is down."""
        wait_until(
            lambda: all("s_down" in _replica_flags(s) for s in self._running_sentinels()),
            f"the Sentinels notice that {replica.port} is down",
        )

    def wait_until_no_quorum(self) -> None:
        """Wait until the running Sentinels know that they have no quorum for a failover."""
        wait_until(
            lambda: all(
                s.says("SENTINEL", "CKQUORUM", PRIMARY_NAME) is None
                for s in self._running_sentinels()
            ),
            "the Sentinels know that they have no quorum",
        )

    def fail_over(self) -> RedisNode:
        """Kill the primary, wait until its replica is promoted, return the killed node."""
        dead = self.kill_primary()
        self.wait_until_promoted(not_=dead)
        return dead

    def restart(self, node: RedisNode) -> None:
        """Start a killed node as the replica of the other one and wait until it is in sync.

        Without `--replicaof` it would accept writes until a Sentinel reconfigures it.
        """
        node.process.start("--replicaof", f"127.0.0.1 {self.primary.port}")
        self.wait_until_healthy()

    def close(self) -> None:
        """Kill all servers."""
        for node in (*self.sentinels, *self.data):
            node.close()

    def _is_healthy(self) -> bool:
        roles = sorted(self._role_of(node) for node in self.data)
        return roles == ["master 1", "slave up"] and all(map(_is_ready, self.sentinels))

    def _running_sentinels(self) -> list[RedisNode]:
        return [sentinel for sentinel in self.sentinels if sentinel.process.is_running]

    @staticmethod
    def _role_of(node: RedisNode) -> str:
        role = node.info("replication")
        detail = role.get("master_link_status") or role.get("connected_slaves")
        return f"{role.get('role')} {detail}"


def _sentinel_settings(primary_port: int, down_after_ms: int) -> list[str]:
    user, password = SENTINEL_USER
    return [
        "user default off",
        f"user {user} on >{password} ~* &* +@all",
        f"sentinel sentinel-user {user}",
        f"sentinel sentinel-pass {password}",
        f"sentinel monitor {PRIMARY_NAME} 127.0.0.1 {primary_port} {_QUORUM}",
        f"sentinel auth-user {PRIMARY_NAME} {_ADMIN[0]}",
        f"sentinel auth-pass {PRIMARY_NAME} {_ADMIN[1]}",
        f"sentinel down-after-milliseconds {PRIMARY_NAME} {down_after_ms}",
        f"sentinel failover-timeout {PRIMARY_NAME} {_FAILOVER_TIMEOUT_MS}",
    ]


def _primary_port(sentinel: RedisNode) -> int | None:
    address = sentinel.says("SENTINEL", "GET-MASTER-ADDR-BY-NAME", PRIMARY_NAME)
    return int(address[1]) if address else None


def _is_ready(sentinel: RedisNode) -> bool:
    """Return whether `sentinel` knows the two other Sentinels and a replica in sync."""
    fields = sentinel.says("SENTINEL", "MASTER", PRIMARY_NAME) or []
    about = dict(zip(fields[::2], fields[1::2], strict=True))
    replicas = _replicas(sentinel)
    return (
        about.get("flags") == "master"
        and about.get("num-other-sentinels") == "2"
        and [one["master-link-status"] for one in replicas] == ["ok"]
    )


def _replicas(sentinel: RedisNode) -> list[dict[str, str]]:
    return [
        dict(zip(fields[::2], fields[1::2], strict=True))
        for fields in sentinel.says("SENTINEL", "REPLICAS", PRIMARY_NAME) or []
    ]


def _replica_flags(sentinel: RedisNode) -> str:
    return ",".join(replica["flags"] for replica in _replicas(sentinel))


@contextmanager
def local_sentinels() -> Iterator[LocalSentinels]:
    """Start a primary, its replica and its Sentinels; stop them after the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        servers = LocalSentinels(Path(folder))
        try:
            servers.create()
            yield servers
        finally:
            servers.close()
