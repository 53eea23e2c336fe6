"""Percentiles, medians and ratios."""

import pytest

from tests.load.bench.figures import Figures, median_of_rounds, percentile, ratio, summarize


@pytest.mark.parametrize(("p", "value"), [(50, 50.0), (95, 95.0), (99, 99.0), (100, 100.0)])
def test_a_percentile_is_a_value_that_was_measured(p: float, value: float) -> None:
    assert percentile([float(n) for n in range(1, 101)], p) == value


def test_the_percentiles_of_one_sample_are_that_sample() -> None:
    assert summarize([7.0]) == Figures(None, 7.0, 7.0, 7.0)


def test_samples_may_be_in_any_order() -> None:
    assert summarize([3.0, 1.0, 2.0]).p50_ms == 2.0


def test_each_figure_is_the_median_of_its_own_rounds_and_errors_add_up() -> None:
    rounds = [
        Figures(100.0, 1.0, 9.0, 20.0, errors=1),
        Figures(300.0, 2.0, 8.0, 10.0),
        Figures(200.0, 3.0, 7.0, 30.0, errors=2),
    ]
    assert median_of_rounds(rounds) == Figures(200.0, 2.0, 8.0, 20.0, errors=3)


def test_a_ratio_compares_rates_where_there_are_any_and_medians_elsewhere() -> None:
    assert ratio(Figures(50.0, 9.0, 9.0, 9.0), Figures(100.0, 1.0, 1.0, 1.0)) == 0.5
    assert ratio(Figures(None, 4.0, 9.0, 9.0), Figures(None, 1.0, 1.0, 1.0)) == 0.25
