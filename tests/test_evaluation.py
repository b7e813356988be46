"""The measures, against scikit-learn and against sums done by hand."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, t
from sklearn.metrics import cohen_kappa_score, confusion_matrix, f1_score

from stance.codebook import Head
from stance.evaluation import (
    ENOUGH,
    Ints,
    brier,
    calibration_bins,
    confusion,
    coverage_accuracy,
    ece,
    group_numbers,
    group_tables,
    macro_f1,
    percentiles,
    precision_curve,
    quadratic_kappa,
    randomization_test,
    report,
    resample,
    threshold_for,
)
from stance.rendering import Scores, class_lines, report_lines, score_lines
from stance.training import CurvePoint, Settings, group_folds

LABELS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


@given(LABELS)
def test_confusion_and_macro_f1_are_scikit_learns(rows: list[tuple[int, int]]) -> None:
    truth, pred = (np.array(x) for x in zip(*rows, strict=True))
    table = confusion(truth, pred, 4)
    np.testing.assert_array_equal(table, confusion_matrix(truth, pred, labels=range(4)))
    assert macro_f1(table) == pytest.approx(f1_score(truth, pred, average="macro"))


@given(LABELS)
def test_quadratic_kappa_is_scikit_learns(rows: list[tuple[int, int]]) -> None:
    truth, pred = (np.array(x) for x in zip(*rows, strict=True))
    if len(set(truth.tolist()) | set(pred.tolist())) > 1:
        assert quadratic_kappa(confusion(truth, pred, 4)) == pytest.approx(cohen_kappa_score(truth, pred, labels=range(4), weights="quadratic"))


def test_the_interval_leaves_out_a_fortieth_at_either_end_and_less_of_few_articles() -> None:
    assert percentiles(np.arange(1001.0), 10**7) == pytest.approx((25.0, 975.0), abs=1e-3)
    for n in (5, 20, 200):
        tail = norm.cdf(-(np.sqrt(n / (n - 1)) * t.ppf(0.975, n - 1)))
        assert percentiles(np.arange(1001.0), n) == pytest.approx((1000 * tail, 1000 * (1 - tail)), abs=0.05)


def test_intervals_hold_the_truth_about_as_often_as_they_say_also_of_few_articles() -> None:
    """Accuracy on six articles whose own accuracies differ."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(300):
        right = rng.binomial(10, rng.beta(8, 3, 6))
        low, high = percentiles(resample(right, draws=400) / 60, 6) or (0, 0)
        held += low <= 8 / 11 <= high
    assert 0.9 < held / 300 < 0.98  # plain percentiles: 0.86


def test_equally_sure_rows_count_alike_in_whatever_order_they_come() -> None:
    probs = np.array([[0.9, 0.1]] * 2 + [[0.6, 0.4]] * 8)
    first, last = (coverage_accuracy(np.array(truth), probs) for truth in ([0] * 6 + [1] * 4, [0, 0] + [1] * 4 + [0] * 4))
    assert first == last and first["0.5"] == pytest.approx((2 + 3 * 0.5) / 5) and first["1.0"] == pytest.approx(0.6)


def test_one_label_alone_has_no_kappa() -> None:
    assert np.isnan(quadratic_kappa(np.array([[4, 0], [0, 0]])))
    r = report(Head("mood", ("bad", "good"), ordered=True), np.zeros(4, int), np.eye(2)[[0] * 4], list("abcd"))
    assert r.quadratic_kappa is None


def test_calibration_error_by_hand() -> None:
    probs = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    assert ece(np.array([0, 1, 0, 0]), probs) == pytest.approx(0.5 * abs(0.5 - 0.9) + 0.5 * abs(1.0 - 0.6))
    assert ece(np.array([0, 1]), np.eye(2)) == 0.0


def test_a_probability_on_the_edge_is_of_the_bin_below() -> None:
    probs = np.array([[0.9, 0.1], [0.91, 0.09], [0.5, 0.5], [1.0, 0.0]])
    bins = calibration_bins(np.array([0, 1, 0, 0]), probs)
    assert [(b.low, b.high, b.rows, b.accuracy) for b in bins] == [(0.4, 0.5, 1, 1.0), (0.8, 0.9, 1, 1.0), (0.9, 1.0, 2, 0.5)]


def test_brier_by_hand() -> None:
    assert brier(np.array([0, 1]), np.array([[1.0, 0.0], [1.0, 0.0]])) == pytest.approx(1.0)
    assert brier(np.array([0]), np.array([[0.5, 0.5]])) == pytest.approx(0.5)


def test_coverage_takes_the_most_certain_first() -> None:
    probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.55, 0.45]])
    found = coverage_accuracy(np.array([0, 0, 1, 1]), probs)
    assert found == {"0.5": 1.0, "0.6": 1.0, "0.7": pytest.approx(2 / 3), "0.8": pytest.approx(2 / 3), "0.9": 0.5, "1.0": 0.5}
    assert coverage_accuracy(np.array([0, 1]), probs[:2])["0.5"] == 1.0


def test_a_threshold_read_off_the_curve_keeps_its_promise() -> None:
    rng = np.random.default_rng(0)
    top = rng.uniform(0.5, 1.0, 500)
    probs = np.column_stack([top, 1 - top])
    truth = (rng.random(500) > top).astype(int)
    limit = threshold_for(precision_curve(truth, probs), 0.9)
    assert 0.5 < limit < 1
    assert (truth[top >= limit] == 0).mean() >= 0.9
    assert threshold_for(precision_curve(truth, probs), 1.01) > 1


def test_rows_of_one_probability_reach_a_threshold_together() -> None:
    probs = np.array([[0.9, 0.1]] * 4 + [[0.6, 0.4]])
    curve = precision_curve(np.array([0, 1, 1, 1, 0]), probs)
    assert curve == ((0.9, 0.25, 0.8), (0.6, 0.4, 1.0))
    assert threshold_for(curve, 1.0) > 1


def test_the_bootstrap_draws_whole_groups() -> None:
    groups = ["a", "b", "a", "c", "b", "d", "e"]
    tables = group_tables(np.array([0, 0, 0, 1, 0, 1, 1]), np.array([0, 1, 0, 1, 1, 1, 1]), 2, groups)
    assert tables.tolist() == [[[2, 0], [0, 0]], [[0, 2], [0, 0]], *[[[0, 0], [0, 1]]] * 3]
    drawn = resample(tables, draws=30)
    assert drawn.shape == (30, 2, 2)
    assert all(t[0, 0] % 2 == 0 and t[0, 1] % 2 == 0 and t[0, 0] / 2 + t[0, 1] / 2 + t[1, 1] == 5 for t in drawn)
    assert (drawn == resample(tables, draws=30)).all()


def test_intervals_leave_out_what_is_not_defined() -> None:
    assert percentiles([float("nan"), *[0.5, 1.0] * 500], 9) == (0.5, 1.0)
    assert percentiles([float("nan")], 9) is None
    assert percentiles([1.0, 1.0], 9) is None  # tells nothing of what was not drawn


@pytest.mark.parametrize(("articles", "there"), [(ENOUGH - 1, False), (ENOUGH, True)])
def test_few_articles_have_no_interval(articles: int, there: bool) -> None:
    truth = np.arange(40) % 2
    r = report(Head("mood", ("bad", "good", "odd")), truth, np.eye(3)[np.arange(40) % 3], [str(i % articles) for i in range(40)], draws=20)
    assert r.curve and "curve" not in repr(r), "a hundred points, in a notebook"
    assert [x is not None for x in (r.macro_f1_interval, r.accuracy_interval, *(c.f1_interval for c in r.classes[:2]))] == [there] * 4
    assert next(x for x in report_lines(r) if "macro-F1" in x).split("interval ")[1].startswith("–   ") is not there
    assert list(class_lines({"mood": r}))[1].count(",,") == (not there)


def test_intervals_hold_the_score_and_narrow_with_more_articles() -> None:
    rng = np.random.default_rng(0)
    widths = []
    for n in (30, 3000):
        truth = rng.integers(2, size=n)
        probs = np.eye(2)[np.where(rng.random(n) < 0.8, truth, 1 - truth)]
        r = report(Head("mood", ("bad", "good")), truth, probs, [str(i) for i in range(n)], draws=200)
        for value, (low, high) in ((r.macro_f1, r.macro_f1_interval), (r.accuracy, r.accuracy_interval), *((c.f1, c.f1_interval) for c in r.classes)):
            assert low <= value <= high
        widths.append(r.accuracy_interval[1] - r.accuracy_interval[0])
    assert widths[1] < widths[0] / 5


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0.34, 1.0)), min_size=1, max_size=40))
def test_calibration_bins_hold_every_row_once_and_add_up_to_the_error(rows: list[tuple[int, float]]) -> None:
    truth = np.array([t for t, _ in rows])
    probs = np.array([[p, (1 - p) / 2, (1 - p) / 2] for _, p in rows])
    bins = calibration_bins(truth, probs)
    assert sum(b.rows for b in bins) == len(rows)
    assert all(b.low - 1e-9 <= b.confidence <= b.high + 1e-9 for b in bins)
    assert sum(b.rows * abs(b.accuracy - b.confidence) for b in bins) / len(rows) == pytest.approx(ece(truth, probs))


def test_randomization_test_tells_equal_from_different() -> None:
    truth = np.arange(60) % 2
    groups = [str(i) for i in range(60)]
    assert randomization_test(truth, truth, truth, 2, groups, rounds=200) == 1.0
    assert randomization_test(truth, truth, 1 - truth, 2, groups, rounds=200) < 0.05


def test_randomization_test_swaps_the_predictions_of_whole_groups() -> None:
    """Against the predictions themselves swapped."""
    rng = np.random.default_rng(1)
    truth, number = rng.integers(3, size=200), rng.integers(30, size=200)
    a, b = (np.where(rng.random(200) < 0.4, rng.integers(3, size=200), truth) for _ in "ab")
    draw, hits = np.random.default_rng(0), 0

    def gap(x: Ints, y: Ints) -> float:
        return abs(macro_f1(confusion(truth, x, 3)) - macro_f1(confusion(truth, y, 3)))

    for _ in range(300):
        swap = draw.integers(2, size=30).astype(bool)[number]
        hits += gap(np.where(swap, b, a), np.where(swap, a, b)) >= gap(a, b) - 1e-12
    assert randomization_test(truth, a, b, 3, [f"g{n:02}" for n in number], rounds=300) == (hits + 1) / 301


def test_groups_are_numbered_by_their_names() -> None:
    assert group_numbers(["b", "a", "10", "b", "9"]).tolist() == [3, 2, 0, 3, 1] and len(group_numbers([])) == 0


def test_one_long_name_does_not_make_all_as_wide() -> None:
    groups = ["x" * 500_000, *map(str, range(2000))]
    tracemalloc.start()
    truth = np.arange(len(groups)) % 2
    report(Head("mood", ("a", "b")), truth, np.eye(2)[truth], groups, draws=2)
    randomization_test(truth, truth, truth, 2, groups, rounds=2)
    group_folds([str(x) for x in truth], groups, Settings())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6


def test_a_report_of_perfect_predictions() -> None:
    r = report(Head("mood", ("bad", "good"), ordered=True), np.array([0, 1, 1, 0]), np.eye(2)[[0, 1, 1, 0]], ["a", "b", "c", "d"], draws=20)
    assert (r.macro_f1, r.accuracy, r.brier, r.ece, r.quadratic_kappa) == (1.0, 1.0, 0.0, 0.0, 1.0)
    assert r.baselines["majority"] == pytest.approx(1 / 3)
    assert r.confusion == ((2, 0), (0, 2))


def test_the_majority_is_the_label_that_most_rows_have() -> None:
    r = report(Head("mood", ("bad", "good", "odd")), np.array([0, 1, 1]), np.eye(3)[[0, 1, 1]], list("abc"))
    assert r.baselines == {"majority": pytest.approx((0 + 0.8) / 2)}


def test_long_labels_are_whole_and_head_their_columns() -> None:
    labels = ("for", "rather ambivalent", "against")
    truth = np.array([0, 1, 2] * 5)
    lines = list(report_lines(report(Head("view", labels), truth, np.eye(3)[truth], [str(n) for n in range(15)], draws=20)))
    header, *rows = lines[4:]
    assert header.endswith(" predicted as       for rather ambivalent   against")
    assert rows[1].endswith(f"{0:>9} {5:>17} {0:>9}")
    assert {len(r) for r in rows} == {len(header)}


def test_draws_without_a_label_do_not_lower_its_interval() -> None:
    truth = np.array([1] * ENOUGH + [0] * 36)
    pred = np.where(np.arange(len(truth)) <= ENOUGH, 1, 0)  # the wrong one stands in the article of a right one
    r = report(Head("h", ("a", "b", "c")), truth, np.eye(3)[pred], [str(n if n != ENOUGH else 0) for n in range(len(truth))])
    low, high = r.classes[1].f1_interval or (0, 0)
    assert low >= 2 / 3 - 1e-9 and high == 1 and r.classes[2].f1_interval is None  # the last one never occurs


def test_a_label_of_few_articles_has_no_interval_among_many() -> None:
    truth = np.array([1] * (ENOUGH - 1) + [0] * 30)
    r = report(Head("h", ("a", "b")), truth, np.eye(2)[np.where(np.arange(len(truth)) == 1, 0, truth)], [str(n) for n in range(len(truth))])
    assert [c.f1_interval is None for c in r.classes] == [False, True]
    pred = np.where(np.arange(len(truth)) == ENOUGH, 1, truth)  # a further article in which the label is wrongly predicted
    assert report(Head("h", ("a", "b")), truth, np.eye(2)[pred], [str(n) for n in range(len(truth))]).classes[1].f1_interval is not None


def test_every_row_of_few_is_a_threshold() -> None:
    probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
    curve = precision_curve(np.array([0, 1, 0, 0]), probs)
    assert [tuple(map(float, x)) for x in curve] == [(0.9, 1.0, 0.25), (0.8, 0.5, 0.5), (0.7, pytest.approx(2 / 3), 0.75), (0.6, 0.75, 1.0)]


def test_the_table_has_the_points_of_a_learning_curve() -> None:
    truth = np.array([0, 1])
    r = report(Head("h", ("a", "b")), truth, np.eye(2)[truth], ["x", "y"])
    lines = list(score_lines(Scores({"h": r}, curves={"h": [CurvePoint(20.4, 7.0, 0.5, (0.25, 0.75))]})))
    assert [x.split() for x in lines[lines.index("  learning curve, without a network") + 2 :] if x] == [["20", "7", "0.500", "0.250", "0.750"]]
