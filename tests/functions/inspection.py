"""What has become of sessions, seen in the store and in the queues themselves.

Asking an endpoint would not do: it does what is due before it answers.
"""

from dataclasses import dataclass
from uuid import uuid4

from redis import Redis

from shared.alarms.sqs import decode_alarm
from shared.domain.frozen import replace
from shared.domain.session import Session
from shared.domain.timekeeping import next_wakeup
from shared.domain.units import Instant
from shared.ports import Wakeup
from shared.snapshot import decode_session, encode_session
from shared.store.keys import Keys
from tests.functions.lambda_process import Process
from tests.functions.moto_aws import LocalAws, Sent

_KEYS = Keys()


@dataclass(frozen=True, slots=True)
class Story:
    """The sessions of one process."""

    process: Process
    redis: Redis
    aws: LocalAws

    def session(self, session_id: str) -> Session:
        """The session as it is stored."""
        state = self.redis.hget(_KEYS.session(session_id), "state")
        assert isinstance(state, bytes)
        return decode_session(state)

    def wakes_at(self, session_id: str) -> Instant:
        """When something happens next in the session of itself."""
        at = next_wakeup(self.session(session_id))
        assert at is not None
        return at

    def copies(self, session_id: str, count: int) -> list[str]:
        """The ids of sessions that are exactly like this one, and wake when it does."""
        original = self.session(session_id)
        ids = [str(uuid4()) for _ in range(count)]
        for copy in ids:
            state = encode_session(replace(original, session_id=copy))
            self.redis.hset(_KEYS.session(copy), mapping={"operations": "0" * 16, "state": state})
        wakes = dict.fromkeys(ids, self.wakes_at(session_id))
        self.redis.zadd(_KEYS.deadlines(_KEYS.shard_of(session_id)), wakes)
        return ids

    def forget_alarms(self) -> None:
        """As if no message had ever been sent."""
        self.aws.clear(self._alarm_queue_url)

    @property
    def alarms(self) -> list[tuple[Wakeup, int]]:
        """Each alarm that was sent, and the seconds for which it is held back."""
        sent = self.aws.sent_to(self._alarm_queue_url)
        return [(decode_alarm(message.body), message.delay_s) for message in sent]

    @property
    def nudges(self) -> list[Sent]:
        """Each message that says that the outbox is not empty any more."""
        url = self.process.instance.settings.audit_queue_url
        assert url
        return self.aws.sent_to(url)

    @property
    def _alarm_queue_url(self) -> str:
        url = self.process.instance.settings.alarm_queue_url
        assert url
        return url
