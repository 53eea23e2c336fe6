"""Scripts with `#!lua flags=allow-key-locking`, a line that Upstash alone understands."""

import re
from hashlib import sha1
from pathlib import Path

from infra.local.upstash.refusals import Command, name_of, subcommand_of
from infra.local.upstash.replies import Reply

_SHEBANG = re.compile(rb"#!lua flags=allow-key-locking[ \t]*\r?\n")
_EVAL = frozenset({"EVAL", "EVAL_RO"})
_EVALSHA = frozenset({"EVALSHA", "EVALSHA_RO"})


def _check_of_keys() -> bytes:
    lines = Path(__file__).with_name("key_locking.lua").read_bytes().splitlines()
    return b" ".join(line.strip() for line in lines if not line.startswith(b"--")) + b"\n"


_CHECK = _check_of_keys()


class Scripts:
    """Puts a check that nothing but KEYS is touched in the place of that line.

    The digest that clients know is of the text with the line, Redis's own of the text with the
    check. Which belongs to which is known of scripts seen here, until they are flushed.
    """

    def __init__(self) -> None:
        self._digests: dict[bytes, bytes] = {}

    def written(self, command: Command) -> Command:
        """The command as Redis is to get it."""
        name = name_of(command)
        if name in _EVAL and len(command) > 1:
            return [command[0], self._checked(command[1]), *command[2:]]
        if name in _EVALSHA and len(command) > 1:
            return [command[0], self._digest(command[1]), *command[2:]]
        return self._administration(command) if name == "SCRIPT" else command

    def read(self, command: Command, reply: Reply) -> Reply:
        """The reply as the client is to get it."""
        if isinstance(reply, bytes) and _loads(command):
            return _digest_of(command[2])
        return reply

    def _administration(self, command: Command) -> Command:
        if _loads(command):
            return [*command[:2], self._checked(command[2])]
        if subcommand_of(command) == "EXISTS":
            return [*command[:2], *(self._digest(digest) for digest in command[2:])]
        if subcommand_of(command) == "FLUSH":
            self._digests.clear()
        return command

    def _checked(self, script: bytes) -> bytes:
        if not (line := _SHEBANG.match(script)):
            return script
        checked = _CHECK + script[line.end() :]
        self._digests[_digest_of(script)] = _digest_of(checked)
        return checked

    def _digest(self, digest: bytes) -> bytes:
        return self._digests.get(digest.lower(), digest)


def _loads(command: Command) -> bool:
    return len(command) == 3 and name_of(command) == "SCRIPT" and subcommand_of(command) == "LOAD"


def _digest_of(script: bytes) -> bytes:
    return sha1(script, usedforsecurity=False).hexdigest().encode()
