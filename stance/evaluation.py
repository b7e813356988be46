"""Truth and probabilities to honest numbers, with numpy alone.

Arrays: `truth` holds label numbers, shape (n,); `probs` has shape (n, labels), rows sum to one;
`groups` are articles, shape (n,), the unit of the bootstrap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.codebook import Head

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Interval = tuple[float, float] | None  # None: not defined
ENOUGH = 5  # articles that an interval needs: of fewer, resamples hardly differ
_BINS = 10  # of calibration, of equal width
_POINTS = 100  # of a precision curve, at most
_SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)  # of the most certain rows


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Precision, recall, F1 and number of true rows of one label; the interval of F1 is None for a label that occurs in few articles."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int
    f1_interval: Interval


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Rows whose top label has a probability in (low, high]: how sure the model was on average, and how often right."""

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class HeadReport:
    """All measures of one head. Intervals are 95 % bootstrap percentiles over groups (`percentiles`)."""

    head: str
    labels: tuple[str, ...]
    rows: int
    groups: int
    macro_f1: float
    macro_f1_interval: Interval
    accuracy: float
    accuracy_interval: Interval
    quadratic_kappa: float | None
    ece: float
    brier: float
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    coverage: dict[str, float]
    curve: tuple[tuple[float, float, float], ...] = field(repr=False)
    calibration: tuple[CalibrationBin, ...]
    baselines: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Plain lists, numbers and strings, ready for JSON."""
        return asdict(self)


def confusion(truth: Ints, pred: Ints, labels: int) -> Ints:
    """Counts, shape (labels, labels): row = truth, column = prediction."""
    return np.bincount(truth * labels + pred, minlength=labels * labels).reshape(labels, labels)


def f1_scores(table: Ints) -> tuple[Floats, Floats, Floats]:
    """(precision, recall, F1) per label from a confusion table; 0 where undefined."""
    hit = np.diag(table).astype(float)
    predicted, true = table.sum(0), table.sum(1)
    return _ratio(hit, predicted), _ratio(hit, true), _ratio(2 * hit, predicted + true)


def _ratio(a: Floats, b: NDArray[Any]) -> Floats:
    out: Floats = np.divide(a, b, out=np.zeros(len(a)), where=b > 0)
    return out


def macro_f1(table: Ints) -> float:
    """Mean F1 over the labels that occur as truth or prediction."""
    present = (table.sum(0) + table.sum(1)) > 0
    return float(f1_scores(table)[2][present].mean()) if present.any() else 0.0


def accuracy(table: Ints) -> float:
    """Share of right predictions."""
    return float(np.trace(table) / table.sum()) if table.sum() else 0.0


def quadratic_kappa(table: Ints) -> float:
    """Cohen's kappa with quadratic weights (Cohen 1968) for labels in order; NaN when one label alone occurs."""
    k = len(table)
    weight = (np.subtract.outer(np.arange(k), np.arange(k)) / max(1, k - 1)) ** 2
    expected = np.outer(table.sum(1), table.sum(0)) / max(1, table.sum())
    worst = float((weight * expected).sum())
    return 1.0 - float((weight * table).sum()) / worst if worst else float("nan")


def calibration_bins(truth: Ints, probs: Floats) -> tuple[CalibrationBin, ...]:
    """The top label's probability against its accuracy in equal-width bins (Guo et al. 2017); empty bins are left out."""
    top = probs.max(1)
    right = probs.argmax(1) == truth
    number = np.clip(np.ceil(top * _BINS).astype(int) - 1, 0, _BINS - 1)
    return tuple(
        CalibrationBin(b / _BINS, (b + 1) / _BINS, int(inside.sum()), float(top[inside].mean()), float(right[inside].mean()))
        for b in range(_BINS)
        if (inside := number == b).any()
    )


def ece(truth: Ints, probs: Floats) -> float:
    """Expected calibration error of the top label, equal-width bins (Guo et al. 2017)."""
    return sum((abs(b.accuracy - b.confidence) * b.rows / len(truth) for b in calibration_bins(truth, probs)), 0.0)


def brier(truth: Ints, probs: Floats) -> float:
    """Multiclass Brier score (Brier 1950): mean squared distance to the one-hot truth, 0 to 2."""
    return float(((probs - np.eye(probs.shape[1])[truth]) ** 2).sum(1).mean())


def coverage_accuracy(truth: Ints, probs: Floats) -> dict[str, float]:
    """Accuracy on the most certain share of rows, from half of them to all; rows of one probability count as their mean."""
    _, at, rows = np.unique(-probs.max(1), return_inverse=True, return_counts=True)
    right = np.repeat(np.bincount(at, probs.argmax(1) == truth) / rows, rows)
    return {f"{s:.1f}": float(right[: max(1, round(s * len(right)))].mean()) for s in _SHARES}


def precision_curve(truth: Ints, probs: Floats) -> tuple[tuple[float, float, float], ...]:
    """(threshold, precision, coverage) at up to a hundred thresholds, falling: what `--precision` reads. Rows of one probability go together."""
    top = probs.max(1)
    order = np.argsort(-top, kind="stable")
    right = np.cumsum((probs.argmax(1) == truth)[order])
    at = np.linspace(1, len(top), min(_POINTS, len(top))).astype(int)
    at = np.unique(np.searchsorted(-top[order], -top[order][at - 1], side="right"))  # a threshold takes all rows that reach it
    return tuple((float(top[order][n - 1]), float(right[n - 1] / n), float(n / len(top))) for n in at)


def threshold_for(curve: Sequence[Sequence[float]], precision: float) -> float:
    """The lowest threshold of a curve with this precision among all rows that reach it; above 1 when none has it."""
    return min((threshold for threshold, reached, _ in curve if reached >= precision), default=1.01)


def group_numbers(groups: Sequence[str]) -> Ints:
    """The number of each row's group, shape (rows,), groups in alphabetical order.

    Names may be long, whole texts even: numpy would make all as wide as the longest.
    """
    number = {name: n for n, name in enumerate(sorted(set(groups)))}
    return np.array([number[g] for g in groups], np.int64)


def group_tables(truth: Ints, pred: Ints, labels: int, groups: Sequence[str]) -> Ints:
    """A confusion table a group, shape (groups, labels, labels), groups in alphabetical order."""
    number = group_numbers(groups)
    cell = (number * labels + truth) * labels + pred
    count = int(number.max(initial=-1)) + 1
    return np.bincount(cell, minlength=count * labels * labels).reshape(count, labels, labels)


def resample(tables: NDArray[Any], *, draws: int = 1000) -> NDArray[Any]:
    """Bootstrap of whole groups (Efron 1979): sums of `draws` resamples with replacement, shape (draws, …), from one table a group.

    Of fewer than ENOUGH groups none is drawn.
    """
    rng = np.random.default_rng(0)
    n = len(tables)
    draws = draws if n >= ENOUGH else 0
    flat = tables.reshape(n, -1)
    sums = [np.bincount(rng.integers(n, size=n), minlength=n) @ flat for _ in range(draws)]
    return np.array(sums).reshape(draws, *tables.shape[1:])


def tails(articles: int) -> tuple[float, float]:
    """The percentiles that bound a 95 % interval of resamples of so many articles, 2 at least: beyond 2.5 and 97.5, as few articles vary less among
    themselves than those they are drawn from (expanded percentiles, Hesterberg 2015; Student's t by its expansion, Abramowitz & Stegun 26.7.5)."""
    n, z = articles - 1, NormalDist().inv_cdf(0.975)
    t = z + (z**3 + z) / (4 * n) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2) + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    low = 100 * NormalDist().cdf(-t * (articles / n) ** 0.5)
    return low, 100 - low


def percentiles(scores: Sequence[float] | Floats, articles: int) -> Interval:
    """The 95 % interval of bootstrap scores over so many articles; scores that are not defined are left out.

    None of fewer than ENOUGH articles, and where every score is the same, which tells nothing of what was not drawn.
    """
    known = np.asarray(scores, dtype=float)
    known = known[~np.isnan(known)]
    if articles < ENOUGH or not len(known):
        return None
    low, high = map(float, np.percentile(known, tails(articles)))
    return (low, high) if high - low > 1e-12 else None


def randomization_test(truth: Ints, a: Ints, b: Ints, labels: int, groups: Sequence[str], *, rounds: int = 2000) -> float:
    """Two-sided p of a difference in macro-F1 between predictions `a` and `b`.

    Paired approximate randomisation (Noreen 1989), swapping whole groups.
    """
    mine, theirs = (group_tables(truth, x, labels, groups) for x in (a, b))
    whole, other, change = mine.sum(0), theirs.sum(0), theirs - mine
    rng = np.random.default_rng(0)

    def gap(moved: Ints | int) -> float:
        return abs(macro_f1(whole + moved) - macro_f1(other - moved))

    seen = gap(0)
    hits = sum(gap(np.tensordot(rng.integers(2, size=len(change)), change, 1)) >= seen - 1e-12 for _ in range(rounds))
    return (hits + 1) / (rounds + 1)


def cross_validation_title(group_by: str) -> str:
    """What a report of cross-validation is called; `group_by` as of `dataset.read_dataset`."""
    return f"cross-validation, grouped by {group_by or 'article'}"


def report(
    head: Head, truth: Ints, probs: Floats, groups: Sequence[str], *, baselines: dict[str, Ints] | None = None, draws: int = 1000
) -> HeadReport:
    """Every measure of a head. `baselines` are named predictions to stand beside (macro-F1 only)."""
    k = len(head.labels)
    pred = probs.argmax(1)
    table = confusion(truth, pred, k)
    majority = np.full(len(truth), np.bincount(truth, minlength=k).argmax())
    named = {"majority": majority, **(baselines or {})}
    tables = group_tables(truth, pred, k, groups)
    drawn, n, kappa = resample(tables, draws=draws), len(tables), quadratic_kappa(table)
    return HeadReport(
        head.name, head.labels, len(truth), n, macro_f1(table), percentiles([macro_f1(t) for t in drawn], n),
        accuracy(table), percentiles([accuracy(t) for t in drawn], n), kappa if head.ordered and not np.isnan(kappa) else None,
        ece(truth, probs), brier(truth, probs), _class_scores(head, tables, drawn), tuple(tuple(map(int, r)) for r in table),
        coverage_accuracy(truth, probs), precision_curve(truth, probs), calibration_bins(truth, probs),
        {name: macro_f1(confusion(truth, p, k)) for name, p in named.items()},
    )  # fmt: skip


def _class_scores(head: Head, tables: Ints, drawn: Ints) -> tuple[ClassScore, ...]:
    table = tables.sum(0)
    precision, recall, f1 = f1_scores(table)
    occurs, articles = drawn.sum(1) + drawn.sum(2) > 0, (tables.sum(1) + tables.sum(2) > 0).sum(0)
    spread = [f1_scores(t)[2] for t in drawn]
    ranges = [percentiles([f[i] for f, o in zip(spread, occurs, strict=True) if o[i]], int(articles[i])) for i in range(len(table))]
    return tuple(
        ClassScore(x, float(precision[i]), float(recall[i]), float(f1[i]), int(table[i].sum()), ranges[i]) for i, x in enumerate(head.labels)
    )
