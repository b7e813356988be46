"""Which words drove one judgement: contributions that add up to the score exactly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from stance.actors import Pair, pairs, read
from stance.codebook import Head
from stance.dataset import Row, locate
from stance.errors import InputError, near_miss
from stance.features import lookup, prepare, sequences, template_name
from stance.lexicon import Lexicon
from stance.model import Model, check_model

ANY_NAME = "any name here"
_SENTENCE = -2  # the number of a token that is none: the sentence as a whole, apart from its traits


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one word or trait of the sentence adds to a label's score (to the gap, against another label).

    `what` is the word it stands at ('' for the sentence as a whole), `kinds` the templates that spoke for it; `network` among them: what the
    network makes of the word is in it (see `Network.contributions`); `encoder` alone is what the encoder's vectors add, beside those of the mean
    training sentence. A name is masked: what stands at one, with ANY_NAME first among its kinds, is the share of its place, and any other name
    there would have it.
    """

    what: str
    start: int
    end: int
    kinds: tuple[str, ...]
    value: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """`bias` plus all contributions is `score`: the label's score before the softmax, or its lead over `against`.

    `bias` is what stands before any word is known; with a network that hangs a little on how many there are, and where the actor stands, and what
    the parts of its words, which are reckoned in steps, lack or have too much of the whole is in it.
    """

    head: str
    label: str
    against: str
    score: float
    bias: float
    contributions: tuple[Contribution, ...]
    probabilities: dict[str, float]


def pairs_of(text: str, actor: str, lexicon: Lexicon, *, date: str = "", speaker: str = "") -> tuple[list[Pair], list[str]]:
    """(pairs of the actor, one a sentence, or of all for ''; all actors found). One whom the lexicon does not know is found by the name itself, as
    in training.

    Raises InputError for an actor who is not in the text, and for '' where none is found.
    """
    readings = read(text, lexicon=lexicon, date=date, speaker=speaker)
    found = [p for r in readings for p in pairs(r)]
    names = list(dict.fromkeys(p.actor for p in found))
    name, flat = " ".join(actor.split()), " ".join(text.split())
    if not actor and not found:
        raise InputError("no actor of the alias table is in the text", "name whom you mean with --actor, as the text does")
    if not actor:
        return found, names
    if actor in names:
        return [p for p in found if p.actor == actor], names
    if not name or name not in flat:
        raise _not_there(actor, names, text, lexicon)
    sents = [r.sentence.text for r in readings]
    there = [actor if name in " ".join(t.split()) else "" for t in sents]
    whole = Row("", 0, "", "", {}, article_id="text", date=date, speaker=speaker)
    rows = [replace(whole, line=i, text=t, actor=a, sentence_id=str(i)) for i, (t, a) in enumerate(zip(sents, there, strict=True))]
    if not (mine := [p for p in locate(rows, lexicon)[0] if p.mentions]):
        raise _not_there(actor, names, text, lexicon)
    return mine, names


def _not_there(actor: str, names: Sequence[str], text: str, lexicon: Lexicon) -> InputError:
    """What to say of an actor that is not among those of the text, `names`."""
    here = lexicon.called([actor]).get(actor, "")
    written = re.search(rf"(?<!\w){re.escape(actor)}(?!\w)", text, re.I) if actor else None
    meant = near_miss(actor, names) or (f"it is called {here!r} here" if here in names else f"did you mean {written[0]!r}?" if written else "")
    found = f"actors found: {', '.join(names) or 'none'}" + (f"; {meant}" if meant else "")
    return InputError(f"{actor!r} is not in the text; {found}", "`stance actors TEXT` shows every mention")


def explain(model: Model, pair: Pair, *, head: str = "", label: str = "", against: str = "") -> Explanation:
    """Explain a head's `label` (default: the most probable), alone or against another label.

    Raises InputError for what is no Model, and for an unknown head or label.
    """
    check_model(model)
    fitted = model.head(head) if head else model.heads[0]
    prepared = prepare([pair], cues=model.cues)
    rows, vectors = model.rows(prepared, trace=True), model.vectors(prepared)
    column, known = lookup(rows, fitted.keys)
    probs = fitted.probabilities(rows, vectors=vectors, found=(column, known))[0]
    names = fitted.head.labels
    chosen = _number(fitted.head, label) if label else int(probs.argmax())
    lead = np.eye(len(names))[chosen]  # 1 for the label, -1 for the one it is to lead over: what each label's score counts
    if against:
        lead[_number(fitted.head, against)] -= 1
    bias = float(fitted.bias @ lead)
    values = np.where(known, fitted.weights[column] @ lead * rows.values, 0.0)
    score = bias + float(values.sum())
    parts = [(t, template_name(n), v) for t, n, v in zip(rows.token.tolist(), rows.template.tolist(), values.tolist(), strict=True)]
    if fitted.dense and vectors is not None:
        added = float(fitted.dense.scores(vectors)[0] @ lead)
        score += added
        if model.network:
            of_words = model.network.contributions(sequences(prepared), fitted.dense.weights @ lead)
            parts = [*((t, "network", v) for t, v in zip(prepared.tokens.position.tolist(), of_words.tolist(), strict=True)), *parts]
            bias += added - float(of_words.sum())
        else:
            parts.append((_SENTENCE, "encoder", added))
    found = sorted(_by_word(pair, parts), key=lambda c: -abs(c.value))
    return Explanation(fitted.head.name, names[chosen], against, score, bias, tuple(found), dict(zip(names, probs.tolist(), strict=True)))


def _number(head: Head, label: str) -> int:
    if label not in head.labels:
        raise InputError(f"no label {label!r}; the labels are {', '.join(head.labels)}", near_miss(label, head.labels))
    return head.index(label)


def _by_word(pair: Pair, parts: Iterable[tuple[int, str, float]]) -> list[Contribution]:
    """The values of (token, template, value), those that stand at one word added up."""
    by_token: dict[int, tuple[float, dict[str, None]]] = {}
    for token, kind, value in parts:
        if value or kind == "encoder":
            total, kinds = by_token.get(token, (0.0, {}))
            by_token[token] = total + value, kinds | {kind: None}
    tokens = pair.reading.tokens
    for t in {t for m in pair.reading.mentions for t in range(m.first, m.last)} & {*by_token}:
        by_token[t] = by_token[t][0], {ANY_NAME: None} | by_token[t][1]
    place = {t: (tokens.words[t], tokens.starts[t], tokens.ends[t]) if t >= 0 else ("", 0, 0) for t in by_token}
    return [Contribution(*place[t], tuple(kinds), value) for t, (value, kinds) in by_token.items()]
