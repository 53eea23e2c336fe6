"""A session's whole state written down: compact JSON that any tool can read."""

import msgspec

from shared.domain.session import Session

_decoder = msgspec.json.Decoder(Session)
_encoder = msgspec.json.Encoder()


def encode_session(session: Session) -> bytes:
    """The session's whole state."""
    return _encoder.encode(session)


def decode_session(raw: bytes | str) -> Session:
    """The inverse of `encode_session`. Raises `ValueError` for anything else."""
    return _decoder.decode(raw)


def session_from(value: object) -> Session:
    """The session whose state was parsed from JSON by someone else."""
    return msgspec.convert(value, Session)
