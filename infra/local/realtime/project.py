"""State shared by all clients of a project."""

from dataclasses import dataclass, field

from infra.local.realtime.faults import Faults
from infra.local.realtime.limits import RateLimiter
from infra.local.realtime.options import RealtimeOptions
from infra.local.realtime.policies import Policies
from infra.local.realtime.tokens import TokenVerifier
from infra.local.realtime.topics import TopicRegistry


@dataclass
class ProjectState:
    """The state of one project's Realtime, from start to stop."""

    options: RealtimeOptions
    mischief: Faults
    policies: Policies
    tokens: TokenVerifier = field(init=False)
    messages: RateLimiter = field(init=False)
    joins: RateLimiter = field(init=False)
    topics: TopicRegistry = field(default_factory=TopicRegistry)
    connections: int = 0

    def __post_init__(self) -> None:
        self.tokens = TokenVerifier(self.options)
        self.messages = RateLimiter(self.options.messages_per_s)
        self.joins = RateLimiter(self.options.joins_per_s)
