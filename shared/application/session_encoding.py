"""Encode a session's complete state as compact JSON, and decode it."""

import msgspec

from shared.domain.session import Session

_decoder = msgspec.json.Decoder(Session)
_encoder = msgspec.json.Encoder()


def encode_session(session: Session) -> bytes:
    """Return the session's complete state as JSON."""
    return _encoder.encode(session)


def decode_session(raw: bytes | str) -> Session:
    """Decode what `encode_session` returned. Raises `ValueError` for anything else."""
    return _decoder.decode(raw)


def session_from_json(value: object) -> Session:
    """Return the session from its state as parsed JSON. Raises `ValueError` for anything else."""
    return msgspec.convert(value, Session)
