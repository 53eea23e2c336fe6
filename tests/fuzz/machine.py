"""Random requests over HTTP to two instances, each compared with the specification."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any, ClassVar, NamedTuple
from uuid import uuid4

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from tests.fuzz.followed import TrackedSession
from tests.fuzz.openings import ITEMS, durations, gifts, openings, participant_ids, players, seats
from tests.resilience.linearizability.exchange import Asked, Opening, Seat, Verb
from tests.resilience.linearizability.game import Game
from tests.resilience.linearizability.runs import STEPS
from tests.resilience.linearizability.wire import answer_in, request
from tests.support.api import LIVE_FIELDS

_TRAIL_TIMEOUT_S = 30.0
_POLL_S = 0.005
_MAX_SESSIONS = 2
_LIVE_FIELDS = LIVE_FIELDS | {"overtime"}
_AHEAD_S = 55
_CHANGES_BEFORE_AN_END = 15
"""No session is ended or deleted earlier, so that most requests go to live sessions."""


class RequestOptions(NamedTuple):
    """The instance to ask, the precondition and the idempotency key of a request."""

    instance: int
    if_match: int | None
    """0: the current version, -1: the version before it."""
    key: str | None
    """`new` or `last`: a new key, or the session's last one."""


request_options = st.builds(
    RequestOptions,
    st.integers(0, 1),
    st.sampled_from((None,) * 6 + (0, -1)),
    st.sampled_from((None,) * 5 + ("new", "new", "last")),
)
plain_options = st.sampled_from((RequestOptions(0, None, None), RequestOptions(1, None, None)))


class Sessions(RuleBasedStateMachine):
    """Several sessions; after each step both instances are asked for the session last used."""

    instances: ClassVar[tuple[httpx.Client, httpx.Client]]
    sessions: Bundle[TrackedSession] = Bundle("sessions")

    def __init__(self) -> None:
        super().__init__()
        self.tracked: list[TrackedSession] = []
        self.last_used: TrackedSession | None = None
        self.changes = 0

    @precondition(lambda self: len(self.tracked) < _MAX_SESSIONS)
    @rule(
        target=sessions,
        opening=openings(),
        options=plain_options,
        is_started=st.sampled_from((True, True, False)),
    )
    def create(self, opening: Opening, options: RequestOptions, is_started: bool) -> TrackedSession:
        """`POST /v1/sessions`; most sessions are also started."""
        session = TrackedSession.of(str(uuid4()), opening)
        self.tracked.append(session)
        self._send(session, Asked(Verb.CREATE, opening=opening), options)
        if is_started:
            self._send(session, Asked(Verb.START), options)
        return session

    @precondition(lambda self: self.changes >= _CHANGES_BEFORE_AN_END)
    @rule(session=sessions, options=plain_options)
    def create_again(self, session: TrackedSession, options: RequestOptions) -> None:
        """`POST /v1/sessions` with an id that is taken, even by a deleted session."""
        self._send(session, Asked(Verb.CREATE, opening=session.opening), options)

    @rule(session=sessions, options=request_options)
    def start(self, session: TrackedSession, options: RequestOptions) -> None:
        """`POST .../start`."""
        self._send(session, Asked(Verb.START), options)

    @rule(session=sessions, options=plain_options, turns=st.integers(1, 4))
    def switch(self, session: TrackedSession, options: RequestOptions, turns: int) -> None:
        """`POST .../switch` without participants, several times in a row."""
        for _ in range(turns):
            self._send(session, Asked(Verb.SWITCH), options)

    @rule(session=sessions, options=request_options, data=st.data())
    def switch_to(
        self, session: TrackedSession, options: RequestOptions, data: st.DataObject
    ) -> None:
        """`POST .../switch` with a next and a current participant, or either, or none."""
        named = st.none() | participant_ids(session.game)
        asked = Asked(
            Verb.SWITCH,
            participant_id=data.draw(named),
            current_participant_id=data.draw(named),
        )
        self._send(session, asked, options)

    @rule(
        session=sessions,
        options=request_options,
        item_id=st.sampled_from((*ITEMS, ITEMS[0], "unknown")),
    )
    def go(self, session: TrackedSession, options: RequestOptions, item_id: str) -> None:
        """`POST .../go`."""
        self._send(session, Asked(Verb.GO, item_id=item_id), options)

    @rule(session=sessions, options=request_options)
    def pause(self, session: TrackedSession, options: RequestOptions) -> None:
        """`POST .../pause`."""
        self._send(session, Asked(Verb.PAUSE), options)

    @rule(session=sessions, options=plain_options)
    def interrupt(self, session: TrackedSession, options: RequestOptions) -> None:
        """`POST .../pause` and `resume`, so that most sessions keep running."""
        self._send(session, Asked(Verb.PAUSE), options)
        self._send(session, Asked(Verb.RESUME), options)

    @rule(session=sessions, options=request_options)
    def pause_ahead(self, session: TrackedSession, options: RequestOptions) -> None:
        """`POST .../pause` for an instant that doesn't come during the test."""
        later = datetime.now(UTC) + timedelta(seconds=_AHEAD_S)
        self._send(session, Asked(Verb.PAUSE_AHEAD, effective_at=later.isoformat()), options)

    @rule(session=sessions, options=request_options)
    def unschedule(self, session: TrackedSession, options: RequestOptions) -> None:
        """`POST .../unschedule`."""
        self._send(session, Asked(Verb.UNSCHEDULE), options)

    @rule(session=sessions, options=request_options)
    def resume(self, session: TrackedSession, options: RequestOptions) -> None:
        """`POST .../resume`."""
        self._send(session, Asked(Verb.RESUME), options)

    @rule(
        session=sessions,
        options=request_options,
        data=st.data(),
        values=st.lists(durations, min_size=1, max_size=3),
    )
    def adjust(
        self,
        session: TrackedSession,
        options: RequestOptions,
        data: st.DataObject,
        values: list[int],
    ) -> None:
        """`PATCH .../participants/{pid}`, several times in a row."""
        for value in values:
            adjusted = data.draw(participant_ids(session.game))
            asked = Asked(Verb.ADJUST, participant_id=adjusted, total_time_ms=value)
            self._send(session, asked, options)

    @rule(session=sessions, options=request_options, add_ms=gifts)
    def give(self, session: TrackedSession, options: RequestOptions, add_ms: int) -> None:
        """`POST .../adjust` for everybody; nothing is taken from short banks."""
        add_ms = abs(add_ms) if session.opening.has_time_control else add_ms
        self._send(session, Asked(Verb.GIVE, add_ms=add_ms), options)

    @precondition(lambda self: any(one.clocks.runs for one in self.tracked))
    @rule(
        session=sessions.filter(lambda one: one.clocks.runs is not None),
        options=request_options,
        verbs=st.lists(st.sampled_from([*STEPS]), min_size=1, max_size=4),
        data=st.data(),
    )
    def act_on_participants(
        self,
        session: TrackedSession,
        options: RequestOptions,
        verbs: list[Verb],
        data: st.DataObject,
    ) -> None:
        """`POST .../participants/{pid}/begin`, `finish` and so on, several in a row."""
        for verb in verbs:
            named = data.draw(participant_ids(session.game))
            self._send(session, Asked(verb, participant_id=named), options)

    @rule(session=sessions, options=request_options, player=players, data=st.data())
    def add(
        self, session: TrackedSession, options: RequestOptions, player: str, data: st.DataObject
    ) -> None:
        """`POST .../participants`."""
        newcomer: Seat = data.draw(seats(session.opening.sync_mode, player))
        self._send(session, Asked(Verb.ADD, newcomer=newcomer), options)

    @precondition(lambda self: self.changes >= _CHANGES_BEFORE_AN_END)
    @rule(
        session=sessions,
        options=request_options,
        verb=st.sampled_from((Verb.COMPLETE, Verb.CANCEL)),
    )
    def end(self, session: TrackedSession, options: RequestOptions, verb: Verb) -> None:
        """`POST .../complete` or `cancel`."""
        self._send(session, Asked(verb), options)

    @precondition(lambda self: self.changes >= _CHANGES_BEFORE_AN_END)
    @rule(session=sessions, options=request_options)
    def delete(self, session: TrackedSession, options: RequestOptions) -> None:
        """`DELETE /v1/sessions/{id}`."""
        self._send(session, Asked(Verb.DELETE), options)

    @precondition(lambda self: any(session.last_keyed for session in self.tracked))
    @rule(options=plain_options)
    def retry(self, options: RequestOptions) -> None:
        """Repeat each session's last request with an idempotency key."""
        for session in self.tracked:
            if session.last_keyed:
                self._send(session, session.last_keyed, options)

    @rule(number=st.integers(0, 1))
    def read_several(self, number: int) -> None:
        """`GET .../summary` of each; `POST .../batch` keeps the order and lists missing ids."""
        for session in self.tracked:
            self._send(session, Asked(Verb.SUMMARY), RequestOptions(number, None, None))
        ids = [session.session_id for session in self.tracked] + [str(uuid4())]
        answer = self.instances[number].post("/v1/sessions/batch", json={"session_ids": ids})
        batch = answer.json()["data"]
        existing = {session.session_id: session.version for session in self.tracked if session.game}
        found = {shown["session_id"]: shown["version"] for shown in batch["sessions"]}
        assert list(found.items()) == [(i, existing[i]) for i in ids if i in existing]
        assert batch["not_found"] == [i for i in ids if i not in existing]

    @rule(session=sessions, number=st.integers(0, 1), versions_back=st.integers(-1, 30))
    def replay(self, session: TrackedSession, number: int, versions_back: int) -> None:
        """`GET .../replay` shows each version as the answer to its change did."""
        version = session.version - versions_back
        path = f"/v1/sessions/{session.session_id}/replay"
        answer = self.instances[number].get(path, params={"version": version})
        if not 1 <= version <= session.version or session.answers[version - 1] is None:
            assert answer.status_code == (404 if version >= 1 else 400)
            return
        answered, shown = session.answers[version - 1], answer.json()["data"]
        assert answer.headers["ETag"] == f'"{version}"'
        assert {name: shown[name] for name in answered} == answered

    @invariant()
    def both_instances_show_the_same(self) -> None:
        """Both instances show the same session, with the expected clocks."""
        session = self.last_used
        if session is None:
            return
        reads = [self._read(session, number) for number in (0, 1)]
        if session.game and reads[0]:
            for read in reads:
                session.clocks.check(session.game, read)
        assert _without_times(reads[0]) == _without_times(reads[1])

    def teardown(self) -> None:
        """Check that the trail has one event for each version, in order."""
        for session in self.tracked:
            recorded = [(e["event"], e["request_id"]) for e in self._trail(session)]
            assert recorded == session.events

    def _send(self, session: TrackedSession, asked: Asked, options: RequestOptions) -> None:
        """Send the request; compare the answer, and the session after a change, with the model."""
        self.last_used, before = session, session.game
        asked = _with_options(session, asked, options)
        expected = session.apply(asked)
        sent = request(self.instances[options.instance], session.session_id, asked)
        sent.headers["X-Request-Id"] = request_id = str(uuid4())
        response = self.instances[options.instance].send(sent)
        seen = answer_in(response)
        assert expected.allows(seen), f"{asked}: {expected}, not {seen}"
        if session.game == before:
            return
        self.changes += 1
        session.record_change(
            asked, request_id, response.json()["data"] if response.content else None
        )
        if session.game:
            assert session.game.version == session.version
            session.record_times(asked, before, self._read(session, options.instance))

    def _read(self, session: TrackedSession, number: int) -> Any:
        """Return `GET /v1/sessions/{id}`, after comparing it with the model."""
        asked = Asked(Verb.READ)
        http = self.instances[number]
        response = http.send(request(http, session.session_id, asked))
        assert session.apply(asked).allows(answer_in(response))
        return response.json()["data"] if session.game else None

    def _trail(self, session: TrackedSession) -> list[Any]:
        """Return the audit trail once it has an event for each version."""
        instances = cycle(self.instances)
        deadline = time.monotonic() + _TRAIL_TIMEOUT_S
        while True:
            answer = next(instances).get(f"/v1/sessions/{session.session_id}/events")
            events: list[Any] = answer.json()["data"]["events"]
            if len(events) >= session.version or time.monotonic() > deadline:
                assert [e["version"] for e in events] == list(range(1, session.version + 1))
                return events
            time.sleep(_POLL_S)


def _with_options(session: TrackedSession, asked: Asked, options: RequestOptions) -> Asked:
    """Return `asked` with the precondition and key of `options`."""
    game: Game | None = session.game
    if options.if_match is not None and game:
        asked = replace(asked, if_match=max(1, game.version + options.if_match))
    if options.key == "new":
        return replace(asked, key=str(uuid4()))
    return (
        replace(asked, key=session.last_keyed.key) if options.key and session.last_keyed else asked
    )


def _without_times(shown: Any) -> Any:
    """Return `shown` without the fields that change with time."""
    match shown:
        case dict():
            return {k: _without_times(v) for k, v in shown.items() if k not in _LIVE_FIELDS}
        case list():
            return [_without_times(item) for item in shown]
        case _:
            return shown
