"""Presence of the local Realtime server: state, joins and leaves."""

from infra.local.realtime.presence import Presence


def test_several_clients_may_share_a_key() -> None:
    presence = Presence()
    for tracker, at in (("phone", "home"), ("laptop", "work")):
        presence.track(tracker, "ada", {"at": at})
    [(key, shown)] = presence.state().items()
    assert (key, [meta["at"] for meta in shown["metas"]]) == ("ada", ["home", "work"])
    assert len({meta["phx_ref"] for meta in shown["metas"]}) == 2


def test_a_new_state_replaces_the_old_one() -> None:
    presence = Presence()
    first = presence.track("phone", "ada", {"at": "home"})
    second = presence.track("phone", "ada", {"at": "work"})
    assert (first["leaves"], second["leaves"]) == ({}, first["joins"])
    [meta] = presence.state()["ada"]["metas"]
    [before] = first["joins"]["ada"]["metas"]
    assert (meta["at"], meta["phx_ref_prev"]) == ("work", before["phx_ref"])


def test_a_client_leaves_once() -> None:
    presence = Presence()
    came = presence.track("phone", "ada", {})
    assert presence.untrack("phone") == {"joins": {}, "leaves": came["joins"]}
    assert presence.untrack("phone") is None
    assert presence.is_empty
