"""From the sentences alone: which labelled actors are found, and which of their labels are found and right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from stance.actors import Pair, pairs
from stance.classification import classify_pairs
from stance.dataset import Dataset, Row, by_article, read_rows
from stance.evaluation import Floats, Interval, percentiles, resample
from stance.lexicon import Lexicon
from stance.model import Model

ACTORS = "actors"


@dataclass(frozen=True, slots=True)
class Found:
    """What was found beside what is labelled. Scores are NaN where nothing is to be found; `f1_interval` is a 95 % bootstrap over the articles that
    have any (`evaluation.percentiles`).

    `neutral`: the label of the head that does not count; '' where it has no neutral one.
    """

    right: int
    found: int
    labelled: int
    precision: float
    recall: float
    f1: float
    f1_interval: Interval
    neutral: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; None for NaN."""
        return {k: None if v != v else v for k, v in asdict(self).items()}


def detect(rows: Sequence[Row], model: Model, *, lexicon: Lexicon) -> dict[str, Found]:
    """Reads the sentences of `rows` (`dataset.read_table`) anew, as `classify` would, and holds what it finds beside their actors and labels.

    `actors`: (sentence, actor); each head of the model that the rows have: (sentence, actor, label), labels other than neutral.
    Precision means something only where every actor of every sentence is labelled, sentences without one included.
    """
    meant = lexicon.meant({r.actor for r in rows})
    rows = [replace(r, actor=meant.get(r.actor, r.actor)) for r in rows]
    articles = [[rows[i] for i in indices] for indices in by_article(rows)]
    heads = [h.head.name for h in model.heads if any(r.labels.get(h.head.name) for r in rows)]
    neutral = {h: model.head(h).head.neutral for h in heads}
    told = [_told(article, neutral) for article in articles]
    found = _found(articles, model, lexicon, neutral)
    tables = np.array([[_counts(t[k], f[k]) for k in (ACTORS, *heads)] for t, f in zip(told, found, strict=True)])
    drawn = resample(tables)
    return {k: replace(_scored(tables[:, n], drawn[:, n]), neutral=neutral.get(k, "")) for n, k in enumerate((ACTORS, *heads))}


def _scored(tables: Floats, drawn: Floats) -> Found:
    counts, articles = tables.sum(0), int(tables.any(1).sum())
    right, found, labelled = (int(n) for n in counts)
    precision, recall, f1 = (float(x) for x in _scores(counts))
    return Found(right, found, labelled, precision, recall, f1, percentiles(_scores(drawn)[2], articles))


_Named = dict[str, set[tuple[str, ...]]]  # what is told, for ACTORS and each head


def _told(rows: Sequence[Row], neutral: Mapping[str, str]) -> _Named:
    """What is labelled; `neutral` has the label that does not count, by head."""
    there = [r for r in rows if r.actor]
    named: _Named = {ACTORS: {(r.sentence_id, r.text, r.actor) for r in there}}
    for h, none in neutral.items():
        named[h] = {(r.sentence_id, r.text, r.actor, r.labels[h]) for r in there if r.labels.get(h, "") not in ("", none)}
    return named


def _found(articles: Sequence[Sequence[Row]], model: Model, lexicon: Lexicon, neutral: Mapping[str, str]) -> list[_Named]:
    rows: list[Row] = []
    read: list[Pair] = []
    at: list[int] = []
    for n, article in enumerate(articles):
        for reading, members in read_rows(article, lexicon, told=False):
            for p in pairs(reading):
                rows.append(replace(members[0], actor=p.actor))
                read.append(p)
                at.append(n)
    out: list[_Named] = [{k: set() for k in (ACTORS, *neutral)} for _ in articles]
    judged = classify_pairs(Dataset((), tuple(rows), tuple(read), (), {}, (), ""), model)
    for n, r, j in zip(at, rows, judged, strict=True):
        out[n][ACTORS].add((r.sentence_id, r.text, r.actor))
        for h, none in neutral.items():
            if (label := j.labels[h]) != none:
                out[n][h].add((r.sentence_id, r.text, r.actor, label))
    return out


def _counts(told: set[tuple[str, ...]], found: set[tuple[str, ...]]) -> tuple[int, int, int]:
    return len(told & found), len(found), len(told)


def _scores(counts: Floats) -> Floats:
    """Precision, recall and F1 of (right, found, labelled), shape (…, 3): an array of three."""
    right, found, labelled = np.moveaxis(np.asarray(counts, dtype=float), -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.array([right / found, right / labelled, 2 * right / (found + labelled)])
