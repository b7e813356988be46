"""Whole articles drawn at random from an archive, sentence by sentence, for people to label; and of these the pairs a model is least sure of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heappop, heappush

from stance.actors import iter_readings, named, pairs
from stance.articles import Article
from stance.dataset import Row, by_article, locate, only
from stance.lexicon import Lexicon
from stance.model import Model
from stance.text import sentences

POOL = 10  # times as many pairs are drawn as those of them that a model is unsure of


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows without labels, articles in random order; `pairs` of them have an actor, the others are sentences that only give context."""

    rows: tuple[Row, ...]
    pairs: int
    articles: int
    read: int


def sample(articles: Iterable[Article], wanted: int, *, lexicon: Lexicon, seed: int = 0) -> Sample:
    """So many articles that they hold `wanted` pairs; all, if there are fewer. Without those that have no actor, or the text of another.

    An article's place is a hash of seed and text: the same articles are drawn in whatever order they come, and a larger
    sample holds a smaller one. Memory is that of the sample.
    """
    drawn: dict[int, tuple[Row, ...]] = {}
    last = [1]  # a heap of their places, negative: the last one comes first; and at the end one before all
    count = read = 0
    for article in articles:
        read += 1
        place = int.from_bytes(hashlib.sha256(f"{seed}\0{article.text}".encode("utf-8", "surrogatepass")).digest())
        if place in drawn or count >= wanted and place > -last[0]:
            continue
        rows = _rows(article, lexicon)
        if not _pairs(rows):
            continue
        drawn[place] = rows
        heappush(last, -place)
        count += _pairs(rows)
        while count - _pairs(drawn[-last[0]]) >= wanted:
            count -= _pairs(drawn.pop(-heappop(last)))
    return Sample(tuple(r for place in sorted(drawn) for r in drawn[place]), count, len(drawn), read)


def unsure(drawn: Sample, wanted: int, model: Model, *, lexicon: Lexicon) -> Sample:
    """Of the pairs drawn, the `wanted` ones whose most probable label of its first head the model finds least probable (uncertainty sampling, Lewis &
    Gale 1994), and every sentence before them in their articles, without an actor where it has no such pair.

    They are no random sample: what is measured on them holds for nothing else.
    """
    pairs, rows, _ = locate(drawn.rows, lexicon)
    sure = model.predict_proba(pairs)[model.heads[0].head.name].max(1).tolist()
    at = [i for i, r in enumerate(drawn.rows) if r.actor]  # those of the pairs
    kept = only(drawn.rows, {at[i] for i in sorted(range(len(rows)), key=lambda i: sure[i])[:wanted]})
    return Sample(tuple(kept), _pairs(kept), len(by_article(kept)), drawn.read)


def _pairs(rows: Iterable[Row]) -> int:
    return sum(bool(r.actor) for r in rows)


def _rows(article: Article, lexicon: Lexicon) -> tuple[Row, ...]:
    out: list[Row] = []
    for reading in iter_readings(sentences(article.text), lexicon, date=article.date, speaker=article.speaker):
        s = reading.sentence
        found = [(p.actor, named(p.mentions)) for p in pairs(reading)] or [("", None)]
        for actor, m in found:
            start, end = (m.start, m.end) if m else (None, None)
            about = {"article_id": article.id, **{k: getattr(article, k) for k in ("date", "speaker", "title", "source")}}
            out.append(Row(article.id, s.index + 1, s.text, actor, {}, sentence_id=str(s.index), start=start, end=end, **about))
    return tuple(out)
