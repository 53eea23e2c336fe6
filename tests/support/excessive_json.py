"""JSON beyond the limits of a body, and the message that refuses it (docs/api.md)."""

TOO_DEEP = "cannot be nested deeper than 64"
TOO_MANY = "cannot contain more than 32768 values"
TOO_BIG = "cannot contain numbers that exceed 64 bits"


def nested(depth: int) -> str:
    """Return `depth` nested arrays."""
    return "[" * depth + "]" * depth


EXCESSIVE_JSON = [
    (nested(65), TOO_DEEP),
    (nested(16_000), TOO_DEEP),
    ("[" * 65, TOO_DEEP),
    ("[" * 1_000_000, TOO_MANY),
    ('{"a":' * 150_000, TOO_MANY),
    (f"[{'[],' * 300_000}0]", TOO_MANY),
    (f"[{'0,' * 500_000}0]", TOO_MANY),
    (f'{{"metadata":{{"a":[{"{}," * 300_000}0]}}}}', TOO_MANY),
    (str(2**64), TOO_BIG),
    (str(-(2**63) - 1), TOO_BIG),
    ("1e999", TOO_BIG),
    ("-1E999", TOO_BIG),
    ("9" * 1_000_000, TOO_BIG),
    ("0." + "9" * 1_000_000, TOO_BIG),
    ("1e" + "9" * 1_000_000, TOO_BIG),
    (f"[{('9' * 4_000 + ',') * 250}0]", TOO_BIG),
    (f'{{"metadata":{{"a":{2**64}}}}}', TOO_BIG),
    ('"\\' * 500_000, "must be valid JSON"),
    ('\\"' * 500_000, "must be valid JSON"),
    ('"' * 1_000_000, "must be valid JSON"),
]
"""Bodies of up to 1 MB, each with its message."""
