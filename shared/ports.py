"""What the service needs from the outside world, named by that need.

A port promises nothing that plain HTTP couldn't do: no watched keys, no blocking calls, no state
of a connection. Errors of the outside world come as `StoreUnavailable`.
"""

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Literal, Protocol

from shared.domain.events import Change, Expiry
from shared.domain.frozen import dataclass
from shared.domain.session import Session
from shared.domain.units import Instant, Millis

Revision = str
"""Names one write of a session: the operation id of the commit that made it."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A session as the store holds it."""

    session: Session
    revision: Revision


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it was sent: HTTP status, the version it names, and the JSON body."""

    status: int
    body: bytes
    version: int | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A caller's `Idempotency-Key` within its `scope`, and the `fingerprint` of its request."""

    scope: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """What is kept of an idempotent request, so that its first answer can be given again.

    `fingerprint` is the request's. It left `version` of the session `name` (None: of the session
    that was asked for), or no session (`version` is None). The answer showed it as it stood `at`;
    `expiry` tells of the clock that a switch ended. `entry_id` is where the audit entry of that
    version waits, or waited. `session` is that version itself, where it is kept here.
    `answer` is the whole answer, as version 2.0.0 recorded it; then nothing else counts.
    """

    fingerprint: str
    name: str | None = None
    version: int | None = None
    at: Instant = Instant(0)
    expiry: Expiry | None = None
    entry_id: str = ""
    session: Session | None = None
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class OwnerLimits:
    """The most that one owner may hold; None for any amount.

    `sessions` that are live, `bytes` in the store, and the `load` of all its running sessions, in
    the units of `shared.domain.load`; `written` is the most bytes of its sessions and of their
    audit entries that are written in one minute.
    """

    sessions: int | None = None
    bytes: int | None = None
    load: int | None = None
    written: int | None = None


UNLIMITED = OwnerLimits()


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` (1 or more) of what is counted under the name `counter` within `window_ms`.

    The window slides, as nearly as a counter can tell that doesn't remember each instant.
    """

    counter: str
    most: int
    window_ms: Millis


@dataclass(frozen=True, slots=True)
class Quota:
    """How a limit stands once one more was asked for; what exceeds it is not counted.

    `frees_in_ms` is how long it takes until one more fits, or, where one still does, until the
    present window has passed.
    """

    limit: Limit
    is_exceeded: bool
    remaining: int
    frees_in_ms: Millis


Epoch = tuple[str, Hashable]
"""Names the time in which a shard has lost nothing, and the connection by which it was asked.

The name is lost together with the shard's data. The connection is another one after another server
has taken over, which may lack the last changes that its predecessor acknowledged.
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """One load: the store's time, the session if there is one, the answer given before if any.

    `is_deleted` tells a session that was deleted from one that the store doesn't know of.
    `alarm_at` is when the alarm that was last set for it goes off, or went. `quotas` are those of
    the limits that were to be counted; there are none where the store could not count. `epoch` is
    that of the session's shard, where it was asked for and is known.
    """

    now: Instant
    stored: Stored | None
    recorded: RecordedAnswer | None = None
    is_deleted: bool = False
    alarm_at: Instant | None = None
    quotas: tuple[Quota, ...] = ()
    epoch: Epoch | None = None


@dataclass(frozen=True, slots=True)
class LoadedMany:
    """Several sessions, in the order asked for, all at the time `now`."""

    now: Instant
    sessions: list[Loaded]
    quotas: tuple[Quota, ...] = ()


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asked for a change, in which request; for the audit trail."""

    actor: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """Everything that one accepted change writes, in one atomic step.

    `name` is the session's (`Session.name`), `expected` the revision it builds on (None: no such
    session yet), `session` what is stored from now on (None: only that there was one);
    `operation_id` makes a repeated commit harmless.
    A session that is over has no `wake_at`; a live one has at least the instant at which it will
    be forgotten. `alarm_at` is when something next happens in it of itself, if anything does.
    What is stored counts for the session's `owner`, with the `load` of the session. A commit that
    adds to it is refused where more than `owner_may_hold` would be held with it.
    With a `key` a record of the answer is written too.
    """

    name: str
    expected: Revision | None
    operation_id: str
    session: Session | None
    retention_ms: Millis
    wake_at: Instant | None
    now: Instant
    alarm_at: Instant | None = None
    changes: Sequence[Change] = ()
    origin: Origin = Origin("system")
    pushes: Sequence[bytes] = ()
    key: IdempotencyKey | None = None
    owner: str | None = None
    owner_may_hold: OwnerLimits = UNLIMITED
    load: int = 0


@dataclass(frozen=True, slots=True)
class Committed:
    """It was written, now or by an earlier try of the same commit."""


@dataclass(frozen=True, slots=True)
class AnsweredBefore:
    """Another request with the same idempotency key was faster; nothing was written."""

    recorded: RecordedAnswer


@dataclass(frozen=True, slots=True)
class Superseded:
    """The session is no longer what the commit builds on; nothing was written."""

    stored: Stored | None


@dataclass(frozen=True, slots=True)
class OwnerHoldsEnough:
    """The owner would hold more `of` that than it may, or have more written; nothing was."""

    of: Literal["sessions", "bytes", "load", "written"]


CommitResult = Committed | AnsweredBefore | Superseded | OwnerHoldsEnough


@dataclass(frozen=True, slots=True)
class Wakeup:
    """When the session of that name must next be looked at, though nobody asks."""

    name: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Agenda:
    """The earliest wake-ups of one shard, soonest first, and its time when they were read."""

    now: Instant
    wakeups: tuple[Wakeup, ...]


@dataclass(frozen=True, slots=True)
class Census:
    """How many sessions are live, and how the outbox stands.

    `outbox_age_ms` is how long the oldest audit entry has waited, 0 where none waits, and
    `oldest_at` since when.
    """

    live_sessions: int
    outbox_length: int
    outbox_age_ms: Millis
    dead_letters: int
    oldest_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What others must be told of a session: of an alarm to set, of an outbox to be emptied.

    `pushes` are the messages for those who follow it, in order.
    """

    name: str
    alarm_at: Instant | None = None
    fills_outbox: bool = False
    pushes: Sequence[bytes] = ()


class Announcer(Protocol):
    """Tells those who can't listen to the store."""

    async def announce(self, news: News) -> None:
        """Pass it on, in bounded time. Never fails: what it is of has happened."""


class SessionStore(Protocol):
    """Where sessions live between two requests."""

    def creation_scope(self, key: str, name: str | None) -> str:
        """The scope of `key` for a creation: one for all, where the store can commit that."""

    def new_session_id(self, scope: str | None, tenant: str | None) -> str:
        """A fresh id, of a session that can be committed with an idempotency key of `scope`."""

    async def load(
        self,
        name: str,
        key: IdempotencyKey | None = None,
        limits: Sequence[Limit] = (),
        *,
        with_epoch: bool = False,
    ) -> Loaded:
        """The session, the recorded answer for `key` and the time, in one round trip.

        One more is counted for each of `limits` on the way; `with_epoch` also reads the epoch.
        """

    async def load_many(self, names: Sequence[str], limits: Sequence[Limit] = ()) -> LoadedMany:
        """Several sessions, in one round trip, in which one more is counted for each limit."""

    async def commit(self, commit: Commit) -> CommitResult:
        """Write all of `commit` or nothing, in one round trip."""

    async def remember(self, key: IdempotencyKey, record: bytes) -> bytes:
        """Keep `record` under `key` for 24 h unless one is kept already; returns the one that is.

        For requests that change no session and so have no commit. One round trip.
        """

    async def agendas(self, limit: int) -> list[Agenda]:
        """The next wake-ups, at most `limit` of each shard, for each shard that can be reached.

        Raises `StoreUnavailable` where none can.
        """

    async def claim(self, wakeups: Sequence[Wakeup], until: Instant) -> list[Wakeup]:
        """Put those off to `until` that still stand as given; returns them: they are ours."""

    async def release(self, claimed: Wakeup, at: Instant | None) -> None:
        """Set a claimed wake-up that led to no commit to `at`, or drop it (None)."""

    async def rearm(self, rung: Wakeup, at: Instant) -> None:
        """Set an alarm for `at` in place of the one that has gone off, unless another is set."""

    async def census(self) -> Census:
        """Figures for the metrics."""

    async def time(self) -> Instant:
        """The store's time, which is the only time there is."""


class Memory(Protocol):
    """Whether the shards of the store still know all that they were told."""

    def shard_of(self, name: str) -> str:
        """The shard that the session of that name is on."""

    async def lost(self) -> list[str]:
        """The shards that have lost what they knew since the last recovery, or are new.

        Those that can't be reached are not among them. Raises `StoreUnavailable` where none can.
        """

    async def begin_recovery(self, by: str, shards: Collection[str]) -> list[str]:
        """Those of `shards` on which `by` may bring back what was lost; to be asked again while it
        goes on.

        Others wait meanwhile, but not for one from whom nothing is heard.
        """

    async def end_recovery(self, by: str, shards: Collection[str]) -> None:
        """Call `shards` whole, unless one lost its memory again since `by` began.

        A new epoch begins.
        """

    async def epochs(self) -> Mapping[str, Epoch]:
        """The epoch of each shard; those that have lost their memory are left out, and all where
        it can't be told when another server takes over. Raises `StoreUnavailable`."""
