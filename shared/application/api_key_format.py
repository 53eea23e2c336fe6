"""The text of API keys: `sk_synckairos_`, an id, a secret and a checksum.

The prefix and the checksum let scanners find leaked keys without false positives, as those of
GitHub's tokens do. A key needs no slow hash (such as bcrypt): its secret has 256 random bits, so
nobody can guess it, however fast the hash is.
"""

import re
import string
from hashlib import sha256
from secrets import choice
from zlib import crc32

PREFIX = "sk_synckairos_"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ID_LENGTH = 16
_SECRET_LENGTH = 43
"""62 to the power of 43 is more than 2 to the power of 256."""

_CHECKSUM_LENGTH = 6
KEY_ID = re.compile(rf"[0-9A-Za-z]{{{_ID_LENGTH}}}")
KEY = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_ID_LENGTH + _SECRET_LENGTH + _CHECKSUM_LENGTH}}}")


def new_key_id() -> str:
    """Return a random id, which isn't secret."""
    return _random(_ID_LENGTH)


def new_key(key_id: str) -> str:
    """Return a new key with this id."""
    text = f"{PREFIX}{key_id}{_random(_SECRET_LENGTH)}"
    return text + _checksum(text)


def key_id_in(key: str) -> str | None:
    """Return the id in `key`, or None if that can't be a key: wrong form or checksum."""
    text, checksum = key[:-_CHECKSUM_LENGTH], key[-_CHECKSUM_LENGTH:]
    if not KEY.fullmatch(key) or _checksum(text) != checksum:
        return None
    return text[len(PREFIX) : len(PREFIX) + _ID_LENGTH]


def digest_of(key: str) -> str:
    """Return the SHA-256 of `key` in hexadecimal digits, which is stored in its place."""
    return sha256(key.encode()).hexdigest()


def _checksum(text: str) -> str:
    """Return the CRC-32 of `text` in base 62, six digits."""
    number, digits = crc32(text.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits


def _random(length: int) -> str:
    return "".join(choice(_ALPHABET) for _ in range(length))
