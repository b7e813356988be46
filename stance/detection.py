"""From the sentences alone: which labelled actors are found, and which of their labels are found and right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from stance.actors import Pair, pairs
from stance.classification import classify_pairs
from stance.codebook import NEUTRAL
from stance.dataset import Dataset, Row, by_article, read_rows
from stance.evaluation import Floats, percentiles, resample
from stance.lexicon import Lexicon
from stance.model import Model

ACTORS = "actors"


@dataclass(frozen=True, slots=True)
class Found:
    """What was found beside what is labelled; the interval of F1 is a 95 % bootstrap over articles. NaN where nothing is to be found.

    `neutral`: whether labels that are neutral do not count, because the head has one.
    """

    right: int
    found: int
    labelled: int
    precision: float
    recall: float
    f1: float
    f1_interval: tuple[float, float]
    neutral: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; None for NaN."""
        values = asdict(self) | {"f1_interval": [None if x != x else x for x in self.f1_interval]}
        return {k: None if v != v else v for k, v in values.items()}


def detect(rows: Sequence[Row], model: Model, *, lexicon: Lexicon, draws: int = 1000) -> dict[str, Found]:
    """Reads the sentences of `rows` (`dataset.read_table`) anew, as `classify` would, and holds what it finds beside their actors and labels.

    `actors`: (sentence, actor); each head of the model that the rows have: (sentence, actor, label), labels other than neutral.
    Precision means something only where every actor of every sentence is labelled, sentences without one included.
    """
    articles = [[rows[i] for i in indices] for indices in by_article(rows)]
    heads = [h.head.name for h in model.heads if any(r.labels.get(h.head.name) for r in rows)]
    told = [_told(article, heads) for article in articles]
    found = _found(articles, model, lexicon, heads)
    tables = np.array([[_counts(t[k], f[k]) for k in (ACTORS, *heads)] for t, f in zip(told, found, strict=True)])
    sums, drawn = tables.sum(axis=0), resample(tables, draws)
    neutral = {h.head.name: NEUTRAL in h.head.labels for h in model.heads}
    return {k: replace(_scored(sums[n], drawn[:, n]), neutral=neutral.get(k, False)) for n, k in enumerate((ACTORS, *heads))}


def _scored(counts: Floats, drawn: Floats) -> Found:
    right, found, labelled = (int(n) for n in counts)
    precision, recall, f1 = (float(x) for x in _scores(counts))
    return Found(right, found, labelled, precision, recall, f1, percentiles(_scores(drawn)[2]))


Keys = dict[str, set[tuple[str, ...]]]


def _told(rows: Sequence[Row], heads: Sequence[str]) -> Keys:
    there = [r for r in rows if r.actor]
    named: Keys = {ACTORS: {(r.sentence_id, r.text, r.actor) for r in there}}
    return named | {h: {(r.sentence_id, r.text, r.actor, r.labels[h]) for r in there if r.labels.get(h, NEUTRAL) not in ("", NEUTRAL)} for h in heads}


def _found(articles: Sequence[Sequence[Row]], model: Model, lexicon: Lexicon, heads: Sequence[str]) -> list[Keys]:
    rows: list[Row] = []
    read: list[Pair] = []
    at: list[int] = []
    for n, article in enumerate(articles):
        for reading, members in read_rows(article, lexicon, told=False):
            for p in pairs(reading):
                rows.append(replace(members[0], actor=p.actor))
                read.append(p)
                at.append(n)
    out: list[Keys] = [{k: set() for k in (ACTORS, *heads)} for _ in articles]
    judged = classify_pairs(Dataset((), tuple(rows), tuple(read), (), {}, (), ""), model)
    for n, r, j in zip(at, rows, judged, strict=True):
        out[n][ACTORS].add((r.sentence_id, r.text, r.actor))
        for h in heads:
            if (label := j.labels[h]) != NEUTRAL:
                out[n][h].add((r.sentence_id, r.text, r.actor, label))
    return out


def _counts(told: set[tuple[str, ...]], found: set[tuple[str, ...]]) -> tuple[int, int, int]:
    return len(told & found), len(found), len(told)


def _scores(counts: Floats) -> Floats:
    """Precision, recall and F1 of (right, found, labelled), shape (…, 3): an array of three."""
    right, found, labelled = np.moveaxis(np.asarray(counts, dtype=float), -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.array([right / found, right / labelled, 2 * right / (found + labelled)])
