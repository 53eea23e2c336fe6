"""The figures that the demo prints at its end."""

from tests.demo.statistics import ReplayStatistics


def test_only_clients_with_the_same_version_can_disagree() -> None:
    journal = ReplayStatistics()
    journal.sample([(3, (100.0, 50.0)), (3, (100.4, 50.0)), (4, (120.0, 48.0))])
    assert round(journal.disagreement_ms, 6) == 0.4


def test_the_largest_difference_from_the_record_keeps_its_sign_and_its_move() -> None:
    journal = ReplayStatistics()
    for move, difference_ms in enumerate((1.0, -3.0, 2.0)):
        journal.compare(move, difference_ms)
    assert (journal.difference_ms, journal.difference_move, journal.moves) == (-3.0, 1, 3)


def test_the_latency_of_a_push_is_that_of_the_last_client_to_get_it() -> None:
    journal = ReplayStatistics(presses={3: 10.0, 4: 11.0})
    arrivals = [{3: 10.002, 4: 11.001}, {3: 10.007, 4: 11.003}]
    assert round(journal.slowest_push_ms(arrivals), 6) == 7.0
