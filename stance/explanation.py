"""Which words drove one judgement: contributions that add up to the score exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stance.actors import Pair, pairs, read
from stance.dataset import Row, locate
from stance.features import Floats, Rows, lookup, prepare, template_name
from stance.lexicon import Lexicon
from stance.model import Model, check_model

ANY_NAME = "any name here"


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one word or trait of the sentence adds to a label's score (to the gap, against another label).

    `what` is the word it stands at ('' for the sentence as a whole), `kinds` the templates that spoke for it; `network` alone is what
    the network adds, `encoder` what the encoder's vectors add, beside those of the mean training sentence. A name is masked: what
    stands at one, with ANY_NAME first among its kinds, is the share of its place, and any other name there would have it.
    """

    what: str
    start: int
    end: int
    kinds: tuple[str, ...]
    value: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """`bias` plus all contributions is `score`: the label's score before the softmax, or its lead over `against`."""

    head: str
    label: str
    against: str
    score: float
    bias: float
    contributions: tuple[Contribution, ...]
    probabilities: dict[str, float]


def pairs_of(text: str, actor: str, lexicon: Lexicon, *, date: str = "") -> tuple[list[Pair], list[str]]:
    """(pairs of the actor, one a sentence; all actors found). One whom the lexicon does not know is found by the name itself, as in training."""
    readings = read(text, lexicon, date=date)
    found = [p for r in readings for p in pairs(r)]
    names = list(dict.fromkeys(p.actor for p in found))
    if actor in names or actor not in text:
        return [p for p in found if p.actor == actor], names
    sents = [r.sentence.text for r in readings]
    rows = [Row("", i, t, actor if actor in t else "", {}, article_id="text", sentence_id=str(i), date=date) for i, t in enumerate(sents)]
    return [p for p in locate(rows, lexicon)[0] if p.mentions], names


def explain(model: Model, pair: Pair, *, head: str = "", label: str = "", against: str = "") -> Explanation:
    """Explain a head's `label` (default: the most probable), alone or against another label.

    Raises InputError for what is no Model and for an unknown head, ValueError for an unknown label.
    """
    check_model(model)
    fitted = model.head(head) if head else model.heads[0]
    prepared = prepare([pair], model.cues)
    rows, vectors = model.rows(prepared, trace=True), model.vectors(prepared)
    column, known = lookup(rows, fitted.keys)
    probs = fitted.probabilities(rows, vectors, (column, known))[0]
    names = fitted.head.labels
    chosen = fitted.head.index(label) if label else int(probs.argmax())
    weights = fitted.weights[:, chosen].astype(np.float64)
    bias = float(fitted.bias[chosen])
    if against:
        other = fitted.head.index(against)
        weights = weights - fitted.weights[:, other].astype(np.float64)
        bias -= float(fitted.bias[other])
    part = np.where(known, weights[column] * rows.values, 0.0)
    found = _by_word(pair, rows, part)
    score = bias + float(part.sum())
    if fitted.dense and vectors is not None:
        dense = fitted.dense.scores(vectors)[0]
        value = float(dense[chosen] - (dense[other] if against else 0.0))
        found.append(Contribution("", 0, 0, ("network" if model.network else "encoder",), value))
        score += found[-1].value
    found.sort(key=lambda c: -abs(c.value))
    return Explanation(fitted.head.name, names[chosen], against, score, bias, tuple(found), dict(zip(names, probs.tolist(), strict=True)))


def _by_word(pair: Pair, rows: Rows, values: Floats) -> list[Contribution]:
    """The values of a traced row's features, those that stand at one word added up."""
    by_token: dict[int, tuple[float, dict[str, None]]] = {}
    for token, template, value in zip(rows.token.tolist(), rows.template.tolist(), values.tolist(), strict=True):
        if value:
            total, kinds = by_token.get(token, (0.0, {}))
            by_token[token] = total + value, kinds | {template_name(template): None}
    tokens = pair.reading.tokens
    for t in {t for m in pair.reading.mentions for t in range(m.first, m.last)} & {*by_token}:
        by_token[t] = by_token[t][0], {ANY_NAME: None} | by_token[t][1]
    place = {t: (tokens.words[t], tokens.starts[t], tokens.ends[t]) if t >= 0 else ("", 0, 0) for t in by_token}
    return [Contribution(*place[t], tuple(kinds), value) for t, (value, kinds) in by_token.items()]
