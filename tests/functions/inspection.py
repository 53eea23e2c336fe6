"""Reads sessions and messages directly from the store and the queues.

An endpoint would apply due timeouts before it responds.
"""

from dataclasses import dataclass
from uuid import uuid4

from redis import Redis

from shared.application.ports.session_store import Wakeup
from shared.application.session_encoding import decode_session, encode_session
from shared.aws.sqs import decode_alarm
from shared.domain.session import Session
from shared.domain.timekeeping import next_wakeup
from shared.domain.units import Instant
from shared.domain.values import replace
from shared.store.keys import StoreKeys
from tests.functions.lambda_process import LambdaProcess
from tests.functions.moto_aws import LocalAws, SentMessage

_KEYS = StoreKeys()


@dataclass(frozen=True, slots=True)
class Inspector:
    """Access to the sessions and messages of one process."""

    process: LambdaProcess
    redis: Redis
    aws: LocalAws

    def session(self, session_id: str) -> Session:
        """Return the stored session."""
        state = self.redis.hget(_KEYS.session(session_id), "state")
        assert isinstance(state, bytes)
        return decode_session(state)

    def next_wakeup_at(self, session_id: str) -> Instant:
        """Return the instant of the session's next timeout or warning."""
        at = next_wakeup(self.session(session_id))
        assert at is not None
        return at

    def add_copies(self, session_id: str, count: int) -> list[str]:
        """Store `count` copies of a session with the same deadline; return their ids."""
        original = self.session(session_id)
        ids = [str(uuid4()) for _ in range(count)]
        for copy in ids:
            state = encode_session(replace(original, session_id=copy))
            self.redis.hset(_KEYS.session(copy), mapping={"operations": "0" * 16, "state": state})
        deadlines = dict.fromkeys(ids, self.next_wakeup_at(session_id))
        self.redis.zadd(_KEYS.deadlines(_KEYS.shard_of(session_id)), deadlines)
        return ids

    def clear_alarms(self) -> None:
        """Delete all messages of the alarm queue."""
        self.aws.clear(self._alarm_queue_url)

    @property
    def alarms(self) -> list[tuple[Wakeup, int]]:
        """Alarms sent, each with its delay in seconds."""
        sent = self.aws.messages_in(self._alarm_queue_url)
        return [(decode_alarm(message.body), message.delay_s) for message in sent]

    @property
    def audit_triggers(self) -> list[SentMessage]:
        """Messages sent to start the audit worker."""
        url = self.process.instance.settings.audit_queue_url
        assert url
        return self.aws.messages_in(url)

    @property
    def _alarm_queue_url(self) -> str:
        url = self.process.instance.settings.alarm_queue_url
        assert url
        return url
