"""Which channels of Presence at Supabase a caller gets, and with which claims."""

from dataclasses import replace

import pytest

from shared.application.authorization import Caller, Role
from shared.http.supabase_presence import supabase_presence_of

_READERS = [Role.SERVICE, Role.HOST, Role.COHOST, Role.PARTICIPANT]
_ADA = Caller(Role.PARTICIPANT, session_id="1", participant_id="ada")


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("reads", [True, False])
def test_everybody_is_shown_in_its_role_on_the_channel_of_that_role(
    role: Role, reads: bool
) -> None:
    presence = supabase_presence_of(Caller(role), "acme:1", reads=reads)
    assert presence.view["topic"] == f"session-presence:{role}:acme:1"
    assert presence.claims["sync_role"] == role


@pytest.mark.parametrize("role", Role)
def test_who_may_read_the_presence_gets_the_right_only_if_it_asks(role: Role) -> None:
    asking = supabase_presence_of(Caller(role), "1", reads=True)
    silent = supabase_presence_of(Caller(role), "1", reads=False)
    assert (asking.claims.get("sync_presence") == "read") is (role in _READERS)
    assert ("topics" in asking.view) is (role in _READERS)
    assert silent.claims == {"sync_role": role}
    assert set(silent.view) == {"topic"}


def test_a_reader_gets_the_channel_of_each_role() -> None:
    topics = supabase_presence_of(_ADA, "1", reads=True).view["topics"]
    assert topics == {role: f"session-presence:{role}:1" for role in Role}


def test_a_participant_learns_its_own_id() -> None:
    assert supabase_presence_of(_ADA, "1", reads=False).view["participant_id"] == "ada"


def test_a_subscription_s_token_is_shown_with_the_role_of_its_caller() -> None:
    follower = replace(_ADA, role=Role.SPECTATOR, follows_for=Role.PARTICIPANT)
    presence = supabase_presence_of(follower, "1", reads=True)
    assert presence.claims == {"sync_role": "participant", "sync_presence": "read"}
