"""Redis key names. All keys of one commit share a hash tag, so a cluster has them on one node.

A session's `name` is its id, prefixed with its tenant if it has one, so tenants share no keys.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple
from uuid import uuid4
from zlib import crc32

from shared.application.ports.commit import IdempotencyKey
from shared.application.ports.listed_sessions import ListScope
from shared.domain.session import session_name

_API_KEYS = "api-keys"
_JOIN_CODES = "join"
"""Names that choose the one shard of all API keys, and of all join codes."""


class ListKeys(NamedTuple):
    """The sorted sets of one list of sessions; `session_index.py` has their members.

    `live` and `ended` are ordered by creation: all scores are 0, and members begin with the
    instant. `expiry` has the same members, scored by an instant when the session is surely gone.
    """

    live: str
    ended: str
    expiry: str


@dataclass(frozen=True, slots=True)
class StoreKeys:
    """The key names for `shards` hash tags, `{s0}` to `{s<shards-1>}`."""

    shards: int = 1

    def shard_of(self, name: str) -> str:
        """Hash tag of `name`: a session's, a counter's, or the scope of an idempotency key."""
        if self.shards == 1:
            return "{s0}"
        return f"{{s{crc32(name.encode()) % self.shards}}}"

    def by_shard(self, names: Iterable[str]) -> dict[str, list[str]]:
        """Return the names of sessions by shard, each once."""
        by_shard: dict[str, list[str]] = {}
        for name in dict.fromkeys(names):
            by_shard.setdefault(self.shard_of(name), []).append(name)
        return by_shard

    @property
    def all_shards(self) -> list[str]:
        """Hash tags of all shards."""
        return [f"{{s{n}}}" for n in range(self.shards)]

    def session(self, name: str) -> str:
        """Hash with a session, its latest operation ids and its alarm (`session_fields.py`)."""
        return f"{self.shard_of(name)}:session:{name}"

    def answer(self, key: IdempotencyKey) -> str:
        """The recorded answer of an idempotent request."""
        return f"{self.shard_of(key.scope)}:idem:{key.scope}:{key.key}"

    def record(self, key: IdempotencyKey) -> str:
        """The recorded answer of an idempotent request that changes no session."""
        return f"{self.shard_of(key.scope)}:record:{key.scope}:{key.key}"

    def revoked_tokens(self, name: str) -> str:
        """Hash with the revocations of a session's tokens, by token id."""
        return f"{self.shard_of(name)}:revoked-tokens:{name}"

    def deadlines(self, shard: str) -> str:
        """Sorted set of live sessions, scored by their next wake-up."""
        return f"{shard}:deadlines"

    def pending_pushes(self, shard: str) -> str:
        """Sorted set of sessions whose newest push failed, scored by the time of the next try."""
        return f"{shard}:owed-pushes"

    def counter(self, name: str) -> str:
        """Counter of a rate limit."""
        return f"{self.shard_of(name)}:counter:{name}"

    def owned(self, shard: str, owner: str) -> str:
        """Sorted set of the owner's live sessions in the shard, scored by their expiry."""
        return f"{shard}:owned:{owner}"

    def held(self, shard: str, owner: str) -> str:
        """Hash with the owner's bytes and load in the shard, in total and by session."""
        return f"{shard}:held:{owner}"

    def test_sessions(self, shard: str) -> str:
        """Sorted set of the live test sessions in the shard, scored by their expiry."""
        return f"{shard}:test-sessions"

    def list_of(self, shard: str, scope: ListScope) -> ListKeys:
        """The sorted sets of the sessions that `scope` has in the shard."""
        whose = f"{scope.tenant or ''}:{scope.owner or ''}"
        return ListKeys(
            f"{shard}:live:{whose}", f"{shard}:ended:{whose}", f"{shard}:expiry:{whose}"
        )

    def outbox(self, shard: str) -> str:
        """Stream of audit entries that wait for the database."""
        return f"{shard}:outbox"

    def dead_letters(self, shard: str) -> str:
        """Stream of audit entries that the database refuses, with the reasons."""
        return f"{shard}:dead-letters"

    def outbox_lease(self, shard: str, group: str = "") -> str:
        """Lease of the worker that empties the outbox for a group; by default for the trail."""
        return f"{shard}:drainer:{group}" if group else f"{shard}:drainer"

    def api_key(self, key_id: str) -> str:
        """Hash with an API key. All are on one shard, because its tenant isn't known beforehand."""
        return f"{self.shard_of(_API_KEYS)}:api-key:{key_id}"

    def api_keys(self, tenant: str | None) -> str:
        """Set of the ids of a tenant's API keys."""
        return f"{self.shard_of(_API_KEYS)}:{_API_KEYS}:{tenant or ''}"

    def webhooks(self, tenant: str | None) -> str:
        """Hash with the webhooks of a tenant, by id."""
        return f"{self.webhooks_shard(tenant)}:webhooks:{tenant or ''}"

    def webhooks_shard(self, tenant: str | None) -> str:
        """Hash tag of the shard with the webhooks of a tenant."""
        return self.shard_of(f"webhooks:{tenant or ''}")

    def webhook_ids(self, shard: str) -> str:
        """Set with the ids of all webhooks of all tenants, for the shard's outbox."""
        return f"{shard}:webhook-ids"

    def webhooks_due(self, shard: str) -> str:
        """Sorted set of webhooks with a session's messages, scored by the next attempt."""
        return f"{shard}:webhooks-due"

    def webhook_bytes(self, shard: str) -> str:
        """Hash with the bytes of the messages that wait, by webhook id."""
        return f"{shard}:webhook-bytes"

    def webhook_queue(self, webhook_id: str, name: str) -> str:
        """List of the messages of one session that wait for one webhook, the oldest first."""
        return f"{self.shard_of(name)}:webhook-queue:{webhook_id}:{name}"

    def webhook_version(self, webhook_id: str, name: str) -> str:
        """Version of the last message that was added to that list."""
        return f"{self.shard_of(name)}:webhook-version:{webhook_id}:{name}"

    def webhook_attempts(self, shard: str, webhook_id: str) -> str:
        """Stream of the latest attempts to deliver messages to a webhook."""
        return f"{shard}:webhook-attempts:{webhook_id}"

    def presence(self, name: str, instance: str) -> str:
        """The connections of one instance to one session."""
        return f"{self.shard_of(name)}:presence:{instance}:{name}"

    def presence_instances(self, shard: str) -> str:
        """Sorted set of the instances with connections, scored by when they were last alive."""
        return f"{shard}:presence-instances"

    def presence_channel(self, name: str) -> str:
        """Channel for empty messages: the connections to one session have changed."""
        return f"{self.shard_of(name)}:presence-changed:{name}"

    @property
    def join_codes_shard(self) -> str:
        """Hash tag of the one shard of all join codes."""
        return self.shard_of(_JOIN_CODES)

    def join_code(self, letters: str) -> str:
        """Hash with an open join code. All keys of join codes are on one shard, for `guess`."""
        return f"{self.join_codes_shard}:join-code:{letters}"

    def join_requests(self, letters: str) -> str:
        """Hash of the requests that have used a join code, with the participant of each."""
        return f"{self.join_codes_shard}:join-requests:{letters}"

    def join_code_of(self, name: str) -> str:
        """The letters of a session's open join code."""
        return f"{self.join_codes_shard}:join-code-of:{name}"

    def wrong_codes(self, address: str | None = None) -> str:
        """Counter of wrong join codes that came from an address, or from all."""
        counter = f"{self.join_codes_shard}:wrong-codes"
        return counter if address is None else f"{counter}:{address}"

    def probe(self, shard: str) -> str:
        """Key written to check that the shard accepts writes."""
        return f"{shard}:probe"

    def whole(self, shard: str) -> str:
        """Marker with the epoch's name. It disappears if the shard loses its data."""
        return f"{shard}:whole"

    def recovery(self, shard: str) -> str:
        """Lease of the instance that restores lost data."""
        return f"{shard}:recovery"

    def push_channel(self, name: str) -> str:
        """Channel for the messages of one session."""
        return f"{self.shard_of(name)}:push:{name}"

    def wake_channel(self, shard: str) -> str:
        """Channel that announces a wake-up earlier than all others of the shard."""
        return f"{shard}:wake"

    def outbox_channel(self, shard: str) -> str:
        """Channel for messages about the outbox: empty if it was empty and has entries now, or
        `WEBHOOK_CREATED`."""
        return f"{shard}:outbox-filled"

    def self_check_channel(self, instance: str) -> str:
        """Channel on which an instance publishes to itself to check its subscription."""
        return f"{self.shard_of(instance)}:echo:{instance}"

    def creation_scope(self, key: str, name: str | None) -> str:
        """Scope of the idempotency key of a creation.

        It is common to all creations, unless the client chose an id on another shard. Then it is
        the session's name, because one commit can't write to two shards.
        """
        common = f"create:{key}"
        if name is None or self.shard_of(name) == self.shard_of(common):
            return common
        return name

    def new_session_id(self, scope: str | None, tenant: str | None) -> str:
        """Return a new session id on the shard of `scope`, so that one commit can write to both."""
        while True:
            session_id = str(uuid4())
            name = session_name(session_id, tenant)
            if scope is None or self.shard_of(name) == self.shard_of(scope):
                return session_id
