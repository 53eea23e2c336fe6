"""The form of API keys, which scanners look for."""

import re

from shared.application.api_key_format import key_id_in, new_key, new_key_id

ID = new_key_id()
KEY = new_key(ID)


def test_a_key_has_the_documented_form_and_its_id() -> None:
    keys = {new_key(ID) for _ in range(100)}
    assert len(keys) == 100
    for key in keys:
        assert re.fullmatch(r"sk_synckairos_[0-9A-Za-z]{65}", key)
        assert key_id_in(key) == ID


def test_a_misspelt_key_is_recognised_by_its_checksum() -> None:
    for place in range(len("sk_synckairos_"), len(KEY)):
        other = "a" if KEY[place] != "a" else "b"
        assert key_id_in(KEY[:place] + other + KEY[place + 1 :]) is None
    for text in ("", "sk_synckairos_", KEY[:-1], KEY + "a", KEY.upper(), f" {KEY}"):
        assert key_id_in(text) is None


def test_the_checksum_is_stable_so_that_scanners_can_check_it() -> None:
    text = "sk_synckairos_" + "0" * 59
    assert key_id_in(text + "4SguJu") == "0" * 16
