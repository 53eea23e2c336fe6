"""Classification of Redis error replies."""

import pytest
from hiredis import ReplyError

from shared.store.redis.error_replies import State, state_in


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        ("READONLY You can't write against a read only replica.", State.REFUSES_CHANGES),
        ("MISCONF Valkey is configured to save RDB snapshots, but", State.REFUSES_CHANGES),
        ("NOREPLICAS Not enough good replicas to write.", State.REFUSES_CHANGES),
        ("UNBLOCKED force unblock from blocking operation", State.REFUSES_CHANGES),
        ("LOADING Redis is loading the dataset in memory", State.SERVES_NOTHING),
        ("MASTERDOWN Link with MASTER is down", State.SERVES_NOTHING),
        ("CLUSTERDOWN Hash slot not served", State.SERVES_NOTHING),
        ("MOVED 3999 127.0.0.1:6381", State.ELSEWHERE),
        ("ASK 3999 127.0.0.1:6381", State.ELSEWHERE),
        ("TRYAGAIN Multiple keys request during rehashing of slot", State.MIGRATING),
        ("NOSCRIPT No matching script.", State.UNKNOWN_SCRIPT),
        ("OOM command not allowed when used memory > 'maxmemory'.", State.FAULT),
        ("ERR unknown command 'X'", State.FAULT),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", State.FAULT),
        ("CROSSSLOT Keys in request don't hash to the same slot", State.FAULT),
        ("READONLYX is an unknown code", State.FAULT),
    ],
)
def test_the_leading_code_determines_the_state(reply: str, state: State) -> None:
    assert state_in(ReplyError(reply)) is state


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (
            "ERR Error running script (call to f_0123): @user_script:12: @user_script: 12: "
            "-READONLY You can't write against a read only replica. ",
            State.REFUSES_CHANGES,
        ),
        (
            "ERR Error running script (call to f_0123): @user_script:12: "
            "-MISCONF Redis is configured to save RDB snapshots",
            State.REFUSES_CHANGES,
        ),
        (
            "READONLY You can't write against a read only replica. script: 0123, on @user_script:1",
            State.REFUSES_CHANGES,
        ),
        (
            "ERR Error running script (call to f_0123): @user_script:12: "
            "-OOM command not allowed when used memory > 'maxmemory'.",
            State.FAULT,
        ),
        (
            "ERR Error running script (call to f_0123): @user_script:3: a text with READONLY in it",
            State.FAULT,
        ),
    ],
)
def test_the_code_is_found_in_the_error_of_a_script(reply: str, state: State) -> None:
    assert state_in(ReplyError(reply)) is state
