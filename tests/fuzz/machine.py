"""Random games over HTTP on two instances, each step held against a plain model."""

import time
from dataclasses import replace
from itertools import cycle
from typing import Any, ClassVar, NamedTuple
from uuid import uuid4

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from tests.fuzz.followed import Followed
from tests.fuzz.openings import anyone, openings, players, seated, spans
from tests.resilience.linearizability.exchange import Asked, Opening, Seat, Verb
from tests.resilience.linearizability.game import Game
from tests.resilience.linearizability.wire import answer_in, request

_PATIENCE_S = 5.0
_POLL_S = 0.005
_MOST_SESSIONS = 2
_CHANGES_BEFORE_AN_END = 15
"""So that most of what is tried is tried on sessions that live."""
_LIVE = {"server_time_ms", "time_remaining_ms", "time_used_ms"}


class How(NamedTuple):
    """Which instance is asked, for which version, and as which try."""

    instance: int
    if_match: int | None
    """0 for the version that is current, -1 for the one before it."""
    key: str | None
    """`new` or `last`."""


hows = st.builds(
    How,
    st.integers(0, 1),
    st.sampled_from((None,) * 6 + (0, -1)),
    st.sampled_from((None,) * 5 + ("new", "new", "last")),
)
plain = st.sampled_from((How(0, None, None), How(1, None, None)))


class Sessions(RuleBasedStateMachine):
    """Several sessions; whichever was touched last is looked at from both sides after each step."""

    instances: ClassVar[tuple[httpx.Client, httpx.Client]]
    sessions: Bundle[Followed] = Bundle("sessions")

    def __init__(self) -> None:
        super().__init__()
        self.followed: list[Followed] = []
        self.touched: Followed | None = None
        self.changes = 0

    @precondition(lambda self: len(self.followed) < _MOST_SESSIONS)
    @rule(
        target=sessions,
        opening=openings(),
        how=plain,
        is_started=st.sampled_from((True, True, False)),
    )
    def create(self, opening: Opening, how: How, is_started: bool) -> Followed:
        """`POST /v1/sessions`; most are started at once, so that many run."""
        one = Followed.of(str(uuid4()), opening)
        self.followed.append(one)
        self._ask(one, Asked(Verb.CREATE, opening=opening), how)
        if is_started:
            self._ask(one, Asked(Verb.START), how)
        return one

    @precondition(lambda self: self.changes >= _CHANGES_BEFORE_AN_END)
    @rule(one=sessions, how=plain)
    def create_again(self, one: Followed, how: How) -> None:
        """The id is taken, whatever has become of it."""
        self._ask(one, Asked(Verb.CREATE, opening=one.opening), how)

    @rule(one=sessions, how=hows)
    def start(self, one: Followed, how: How) -> None:
        """`POST .../start`."""
        self._ask(one, Asked(Verb.START), how)

    @rule(one=sessions, how=plain, turns=st.integers(1, 4))
    def switch(self, one: Followed, how: How, turns: int) -> None:
        """`POST .../switch` without a body, some times in a row."""
        for _ in range(turns):
            self._ask(one, Asked(Verb.SWITCH), how)

    @rule(one=sessions, how=hows, data=st.data())
    def switch_to(self, one: Followed, how: How, data: st.DataObject) -> None:
        """`POST .../switch` with one."""
        named = st.none() | anyone(one.game)
        asked = Asked(
            Verb.SWITCH,
            participant_id=data.draw(named),
            current_participant_id=data.draw(named),
        )
        self._ask(one, asked, how)

    @rule(one=sessions, how=hows)
    def pause(self, one: Followed, how: How) -> None:
        """`POST .../pause`."""
        self._ask(one, Asked(Verb.PAUSE), how)

    @rule(one=sessions, how=plain)
    def interrupt(self, one: Followed, how: How) -> None:
        """Both of these, so that a session is not long without a clock that runs."""
        self._ask(one, Asked(Verb.PAUSE), how)
        self._ask(one, Asked(Verb.RESUME), how)

    @rule(one=sessions, how=hows)
    def resume(self, one: Followed, how: How) -> None:
        """`POST .../resume`."""
        self._ask(one, Asked(Verb.RESUME), how)

    @rule(one=sessions, how=hows, data=st.data(), values=st.lists(spans, min_size=1, max_size=3))
    def adjust(self, one: Followed, how: How, data: st.DataObject, values: list[int]) -> None:
        """`PATCH .../participants/{pid}`, some times in a row."""
        for value in values:
            adjusted = data.draw(anyone(one.game))
            asked = Asked(Verb.ADJUST, participant_id=adjusted, total_time_ms=value)
            self._ask(one, asked, how)

    @rule(one=sessions, how=hows, player=players, data=st.data())
    def add(self, one: Followed, how: How, player: str, data: st.DataObject) -> None:
        """`POST .../participants`."""
        newcomer: Seat = data.draw(seated(one.opening.sync_mode, player))
        self._ask(one, Asked(Verb.ADD, newcomer=newcomer), how)

    @precondition(lambda self: self.changes >= _CHANGES_BEFORE_AN_END)
    @rule(one=sessions, how=hows, verb=st.sampled_from((Verb.COMPLETE, Verb.CANCEL)))
    def end(self, one: Followed, how: How, verb: Verb) -> None:
        """`POST .../complete` or `cancel`."""
        self._ask(one, Asked(verb), how)

    @precondition(lambda self: self.changes >= _CHANGES_BEFORE_AN_END)
    @rule(one=sessions, how=hows)
    def delete(self, one: Followed, how: How) -> None:
        """`DELETE /v1/sessions/{id}`."""
        self._ask(one, Asked(Verb.DELETE), how)

    @precondition(lambda self: any(one.keyed for one in self.followed))
    @rule(how=plain)
    def try_again(self, how: How) -> None:
        """The last request with an idempotency key, once more."""
        for one in self.followed:
            if one.keyed:
                self._ask(one, one.keyed, how)

    @rule(number=st.integers(0, 1))
    def look_around(self, number: int) -> None:
        """`GET .../summary` of each; `POST .../batch`: in the order asked for, what is not there
        apart."""
        for one in self.followed:
            self._ask(one, Asked(Verb.SUMMARY), How(number, None, None))
        names = [one.session_id for one in self.followed] + [str(uuid4())]
        answer = self.instances[number].post("/v1/sessions/batch", json={"session_ids": names})
        batch = answer.json()["data"]
        there = {one.session_id: one.version for one in self.followed if one.game}
        found = {session["session_id"]: session["version"] for session in batch["sessions"]}
        assert list(found.items()) == [(name, there[name]) for name in names if name in there]
        assert batch["not_found"] == [name for name in names if name not in there]

    @rule(one=sessions, number=st.integers(0, 1), back=st.integers(-1, 30))
    def replay(self, one: Followed, number: int, back: int) -> None:
        """`GET .../replay`: each version as it was answered when it was made."""
        version = one.version - back
        path = f"/v1/sessions/{one.session_id}/replay"
        answer = self.instances[number].get(path, params={"version": version})
        if not 1 <= version <= one.version or one.answered[version - 1] is None:
            assert answer.status_code == (404 if version >= 1 else 400)
            return
        answered, shown = one.answered[version - 1], answer.json()["data"]
        assert answer.headers["ETag"] == f'"{version}"'
        assert {name: shown[name] for name in answered} == answered

    @invariant()
    def both_instances_show_the_same(self) -> None:
        """And every clock what the account says."""
        one = self.touched
        if one is None:
            return
        reads = [self._read(one, number) for number in (0, 1)]
        if one.game and reads[0]:
            for read in reads:
                one.account.check(one.game, read)
        assert _timeless(reads[0]) == _timeless(reads[1])

    def teardown(self) -> None:
        """Each version has one audit event, and they are in order."""
        for one in self.followed:
            told = [(e["event"], e["request_id"]) for e in self._trail(one)]
            assert told == one.events

    def _ask(self, one: Followed, asked: Asked, how: How) -> None:
        """Ask, and hold the answer and what it left against the model."""
        self.touched, before = one, one.game
        asked = _as_asked(one, asked, how)
        expected = one.take(asked)
        sent = request(self.instances[how.instance], one.session_id, asked)
        sent.headers["X-Request-Id"] = request_id = str(uuid4())
        response = self.instances[how.instance].send(sent)
        seen = answer_in(response)
        assert expected.allows(seen), f"{asked}: {expected}, not {seen}"
        if one.game == before:
            return
        self.changes += 1
        one.note(asked, request_id, response.json()["data"] if response.content else None)
        if one.game:
            assert one.game.version == one.version
            one.enter(asked, before, self._read(one, how.instance))

    def _read(self, one: Followed, number: int) -> Any:
        """What `GET /v1/sessions/{id}` shows, which must be what the model has."""
        asked = Asked(Verb.READ)
        http = self.instances[number]
        response = http.send(request(http, one.session_id, asked))
        assert one.take(asked).allows(answer_in(response))
        return response.json()["data"] if one.game else None

    def _trail(self, one: Followed) -> list[Any]:
        """The audit trail, once it is as long as it must become."""
        instances = cycle(self.instances)
        give_up = time.monotonic() + _PATIENCE_S
        while True:
            answer = next(instances).get(f"/v1/sessions/{one.session_id}/events")
            events: list[Any] = answer.json()["data"]["events"]
            if len(events) >= one.version or time.monotonic() > give_up:
                assert [e["version"] for e in events] == list(range(1, one.version + 1))
                return events
            time.sleep(_POLL_S)


def _as_asked(one: Followed, asked: Asked, how: How) -> Asked:
    """`asked`, on condition and under a key as `how` says."""
    game: Game | None = one.game
    if how.if_match is not None and game:
        asked = replace(asked, if_match=max(1, game.version + how.if_match))
    if how.key == "new":
        return replace(asked, key=str(uuid4()))
    return replace(asked, key=one.keyed.key) if how.key and one.keyed else asked


def _timeless(shown: Any) -> Any:
    """`shown` without what differs from one instant to the next."""
    match shown:
        case dict():
            return {k: _timeless(v) for k, v in shown.items() if k not in _LIVE}
        case list():
            return [_timeless(one) for one in shown]
        case _:
            return shown
