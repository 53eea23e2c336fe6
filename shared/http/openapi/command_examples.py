"""Examples of the bodies of all requests but creations, by the name of the operation."""

from collections.abc import Mapping

from shared.http.openapi.example import JOIN_CODE, SESSION_ID, Example

_IN_30_S = "2026-01-31T09:30:30Z"
_BEGUN = ("create:exam", "start", "begin_participant")


def _now(*before: str) -> Example:
    return Example("now", "Now", {}, before)


def _later(*before: str) -> Example:
    value = {"effective_at": _IN_30_S}
    return Example("later", "In 30 s", value, before, {"/effective_at": 30_000})


COMMANDS: Mapping[str, tuple[Example, ...]] = {
    "start": (_now(), _later()),
    "pause": (_now("start"), _later("start")),
    "resume": (_now("start", "pause"), _later("start", "pause")),
    "complete": (
        _now("start"),
        _later("start"),
        Example(
            "result",
            "Now, with the result of a game",
            {"metadata": {"result": {"winner": "ada", "by": "resignation"}}},
            ("start",),
        ),
    ),
    "cancel": (_now(),),
    "unschedule": (_now("start:later"),),
    "switch": (
        Example("next", "End the running cycle, whosever it is", {}, ("start",)),
        Example(
            "own",
            "End Ada's cycle, unless it is over already",
            {"current_participant_id": "ada"},
            ("start",),
        ),
        Example(
            "with_lag",
            "Name who comes next, when the player acted by its own clock, and its round trip",
            {
                "next_participant_id": "ben",
                "acted_at_ms": 1_769_851_805_123,
                "error_ms": 20,
                "frame_lag_ms": 38,
            },
            ("create:casual_chess", "start"),
        ),
    ),
    "go": (Example("item", "Begin an item", {"item_id": "coffee"}, ("create:meeting", "start")),),
    "adjust": (
        Example(
            "add",
            "Five minutes more for everybody",
            {"add_ms": 300_000, "to": "all", "reason": "Fire alarm"},
            ("start",),
        ),
        Example(
            "set",
            "One minute left for Ada",
            {"set_ms": 60_000, "to": {"participants": ["ada"]}},
            ("start",),
        ),
        Example(
            "group",
            "A minute less for a team",
            {"add_ms": -60_000, "to": {"groups": ["red"]}},
            ("create:teams", "start"),
        ),
        Example(
            "scaled",
            "A minute more for everybody, by each one's factor",
            {"add_ms": 60_000, "scaled": True},
            _BEGUN,
        ),
        Example(
            "reopen",
            "Go on after time ran out",
            {"add_ms": 60_000, "reopen": True},
            ("start", "forfeit"),
        ),
        Example(
            "later",
            "A minute more in 30 s",
            {"add_ms": 60_000, "effective_at": _IN_30_S},
            ("start",),
            {"/effective_at": 30_000},
        ),
    ),
    "undo": (
        Example(
            "wrong_button",
            "The turn's own time stays spent",
            {"mode": "before_switch", "reason": "Wrong button"},
            ("start", "switch"),
        ),
        Example(
            "of_a_version",
            "As if there had been no switch, only if nothing came since",
            {"mode": "as_if_never", "if_version": 3},
            ("start", "switch"),
        ),
    ),
    "update": (
        Example(
            "settings",
            "Change settings",
            {
                "metadata": {"title": "Final"},
                "warn_at_ms": [30_000],
                "action_on_timeout": {"type": "notify"},
                "participants_may_pause": True,
                "participants_may_give_ms": 60_000,
            },
        ),
        Example("starter", "Let Ben start", {"active_participant_id": "ben"}),
        Example(
            "instants",
            "Start and end later",
            {
                "start_at": "2026-01-31T10:00:00Z",
                "warn_before_start_ms": [300_000],
                "ends_at": "2026-01-31T11:00:00Z",
            },
            ("create:auction",),
            {"/start_at": 5_400_000, "/ends_at": 9_000_000},
        ),
    ),
    "read_batch": (
        Example(
            "two",
            "Two sessions, one of which may not exist",
            {"session_ids": [SESSION_ID, "0b9d6c2e-2f0c-4c55-9d55-7f0a8a3f6e01"]},
        ),
    ),
    "command_many": (
        Example(
            "named",
            "Start sessions at one instant",
            {"operation": "start", "session_ids": [SESSION_ID], "effective_at": _IN_30_S},
            instants={"/effective_at": 30_000},
        ),
        Example(
            "selected",
            "A minute more in all sessions of a club",
            {
                "operation": "adjust",
                "metadata": {"club": "north"},
                "adjust": {"add_ms": 60_000, "to": "all", "reason": "Fire alarm"},
            },
            ("create:casual_chess", "start"),
        ),
        Example(
            "reopened",
            "Go on with a minute, also where time ran out",
            {
                "operation": "adjust",
                "session_ids": [SESSION_ID],
                "adjust": {"set_ms": 60_000, "reopen": True, "scaled": False},
            },
            ("start", "forfeit"),
        ),
    ),
    "begin": (
        Example("all", "All who may", {}, ("create:exam", "start")),
        Example("some", "Some", {"participants": ["ada", "ben"]}, ("create:exam", "start")),
        Example(
            "question",
            "All who may, with the number of the question",
            {"metadata": {"purpose": "quiz_answers", "question": 2}},
            ("create:exam", "start"),
        ),
    ),
    "add_participant": (
        Example(
            "player",
            "A third player, who moves last",
            {
                "participant_id": "cleo",
                "name": "Cleo",
                "participant_index": 2,
                "total_time_ms": 180_000,
            },
        ),
        Example(
            "with_control",
            "A player with a time control of its own",
            {
                "participant_id": "cleo",
                "total_time_ms": 180_000,
                "time_control": {"increment_ms": 5_000},
            },
            ("create:handicap",),
        ),
        Example(
            "member",
            "A member of a team",
            {"participant_id": "dan", "group_id": "blue"},
            ("create:teams",),
        ),
        Example(
            "candidate",
            "A candidate of an exam",
            {
                "participant_id": "dan",
                "extra_ms": 600_000,
                "factor_permille": 1_500,
                "closes_at": "2026-01-31T11:00:00Z",
                "allow_cut": True,
            },
            ("create:exam",),
            {"/closes_at": 3_600_000},
        ),
    ),
    "update_participant": (
        Example(
            "clock",
            "Four minutes from now on, and a new name",
            {"total_time_ms": 240_000, "name": "Ada L.", "reason": "Clock was set wrong"},
        ),
        Example("retire", "Take it out of the rotation", {"is_retired": True}),
        Example(
            "periods",
            "Three overtime periods from now on",
            {"overtime_periods": 3},
            ("create:go", "start"),
        ),
    ),
    "forfeit": (Example("resign", "Resign", {"reason": "Resigned"}, ("start",)),),
    "begin_participant": (_now("create:exam", "start"),),
    "finish_participant": (_now(*_BEGUN),),
    "reopen_participant": (
        Example(
            "mistake",
            "It had not finished",
            {"reason": "Handed in by mistake"},
            (*_BEGUN, "finish_participant"),
        ),
    ),
    "pause_participant": (Example("ill", "Stop one clock", {"reason": "Ill"}, _BEGUN),),
    "resume_participant": (
        Example("well", "Let it run again", {"reason": "Well"}, (*_BEGUN, "pause_participant")),
    ),
    "simulate": (
        Example(
            "game",
            "Two switches, more time, an undo, and the result after an hour",
            {
                "operations": [
                    {
                        "after_ms": 5_000,
                        "operation": "switch",
                        "current_participant_id": "ada",
                        "acted_at_ms": 1_769_851_805_123,
                        "error_ms": 20,
                        "frame_lag_ms": 38,
                    },
                    {"after_ms": 9_000, "operation": "switch", "next_participant_id": "ada"},
                    {
                        "after_ms": 10_000,
                        "operation": "undo",
                        "mode": "turn_start",
                        "if_version": 4,
                    },
                    {"after_ms": 20_000, "operation": "adjust", "add_ms": 60_000, "to": "all"},
                    {"after_ms": 20_000, "operation": "adjust", "set_ms": 60_000},
                    {"after_ms": 30_000, "operation": "pause"},
                    {
                        "after_ms": 3_600_000,
                        "operation": "complete",
                        "metadata": {"result": "1-0"},
                    },
                ],
                "until_ms": 3_600_000,
            },
            ("start",),
        ),
        Example(
            "resignation",
            "Ada resigns, and they go on",
            {
                "operations": [
                    {
                        "after_ms": 1_000,
                        "operation": "forfeit",
                        "participant_id": "ada",
                        "reason": "Resigned",
                    },
                    {"after_ms": 2_000, "operation": "adjust", "add_ms": 60_000, "reopen": True},
                ]
            },
            ("start",),
        ),
        Example(
            "agenda",
            "Go to an item",
            {"operations": [{"after_ms": 60_000, "operation": "go", "item_id": "coffee"}]},
            ("create:meeting", "start"),
        ),
        Example(
            "exam",
            "Begin, give more time by each one's factor, finish",
            {
                "operations": [
                    {
                        "after_ms": 0,
                        "operation": "begin",
                        "participants": ["ada"],
                        "metadata": {"room": "B"},
                    },
                    {
                        "after_ms": 1_000,
                        "operation": "adjust",
                        "add_ms": 60_000,
                        "scaled": True,
                    },
                    {"after_ms": 60_000, "operation": "finish", "participant_id": "ada"},
                ]
            },
            ("create:exam", "start"),
        ),
    ),
    "advance": (
        Example("a_minute", "A minute", {"ms": 60_000}, ("create:test_game", "start")),
        Example(
            "next", "Until something happens", {"until": "next"}, ("create:test_game", "start")
        ),
        Example(
            "instant",
            "To an instant",
            {"to": "2026-01-31T09:31:00Z"},
            ("create:test_game", "start"),
            {"/to": 60_000},
        ),
    ),
    "issue_token": (
        Example(
            "player",
            "For Ada, valid for an hour",
            {"role": "participant", "participant_id": "ada", "lifetime_ms": 3_600_000},
        ),
        Example("spectator", "For somebody who watches", {"role": "spectator"}),
    ),
    "open_join_code": (
        Example(
            "watch",
            "For up to thirty people who watch, for an hour",
            {"role": "spectator", "expires_in_ms": 3_600_000, "max_uses": 30},
        ),
        Example(
            "play",
            "For participants, also for new ones with five minutes each",
            {"role": "participant", "newcomers": {"total_time_ms": 300_000}},
        ),
        Example(
            "team",
            "For new members of a team",
            {"role": "participant", "newcomers": {"group_id": "red"}},
            ("create:teams",),
        ),
    ),
    "join": (
        Example("watch", "Watch", {"code": JOIN_CODE}, ("open_join_code:watch",)),
        Example(
            "play",
            "Take part as Ada",
            {"code": JOIN_CODE, "participant_id": "ada"},
            ("open_join_code:play",),
        ),
        Example(
            "new",
            "Take part as somebody new",
            {"code": JOIN_CODE, "name": "Zoë"},
            ("open_join_code:play",),
        ),
    ),
    "create_api_key": (
        Example(
            "backend",
            "For a backend, until an instant",
            {"name": "Match server", "role": "service", "expires_at": "2026-12-31T00:00:00Z"},
            instants={"/expires_at": 86_400_000},
        ),
        Example(
            "host",
            "For what one user's sessions need",
            {"name": "Alice's tournament", "role": "host", "subject": "alice"},
        ),
    ),
    "create_webhook": (
        Example(
            "ends",
            "Clocks that ran out, and ends of sessions",
            {
                "url": "https://example.com/webhooks",
                "events": ["time.expired", "session.completed"],
            },
        ),
    ),
}
