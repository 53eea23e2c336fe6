"""Random sessions of `individual` and commands at random instants, as Hypothesis strategies."""

from hypothesis import strategies as st

from shared.domain import commands as c
from shared.domain.individual_clock import Allowance, Begins, IndividualSettings
from shared.domain.session import SyncMode
from shared.domain.units import Instant, Millis
from tests.unit.domain.random_games import (
    RandomSession,
    TimedCommand,
    additions,
    aims,
    names,
    spans,
    starts,
    thresholds,
)

PEOPLE = ("p0", "P0", "a/b", "p5")
CREATED_AT = Instant(1_760_000_000_123)

people = st.sampled_from(PEOPLE)
closing_times = st.none() | st.integers(1_000, 60_000).map(lambda ms: Instant(CREATED_AT + ms))


@st.composite
def allowances(draw: st.DrawFn, *, has_limit: bool) -> Allowance:
    closes_at = draw(closing_times)
    if not has_limit:
        return Allowance(closes_at=closes_at)
    extra = draw(st.sampled_from((0, 1, 5_000)).map(Millis))
    return Allowance(extra, draw(st.integers(1_000, 4_000)), closes_at)


@st.composite
def openings(draw: st.DrawFn) -> c.Create:
    total = draw(st.none() | spans)
    present = draw(st.lists(people, min_size=1, unique=True))
    settings = st.builds(
        IndividualSettings,
        st.sampled_from(Begins),
        closing_times,
        st.sampled_from((0, 1, 3_000)).map(Millis),
        st.booleans(),
    )
    return c.Create(
        session_id="session",
        sync_mode=SyncMode.INDIVIDUAL,
        participants=tuple(
            c.NewParticipant(name, allowance=draw(allowances(has_limit=total is not None)))
            for name in present
        ),
        total_time_ms=total,
        warn_at_ms=draw(thresholds),
        individual=draw(settings),
        allow_cut=True,
    )


targets = st.just(c.EVERY_CLOCK) | st.builds(
    c.ClockTarget, participants=st.lists(people, min_size=1, max_size=2, unique=True).map(tuple)
)
gifts = st.builds(c.AdjustClocks, targets, add_ms=additions, scaled=st.booleans())
sets = st.builds(c.AdjustClocks, targets, set_ms=spans)
begins = st.builds(
    c.BeginParticipants, st.lists(people, max_size=2, unique=True).map(tuple)
) | st.builds(lambda name: c.BeginParticipants((name,)), people)
own_commands: st.SearchStrategy[c.Command] = st.one_of(
    begins,
    begins,
    st.builds(c.FinishParticipant, people),
    st.builds(c.PauseParticipant, people),
    st.builds(c.ResumeParticipant, people),
    st.builds(c.Forfeit, people),
)
reopenings = st.builds(c.ReopenParticipant, people)
shared_commands: st.SearchStrategy[c.Command] = st.one_of(
    st.sampled_from((c.Pause(), c.Resume(), c.Resume())),
    gifts,
    sets,
    st.builds(c.AdjustTime, people, spans),
    st.builds(c.AddParticipant, st.builds(c.NewParticipant, names), st.just(value=True)),
    st.builds(c.RemoveParticipant, people),
    st.sampled_from((c.Start(), c.Complete(), c.Cancel(), c.Switch())),
)


def random_sessions(*, can_reopen: bool = True) -> st.SearchStrategy[RandomSession]:
    """Started sessions with up to 20 commands."""
    commands = st.one_of(own_commands, own_commands, shared_commands)
    if can_reopen:
        commands |= reopenings
    gaps = st.integers(0, 3_000) | st.integers(0, 15_000)
    moves = st.lists(st.builds(TimedCommand, gaps, aims, commands), max_size=20)
    return st.builds(
        RandomSession,
        openings(),
        st.just(CREATED_AT),
        st.builds(lambda first, rest: [first, *rest], starts, moves),
    )
