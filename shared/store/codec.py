"""How answers are written down, compact JSON that any tool can read, and sessions read."""

from typing import Any

import msgspec

from shared.ports import Answer, RecordedAnswer, Stored
from shared.snapshot import decode_session

_answers = msgspec.json.Decoder(dict[str, Any])
_encoder = msgspec.json.Encoder()


def encode_answer(recorded: RecordedAnswer) -> bytes:
    """An answer to be given again."""
    answer = recorded.answer
    return _encoder.encode(
        {
            "fingerprint": recorded.fingerprint,
            "status": answer.status,
            "version": answer.version,
            "location": answer.location,
            "body": answer.body.decode(),
        }
    )


def decode_answer(raw: bytes) -> RecordedAnswer:
    """The inverse of `encode_answer`."""
    fields = _answers.decode(raw)
    answer = Answer(
        fields["status"], fields["body"].encode(), fields["version"], fields["location"]
    )
    return RecordedAnswer(fields["fingerprint"], answer)


def decode_stored(operations: bytes | None, state: bytes | None) -> Stored | None:
    """The session of that `state`, at the revision that is the first of its `operations`."""
    if operations is None or state is None:
        return None
    return Stored(decode_session(state), operations.split(b" ", 1)[0].decode())
