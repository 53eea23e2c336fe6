"""Examples of creations: one for each kind of session, with each field at least once."""

from typing import Any

from shared.http.openapi.example import SESSION_ID, Example

_HOUR = 3_600_000
_MINUTE = 60_000


def _player(name: str, total_time_ms: int | None = 180_000, **more: Any) -> dict[str, Any]:
    player = {"participant_id": name.lower(), "name": name, **more}
    return player if total_time_ms is None else {**player, "total_time_ms": total_time_ms}


def _players(total_time_ms: int | None = 180_000) -> list[dict[str, Any]]:
    return [_player("Ada", total_time_ms), _player("Ben", total_time_ms)]


def _timed(name: str, summary: str, total_time_ms: int, control: Any) -> Example:
    """Return an example with a time control."""
    return Example(
        name,
        summary,
        {
            "sync_mode": "per_participant",
            "participants": _players(total_time_ms),
            "time_control": control,
        },
    )


CREATIONS = (
    Example(
        "chess",
        "Chess, 3 minutes and 2 s a move",
        {
            "sync_mode": "per_participant",
            "participants": _players(),
            "increment_ms": 2_000,
            "action_on_timeout": {"type": "end_session", "winner_by": "time"},
        },
    ),
    Example(
        "casual_chess",
        "Chess with settings: who starts, warnings, gifts of time, lag compensation",
        {
            "sync_mode": "per_participant",
            "participants": [
                _player("Ada", participant_index=1),
                _player("Ben", participant_index=0),
            ],
            "active_participant_id": "ada",
            "warn_at_ms": [60_000, 10_000],
            "participants_may_pause": True,
            "participants_may_give_ms": 15_000,
            "lag": {"gain_ms": 100},
            "metadata": {"title": "Friday chess", "club": "north"},
        },
    ),
    Example(
        "chess_by_name",
        "Chess with a named time control",
        {
            "sync_mode": "per_participant",
            "participants": _players(None),
            "time_control": "fide_classical_90+30",
        },
    ),
    _timed(
        "chess_in_stages",
        "40 moves in 90 minutes, then 30 minutes, 30 s a move from the first on",
        90 * _MINUTE,
        {
            "increment_ms": 30_000,
            "first_turn": True,
            "stages": [{"after_turns": 40, "add_ms": 30 * _MINUTE, "increment_ms": 30_000}],
        },
    ),
    _timed(
        "correspondence",
        "Three days a move, never more; the first move within a day starts the clock",
        72 * _HOUR,
        {
            "increment_ms": 72 * _HOUR,
            "max_bank_ms": 72 * _HOUR,
            "start_on": "first_turn",
            "first_turn_within_ms": 24 * _HOUR,
        },
    ),
    _timed("us_chess", "US chess with a delay of 5 s", _HOUR, {"delay_ms": 5_000}),
    _timed("bronstein", "Bronstein: up to 10 s come back", _HOUR, {"give_back_ms": 10_000}),
    _timed(
        "hourglass", "Hourglass: one's time used is the other's gain", _MINUTE, {"hourglass": True}
    ),
    _timed(
        "go",
        "Go, 10 minutes and 5 periods of 30 s",
        10 * _MINUTE,
        {"overtime": {"period_ms": 30_000, "periods": 5}},
    ),
    _timed(
        "poker",
        "Poker, 30 s and a time bank of 2 minutes",
        30_000,
        {"overtime": {"extra_ms": 120_000}},
    ),
    Example(
        "handicap",
        "A time control of one's own: Ada gets 5 s a move, Ben none",
        {
            "sync_mode": "per_participant",
            "participants": [
                _player("Ada", time_control={"increment_ms": 5_000}),
                _player("Ben", time_control={}),
            ],
        },
    ),
    Example(
        "teams",
        "Two teams, each with one bank",
        {
            "sync_mode": "per_group",
            "participants": [
                _player("Ada", None, group_id="red"),
                _player("Ben", None, group_id="blue"),
                _player("Cleo", None, group_id="red"),
            ],
            "groups": [
                {"group_id": "red", "name": "Red", "total_time_ms": 10 * _MINUTE},
                {
                    "group_id": "blue",
                    "name": "Blue",
                    "total_time_ms": 10 * _MINUTE,
                    "time_control": {"overtime": {"period_ms": 10 * _MINUTE, "turns": 25}},
                },
            ],
        },
    ),
    Example(
        "debate",
        "Speeches of 5 minutes",
        {
            "sync_mode": "per_cycle",
            "participants": _players(None),
            "time_per_cycle_ms": 5 * _MINUTE,
            "auto_advance": True,
        },
    ),
    Example(
        "exam",
        "An exam of an hour; Ada gets a quarter more, Ben ten minutes more",
        {
            "sync_mode": "individual",
            "participants": [
                _player("Ada", None, factor_permille=1_250),
                _player("Ben", None, extra_ms=10 * _MINUTE),
                _player("Cleo", None),
            ],
            "total_time_ms": _HOUR,
            "begins": "each",
            "grace_ms": _MINUTE,
        },
    ),
    Example(
        "exam_that_closes",
        "An exam in which everybody is out in time, and Ben sooner",
        {
            "sync_mode": "individual",
            "participants": [
                _player("Ada", None),
                _player("Ben", None, closes_at="2026-01-31T10:00:00Z"),
            ],
            "total_time_ms": 2 * _HOUR,
            "closes_at": "2026-01-31T11:00:00Z",
            "allow_cut": True,
        },
        instants={"/closes_at": 2 * _HOUR, "/participants/1/closes_at": _HOUR},
    ),
    Example(
        "race",
        "A race in rounds: time counts up, each finish is stamped",
        {"sync_mode": "individual", "participants": _players(None), "rounds": True},
    ),
    Example(
        "quiz",
        "A quiz, 30 s a question",
        {
            "sync_mode": "global",
            "participants": _players(None),
            "time_per_cycle_ms": 30_000,
            "auto_advance": True,
        },
    ),
    Example(
        "auction",
        "An auction at an instant; a late bid gives 2 minutes more",
        {
            "sync_mode": "global",
            "participants": _players(None),
            "start_at": "2026-01-31T09:00:00Z",
            "warn_before_start_ms": [_MINUTE],
            "ends_at": "2026-01-31T10:00:00Z",
            "moves_with_pause": True,
            "extend_on_switch": {
                "window_ms": 2 * _MINUTE,
                "to_ms": 2 * _MINUTE,
                "at_most": 20,
                "not_after": "2026-01-31T11:00:00Z",
            },
        },
        instants={
            "/start_at": _HOUR,
            "/ends_at": 2 * _HOUR,
            "/extend_on_switch/not_after": 3 * _HOUR,
        },
    ),
    Example(
        "lots",
        "Lots of a minute each; a late bid adds 20 s",
        {
            "sync_mode": "per_cycle",
            "participants": _players(None),
            "time_per_cycle_ms": _MINUTE,
            "extend_on_switch": {"window_ms": 20_000, "by_ms": 20_000},
        },
    ),
    Example(
        "meeting",
        "An agenda, twice, that may run over",
        {
            "sync_mode": "global",
            "participants": _players(None),
            "items": [
                {
                    "item_id": "budget",
                    "title": "Budget",
                    "duration_ms": 20 * _MINUTE,
                    "on_end": "wait",
                },
                {
                    "item_id": "coffee",
                    "title": "Coffee",
                    "duration_ms": 10 * _MINUTE,
                    "kind": "break",
                },
            ],
            "repeat": 2,
            "overtime": True,
        },
    ),
    Example(
        "programme_by_name",
        "A named programme",
        {"sync_mode": "global", "participants": _players(None), "programme": "meeting_60"},
    ),
    Example(
        "speedrun",
        "A speedrun that ends after an hour",
        {"sync_mode": "count_up", "participants": _players(None), "max_time_ms": _HOUR},
    ),
    Example(
        "test_game",
        "A test session, whose time can be advanced",
        {"sync_mode": "per_participant", "participants": _players(), "test": True},
    ),
    Example(
        "own_id",
        "A session with an id of your own, which can be used once",
        {
            "session_id": SESSION_ID,
            "sync_mode": "per_participant",
            "participants": _players(),
        },
    ),
)
