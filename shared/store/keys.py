"""Names in Redis. All that one commit touches shares a hash tag: a cluster keeps it together.

A session's `name` is its id, behind its tenant's if it has one: two tenants share no key of theirs.
"""

from dataclasses import dataclass
from uuid import uuid4
from zlib import crc32

from shared.domain.naming import session_name
from shared.ports import IdempotencyKey


@dataclass(frozen=True, slots=True)
class Keys:
    """The key names for `shards` hash tags, `{s0}` to `{s<shards-1>}`."""

    shards: int = 1

    def shard_of(self, name: str) -> str:
        """The hash tag that `name` (a session's, a counter's, the scope of a key) belongs to."""
        if self.shards == 1:
            return "{s0}"
        return f"{{s{crc32(name.encode()) % self.shards}}}"

    @property
    def all_shards(self) -> list[str]:
        """Every hash tag."""
        return [f"{{s{n}}}" for n in range(self.shards)]

    def session(self, name: str) -> str:
        """A session's state."""
        return f"{self.shard_of(name)}:session:{name}"

    def answer(self, key: IdempotencyKey) -> str:
        """The recorded answer of an idempotent request."""
        return f"{self.shard_of(key.scope)}:idem:{key.scope}:{key.key}"

    def record(self, key: IdempotencyKey) -> str:
        """What makes a retry of a request that changes no session get the first answer."""
        return f"{self.shard_of(key.scope)}:record:{key.scope}:{key.key}"

    def deadlines(self, shard: str) -> str:
        """Live sessions by their next wake-up."""
        return f"{shard}:deadlines"

    def owed_pushes(self, shard: str) -> str:
        """Sessions whose newest push failed, by when it is to be tried again."""
        return f"{shard}:owed-pushes"

    def counter(self, name: str) -> str:
        """How often something was done of late that has a limit."""
        return f"{self.shard_of(name)}:counter:{name}"

    def owned(self, shard: str, owner: str) -> str:
        """The owner's live sessions in the shard, by the instant at which each is forgotten."""
        return f"{shard}:owned:{owner}"

    def held(self, shard: str, owner: str) -> str:
        """How many bytes and how much load the owner holds in the shard, in all and by session."""
        return f"{shard}:held:{owner}"

    def outbox(self, shard: str) -> str:
        """Audit entries on their way to the database."""
        return f"{shard}:outbox"

    def dead_letters(self, shard: str) -> str:
        """Audit entries that the database won't have, with the reason."""
        return f"{shard}:dead-letters"

    def drainer(self, shard: str) -> str:
        """The worker that empties the outbox."""
        return f"{shard}:drainer"

    def probe(self, shard: str) -> str:
        """Written to see whether the shard takes writes."""
        return f"{shard}:probe"

    def whole(self, shard: str) -> str:
        """There as long as nothing was lost; gone with everything else."""
        return f"{shard}:whole"

    def recovery(self, shard: str) -> str:
        """Who is bringing back what was lost."""
        return f"{shard}:recovery"

    def push_channel(self, name: str) -> str:
        """Where the messages of one session are published."""
        return f"{self.shard_of(name)}:push:{name}"

    def wake_channel(self, shard: str) -> str:
        """Carries the instant of a wake-up that is earlier than all others of the shard."""
        return f"{shard}:wake"

    def outbox_channel(self, shard: str) -> str:
        """Carries nothing: an outbox that was empty is empty no more."""
        return f"{shard}:outbox-filled"

    def echo_channel(self, instance: str) -> str:
        """Where an instance publishes to itself, to see that it still hears."""
        return f"{self.shard_of(instance)}:echo:{instance}"

    def creation_scope(self, key: str, name: str | None) -> str:
        """The scope of an idempotency key of a creation.

        One for all creations, unless the client chose an id on another shard: then the session's
        own, for one commit can't write to two shards.
        """
        common = f"create:{key}"
        if name is None or self.shard_of(name) == self.shard_of(common):
            return common
        return name

    def new_session_id(self, scope: str | None, tenant: str | None) -> str:
        """A fresh session id on the shard of `scope`, for a commit that writes to both."""
        while True:
            session_id = str(uuid4())
            name = session_name(session_id, tenant)
            if scope is None or self.shard_of(name) == self.shard_of(scope):
                return session_id
