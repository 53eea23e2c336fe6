"""The letters of join codes."""

from secrets import choice

ALPHABET = "BCDFGHJKMNPRSTVWXYZ"
"""Without vowels, so that no code is a word, and without L and Q, which look like I and O."""
LENGTH = 6


def new_letters() -> str:
    """Return the letters of a new code, from the operating system's random numbers."""
    return "".join(choice(ALPHABET) for _ in range(LENGTH))


def letters_of(typed: str) -> str | None:
    """Return the code that a person has typed, in upper case and without spaces and hyphens.

    Return None if no code can have these letters.
    """
    letters = "".join(typed.split()).replace("-", "").upper()
    is_possible = len(letters) == LENGTH and all(letter in ALPHABET for letter in letters)
    return letters if is_possible else None
