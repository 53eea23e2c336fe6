"""State shared by all clients of a project."""

from dataclasses import dataclass, field

from infra.local.realtime.limits import Rate
from infra.local.realtime.mischief import Mischief
from infra.local.realtime.options import Options
from infra.local.realtime.policies import Policies
from infra.local.realtime.tokens import Tokens
from infra.local.realtime.topics import Topics


@dataclass
class Project:
    """The state of one project's Realtime, from start to stop."""

    options: Options
    mischief: Mischief
    policies: Policies
    tokens: Tokens = field(init=False)
    messages: Rate = field(init=False)
    joins: Rate = field(init=False)
    topics: Topics = field(default_factory=Topics)
    connections: int = 0

    def __post_init__(self) -> None:
        self.tokens = Tokens(self.options)
        self.messages = Rate(self.options.messages_per_s)
        self.joins = Rate(self.options.joins_per_s)
