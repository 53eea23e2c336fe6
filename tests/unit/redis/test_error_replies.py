"""Classification of Redis error replies."""

import pytest
from hiredis import ReplyError

from shared.store.redis.error_replies import ErrorKind, error_kind


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        ("READONLY You can't write against a read only replica.", ErrorKind.REFUSES_CHANGES),
        ("MISCONF Valkey is configured to save RDB snapshots, but", ErrorKind.REFUSES_CHANGES),
        ("NOREPLICAS Not enough good replicas to write.", ErrorKind.REFUSES_CHANGES),
        ("UNBLOCKED force unblock from blocking operation", ErrorKind.REFUSES_CHANGES),
        ("LOADING Redis is loading the dataset in memory", ErrorKind.SERVES_NOTHING),
        ("MASTERDOWN Link with MASTER is down", ErrorKind.SERVES_NOTHING),
        ("CLUSTERDOWN Hash slot not served", ErrorKind.SERVES_NOTHING),
        ("MOVED 3999 127.0.0.1:6381", ErrorKind.ELSEWHERE),
        ("ASK 3999 127.0.0.1:6381", ErrorKind.ELSEWHERE),
        ("TRYAGAIN Multiple keys request during rehashing of slot", ErrorKind.MIGRATING),
        ("NOSCRIPT No matching script.", ErrorKind.UNKNOWN_SCRIPT),
        ("OOM command not allowed when used memory > 'maxmemory'.", ErrorKind.FAULT),
        ("ERR unknown command 'X'", ErrorKind.FAULT),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", ErrorKind.FAULT),
        ("CROSSSLOT Keys in request don't hash to the same slot", ErrorKind.FAULT),
        ("READONLYX is an unknown code", ErrorKind.FAULT),
    ],
)
def test_the_leading_code_determines_the_state(reply: str, state: ErrorKind) -> None:
    assert error_kind(ReplyError(reply)) is state


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (
            "ERR Error running script (call to f_0123): @user_script:12: @user_script: 12: "
            "-READONLY You can't write against a read only replica. ",
            ErrorKind.REFUSES_CHANGES,
        ),
        (
            "ERR Error running script (call to f_0123): @user_script:12: "
            "-MISCONF Redis is configured to save RDB snapshots",
            ErrorKind.REFUSES_CHANGES,
        ),
        (
            "READONLY You can't write against a read only replica. script: 0123, on @user_script:1",
            ErrorKind.REFUSES_CHANGES,
        ),
        (
            "ERR Error running script (call to f_0123): @user_script:12: "
            "-OOM command not allowed when used memory > 'maxmemory'.",
            ErrorKind.FAULT,
        ),
        (
            "ERR Error running script (call to f_0123): @user_script:3: a text with READONLY in it",
            ErrorKind.FAULT,
        ),
    ],
)
def test_the_code_is_found_in_the_error_of_a_script(reply: str, state: ErrorKind) -> None:
    assert error_kind(ReplyError(reply)) is state
