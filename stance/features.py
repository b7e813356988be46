"""Pairs to sparse features, with numpy alone.

A feature is a 64-bit key: a hash of its template and of the words, cue labels and
relations it is made of. No names are stored: `extract(..., trace=True)` also says from
which template and token each came, which is all an explanation needs.

The actor itself is masked: its mentions read as TARGET, every other mention as OTHER, so a
model cannot learn who is disliked. Relations come from `syntax.scan`. Rows depend on the pair
alone (no vocabulary, no corpus statistic).

The plan: the scans of all sentences become arrays with an element a token (`_Batch`), those the tokens of every pair, a mention being one
(`_Tokens`), with the cues among them (`_CueTable`). From these each template of TEMPLATES makes a vector of keys, with the row (the pair)
and a value for each; `_Gather.rows` sorts them by row, divides the values of each block by the square root of their length and weighs them by
BLOCKS. `sequences` gives the same tokens in order, for a network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.actors import Pair, Reading
from stance.syntax import CUE_KINDS, CUE_LABELS, MODALS, PRONOUN, QUOTED, STANCE_CUES, TONE_CUES, CueLexicon, Scan, default_cues, scan
from stance.text import MOST_FORMS, Memo

Keys = NDArray[np.uint64]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_APART = 1 << 32  # between the first tokens of two pairs, where a token has one number among those of all: no text is as long
_FAR = 999  # tokens from the actor's mention, where there is none

# Relations of a token to the pair's actor: is it the subject (speaker) of the token's clause, is another, is it a pronoun, nobody.
T, O, PRO, NONE = 0, 1, 2, 3
_CLAUSE_GROUP = np.array([0, 1, 1, 2, 2, 3, 0], dtype=np.int64)  # of MAIN, REPORTED, QUOTED, SUBORDINATE, RELATIVE, CONDITIONAL, INFINITIVE
_TAGS = {t: i for i, t in enumerate("MVBGEXPDSWCQKRIHT'N")}
_TAG_NUMBERS = bytes.maketrans("".join(_TAGS).encode(), bytes(_TAGS.values()))
_LABELS, _KINDS = ({x: i for i, x in enumerate(names)} for names in (CUE_LABELS, CUE_KINDS))
_VERBISH = np.array([t in "VBGE" for t in _TAGS], dtype=bool)
_WORDISH = np.array([t not in "QK" for t in _TAGS], dtype=bool)
_CONTENT = np.array([t in "VBGENXRI" for t in _TAGS], dtype=bool)


def _key(word: str) -> int:
    known = "#" if word[0].isdigit() else word
    return int.from_bytes(hashlib.blake2b(known.encode(errors="replace"), digest_size=8).digest(), "little")


word_key = Memo(_key).__getitem__  # a stable 64-bit key of a word (numbers share one)


_TARGET, _OTHER = np.uint64(word_key("\0target")), np.uint64(word_key("\0other"))
_EDGE = np.uint64(word_key("\0edge"))


def mix(*parts: Any) -> Keys:
    """Hash arrays (and scalars) of integers together, element by element (splitmix64 finaliser, Steele et al. 2014)."""
    h: Any = np.uint64(0x9E3779B97F4A7C15)
    with np.errstate(over="ignore"):
        for p in parts:
            x = np.asarray(p)
            x = x.astype(np.uint64) if x.dtype != np.uint64 else x
            h = h ^ x
            h *= np.uint64(0xBF58476D1CE4E5B9)
            h ^= h >> np.uint64(29)
            h *= np.uint64(0x94D049BB133111EB)
            h ^= h >> np.uint64(32)
    return np.atleast_1d(h)


# Number and block of each template; those of one block are scaled together (see `_Gather.rows`), then by the block's weight.
TEMPLATES: dict[str, tuple[int, str]] = {}
BLOCKS: dict[str, float] = {"words": 1.0, "relation": 1.0, "cue": 1.3, "near": 0.8, "shape": 0.5, "actor": 1.0, "letters": 1.0}


def _template(name: str, block: str) -> int:
    number = len(TEMPLATES) + 1
    TEMPLATES[name] = (number, block)
    return number


W1 = _template("word", "words")
W2 = _template("two words", "words")
R1 = _template("word by relation", "relation")
R2 = _template("two words by relation", "relation")
R3 = _template("verb by relation and object", "relation")
R4 = _template("verb group by relation", "relation")
R5 = _template("verb with its auxiliary by relation", "relation")
C1 = _template("cue by relation", "cue")
C2 = _template("cue by relation, clause and negation", "cue")
C3 = _template("cue by relation and object", "cue")
C4 = _template("cue", "cue")
C5 = _template("cue by the actor's place", "cue")
C6 = _template("strongest cue of the actor", "cue")
C7 = _template("cue in the actor's phrase", "cue")
N1 = _template("word after the actor", "near")
N2 = _template("words after the actor", "near")
N3 = _template("word before the actor", "near")
N4 = _template("words before the actor", "near")
N5 = _template("word near the actor", "near")
N6 = _template("word after the actor's phrase", "near")
S1 = _template("the actor's place", "shape")
S2 = _template("the actor's place and kind", "shape")
S3 = _template("the actor's relations", "shape")
S4 = _template("sentence", "shape")
A1 = _template("word by named actor", "actor")
A2 = _template("two words by named actor", "actor")
A3 = _template("letters by named actor", "letters")

_NAMES = {number: name for name, (number, _) in TEMPLATES.items()}
_BLOCK_OF = np.zeros(len(TEMPLATES) + 1, dtype=np.int64)
for _number, _block in TEMPLATES.values():
    _BLOCK_OF[_number] = list(BLOCKS).index(_block)
_BLOCK_WEIGHT = np.array(list(BLOCKS.values()))


@dataclass(frozen=True, slots=True)
class Rows:
    """Sparse rows, one a pair: row r has `keys[indptr[r]:indptr[r+1]]` with `values` alike.

    `template` and `token` (the first token of the sentence it came from, -1 for none) are
    filled when traced, else empty.
    """

    indptr: Ints
    keys: Keys
    values: Floats
    template: NDArray[np.int16]
    token: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.indptr) - 1


class _Gather:
    """Collects (row, key, value, template, token) from the templates, then sorts them by row; tokens only when traced."""

    def __init__(self, trace: bool) -> None:
        self.trace = trace
        none = np.zeros(0)
        self.parts: list[tuple[Any, ...]] = [tuple(map(none.astype, (np.int64, np.uint64, np.float64, np.int16, np.int32)))]

    def add(self, template: int, row: Ints, key: Keys, token: Ints, value: Floats | float = 1.0) -> None:
        if len(row):
            full = np.full(len(row), value) if np.isscalar(value) else value
            traced = token if self.trace else token[:0]
            self.parts.append((row, mix(template, key), full, np.full(len(row), template, np.int16), traced.astype(np.int32)))

    def rows(self, n: int) -> Rows:
        columns = list(zip(*self.parts, strict=True))
        self.parts.clear()  # what is put together goes at once: here most memory is wanted
        row, key, value, template, token = (np.concatenate(columns.pop(0)) for _ in range(5))
        order = np.argsort(row, kind="stable")
        row = row[order]
        key = key[order]
        template = template[order]
        value = value[order]
        cell = row * len(BLOCKS) + _BLOCK_OF[template]
        length = np.sqrt(np.bincount(cell, weights=value * value, minlength=n * len(BLOCKS)))
        # the square root of the usual length: a row with more evidence stays louder
        value = value / np.sqrt(length[cell]) * 0.6 * _BLOCK_WEIGHT[_BLOCK_OF[template]]
        indptr = np.concatenate(([0], np.cumsum(np.bincount(row, minlength=n))))
        if not self.trace:
            return Rows(indptr, key, value, np.zeros(0, np.int16), np.zeros(0, np.int32))
        return Rows(indptr, key, value, template, token[order])


@dataclass(slots=True)
class _Batch:
    """Token arrays of all sentences of a batch, one after another."""

    offset: Ints  # first token of a sentence
    size: Ints
    m_offset: Ints  # first mention of a sentence
    word: Keys
    tag: Ints
    subject: Ints
    speaker: Ints
    object: Ints
    clause: Ints
    negated: Ints
    hypothetical: Ints
    passive: Ints
    modal: Ints
    mention: Ints
    group: Ints  # by mention
    role: Keys  # by mention
    kind: Keys  # by mention
    first: Ints  # by mention: first token in the sentence
    last: Ints
    actor: Ints  # by mention: actor number in the batch


def _batch(scans: Sequence[Scan], readings: Sequence[Reading], actors: dict[str, int]) -> _Batch:
    def cat(get: Any, dtype: Any = np.int64) -> Any:
        return np.fromiter(chain.from_iterable(map(get, scans)), dtype)

    def small(get: Any) -> Ints:
        """The same of numbers from 0 to 255, which is quicker."""
        return np.frombuffer(b"".join([bytes(get(s)) for s in scans]), np.uint8).astype(np.int64)

    size = np.array([len(s.lower) for s in scans], np.int64)
    m_size = np.array([len(r.mentions) for r in readings], np.int64)
    ms = [m for r in readings for m in r.mentions]
    by_name = {x: cat(attrgetter(x)) for x in ("subject", "speaker", "object", "group")}
    by_name |= {x: small(attrgetter(x)) for x in ("clause", "negated", "hypothetical", "passive", "modal")}
    return _Batch(
        offset=np.cumsum(size) - size, size=size, m_offset=np.cumsum(m_size) - m_size,
        word=cat(lambda s: map(word_key, s.stems), np.uint64), tag=small(lambda s: "".join(s.tags).encode().translate(_TAG_NUMBERS)),
        mention=cat(lambda s: s.mention_at), role=cat(lambda s: map(word_key, s.role), np.uint64), **by_name,
        kind=np.array([word_key(m.kind) for m in ms], np.uint64),
        first=np.array([m.first for m in ms], np.int64), last=np.array([m.last for m in ms], np.int64),
        actor=np.array([actors.setdefault(m.actor, len(actors)) for m in ms], np.int64),
    )  # fmt: skip


def scan_all(pairs: Iterable[Pair], *, cues: CueLexicon | None = None) -> dict[int, Scan]:
    """The scan of every sentence of `pairs`, by the `id` of its reading (two pairs of one sentence share one)."""
    cues = cues or default_cues()
    return {key: scan(reading, cues) for key, reading in {id(p.reading): p.reading for p in pairs}.items()}


@dataclass(frozen=True, slots=True)
class Prepared:
    """Pairs as arrays of tokens, of which both kinds of features are made: sparse rows (`extract`) and sequences (`sequences`)."""

    pairs: Sequence[Pair]
    batch: _Batch
    scans: Sequence[Scan]
    sentence: Ints  # by pair: number of its sentence
    tokens: _Tokens
    cues: _CueTable


def prepare(pairs: Sequence[Pair], *, cues: CueLexicon | None = None, scans: dict[int, Scan] | None = None) -> Prepared:
    """Token arrays of pairs; `scans` are those of `scan_all`, when they are there already."""
    known = scan_all(pairs, cues=cues) if scans is None else scans
    unique = {id(p.reading): p.reading for p in pairs}
    number = {key: n for n, key in enumerate(unique)}
    scanned = [known[key] for key in unique]
    actors: dict[str, int] = {}
    batch = _batch(scanned, list(unique.values()), actors)
    sentence = np.array([number[id(p.reading)] for p in pairs], np.int64)
    target = np.array([actors.setdefault(p.actor, len(actors)) for p in pairs], np.int64)
    tokens = _tokens(batch, scanned, sentence, target)
    return Prepared(pairs, batch, scanned, sentence, tokens, _cue_table(scanned, sentence, tokens))


def extract(
    pairs: Sequence[Pair] | Prepared, *, cues: CueLexicon | None = None, trace: bool = False, actor_words: bool = False
) -> Rows:
    """Feature rows of `pairs`, in order. Equal for any batch size and order of the pairs.

    `actor_words` crosses the actor's own name with the words: for targets that need not occur in the text.
    """
    p = pairs if isinstance(pairs, Prepared) else prepare(pairs, cues=cues)
    gather = _Gather(trace)
    if len(p.pairs):
        _fill(gather, p)
        if actor_words:
            _actor_words(gather, p.batch, p.scans, p.sentence, np.array([word_key(x.actor) for x in p.pairs], np.uint64))
    return gather.rows(len(p.pairs))


# What a sequence says of each token, with the number of values; a token's vector has a one for each.
FACTS = {"tag": len(_TAGS), "relation": 16, "object": 4, "clause": len(_CLAUSE_GROUP), "negated": 4, "passive": 2, "modal": len(MODALS), "mention": 3}
_FACT_START = np.cumsum([0, *FACTS.values()])
INPUTS = int(_FACT_START[-1]) + len(CUE_LABELS)  # numbers a token has beside the vector of its word
OWN = int(_FACT_START[-2]) + 1  # the fact that a token is a mention of the pair's own actor


@dataclass(frozen=True, slots=True)
class Sequences:
    """Pairs as sequences of tokens, for a network: pair r has the tokens `indptr[r]:indptr[r+1]`, a mention of several words being one.

    `word` are keys as of `word_key`, the actor masked; `facts`, shape (tokens, len(FACTS)), columns of the INPUTS that are one;
    `cue_token`, which rises, `cue_input` and `cue_weight` are the columns of the cues at a token, with their weights.
    """

    indptr: Ints
    word: Keys
    facts: NDArray[np.int16]
    cue_token: Ints
    cue_input: Ints
    cue_weight: Floats

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def take(self, rows: Ints) -> Sequences:
        """The given pairs, in the given order."""
        indptr, at = _taken(self.indptr, rows)
        starts, ends = (np.searchsorted(self.cue_token, at, side=side) for side in ("left", "right"))
        token, cue = ragged(starts, ends - starts)
        return Sequences(indptr, self.word[at], self.facts[at], token, self.cue_input[cue], self.cue_weight[cue])


def sequences(prepared: Prepared) -> Sequences:
    """Token sequences of pairs, in order."""
    b, t, n = prepared.batch, prepared.tokens, len(prepared.pairs)
    mention = np.where(t.is_own, 1, np.where(t.is_mention, 2, 0))
    at = t.at
    columns = (t.tag, t.rel, t.obj, b.clause[at], b.negated[at] + 2 * b.hypothetical[at], b.passive[at], b.modal[at], mention)
    facts = (np.stack(columns, axis=1) + _FACT_START[:-1]).astype(np.int16)
    cues = prepared.cues
    size = np.bincount(t.row, minlength=n)
    return Sequences(np.concatenate(([0], np.cumsum(size))), t.word, facts, cues.spot, _FACT_START[-1] + cues.label, cues.weight)


def _taken(indptr: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """The `indptr` of the given rows in the given order, and where their elements lie."""
    sizes = np.diff(indptr)[rows]
    return np.concatenate(([0], np.cumsum(sizes))), ragged(indptr[rows], sizes)[1]


def ragged(starts: Ints, sizes: Ints) -> tuple[Ints, Ints]:
    """Row number and flat position of every element of ragged ranges."""
    row = np.repeat(np.arange(len(sizes)), sizes)
    ends = np.cumsum(sizes)
    at = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - sizes, sizes) + np.repeat(starts, sizes)
    return row, at


@dataclass(slots=True)
class _Tokens:
    """The tokens of every pair, one pair after another, a mention of several words as one, with their relations to the pair's actor."""

    row: Ints  # number of the pair
    at: Ints  # position in the batch
    position: Ints  # in the sentence
    word: Keys
    tag: Ints
    subject: Ints
    speaker: Ints
    obj: Ints
    is_own: NDArray[np.bool_]
    is_mention: NDArray[np.bool_]
    m_row: Ints  # by mention of each pair's sentence: number of the pair
    m_at: Ints  # … and of the mention in the batch
    own: NDArray[np.bool_]  # … and whether it is the actor's

    @property
    def rel(self) -> Ints:
        """Subject and speaker in one number."""
        return self.subject * 4 + self.speaker


def _tokens(b: _Batch, scans: Sequence[Scan], sentence: Ints, target: Ints) -> _Tokens:
    # mentions by pair; whether each, and each list of mentions, holds the target
    m_size = np.array([len(s.group) for s in scans], np.int64)
    m_row, m_at = ragged(b.m_offset[sentence], m_size[sentence])
    m_start = np.cumsum(m_size[sentence]) - m_size[sentence]
    own = b.actor[m_at] == target[m_row]
    in_group = np.zeros(len(m_at) + 1, bool)
    np.logical_or.at(in_group, m_start[m_row] + b.group[m_at], own)

    row, at = ragged(b.offset[sentence], b.size[sentence])
    position = at - b.offset[sentence][row]
    mention = b.mention[at]
    is_mention = mention >= 0
    is_own = is_mention & (b.actor[np.where(is_mention, b.m_offset[sentence][row] + mention, 0)] == target[row]) if len(b.actor) else is_mention
    word = np.where(is_own, _TARGET, np.where(is_mention, _OTHER, b.word[at]))
    # a mention of several words reads as one
    inside = np.concatenate(([False], is_mention[1:] & (mention[1:] == mention[:-1]) & (row[1:] == row[:-1])))[: len(row)]
    keep = ~inside
    row, at, position, word, is_own, is_mention = row[keep], at[keep], position[keep], word[keep], is_own[keep], is_mention[keep]

    def relation(group: Ints) -> Ints:
        has = in_group[np.where(group >= 0, m_start[row] + group, -1)]
        return np.where(group >= 0, np.where(has, T, O), np.where(group == PRONOUN, PRO, NONE))

    subject, speaker, obj = (relation(x[at]) for x in (b.subject, b.speaker, b.object))
    return _Tokens(row, at, position, word, b.tag[at], subject, speaker, obj, is_own, is_mention, m_row, m_at, own)


def _fill(g: _Gather, prepared: Prepared) -> None:
    b, t = prepared.batch, prepared.tokens
    row, at, position, word, tag, obj, rel = t.row, t.at, t.position, t.word, t.tag, t.obj, t.rel
    neg, passive, modal = b.negated[at], b.passive[at], b.modal[at]
    after = np.concatenate((np.where(row[1:] == row[:-1], word[1:], _EDGE), [_EDGE]))
    plain = _WORDISH[tag]
    g.add(W1, row[plain], word[plain], position[plain])
    g.add(W2, row, mix(word, after), position)
    r = plain & ~t.is_mention
    g.add(R1, row[r], mix(rel[r], word[r]), position[r])
    g.add(R2, row[r], mix(rel[r], word[r], after[r]), position[r], 0.7)
    v = _VERBISH[tag]
    g.add(R3, row[v], mix(rel[v], obj[v], neg[v], passive[v], word[v]), position[v])
    g.add(R4, row[v], mix(rel[v], modal[v], neg[v], passive[v]), position[v])
    g.add(R5, row[v], mix(rel[v], modal[v], neg[v], word[v]), position[v])
    _cues(g, prepared)
    _near(g, t)
    _shape(g, prepared)


@dataclass(slots=True)
class _CueTable:
    """The cues of every pair's sentence."""

    row: Ints  # number of the pair
    token: Ints  # in the sentence
    spot: Ints  # in `_Tokens`
    label: Ints
    kind: Ints
    weight: Floats  # a third of the table's: 1 at most


def _cue_table(scans: Sequence[Scan], sentence: Ints, t: _Tokens) -> _CueTable:
    found = [f for s in scans for f in s.cues]
    sizes = np.array([len(s.cues) for s in scans], np.int64)
    row, at = ragged((np.cumsum(sizes) - sizes)[sentence], sizes[sentence])
    columns = [f.first for f in found], [_LABELS[f.label] for f in found], [_KINDS[f.kind] for f in found]
    token, label, kind = (np.array(column, np.int64)[at] for column in columns)
    weight = np.array([f.weight for f in found], np.float64)[at]
    # position of (row, token) in the token arrays, where a mention is one token
    spot = np.searchsorted(t.row * _APART + t.position, row * _APART + token, side="right") - 1
    return _CueTable(row, token, spot, label, kind, weight / 3.0)


def _cues(g: _Gather, prepared: Prepared) -> None:
    b, t, c = prepared.batch, prepared.tokens, prepared.cues
    if not len(c.row):
        return
    c_row, token, spot, label, kind, weight = c.row, c.token, c.spot, c.label, c.kind, c.weight
    crel, csub, cspk, cobj = t.rel[spot], t.subject[spot], t.speaker[spot], t.obj[spot]
    at = t.at[spot]
    ccl, cneg, chyp = _CLAUSE_GROUP[b.clause[at]], b.negated[at], b.hypothetical[at]
    g.add(C1, c_row, mix(crel, label, cneg), token, weight)
    g.add(C2, c_row, mix(crel, label, kind, ccl, cneg, chyp), token, weight)
    g.add(C3, c_row, mix(csub, cobj, label, kind), token, weight)
    g.add(C4, c_row, mix(label, cneg), token, weight * 0.5)
    role_row, role = t.m_row[t.own], b.role[t.m_at[t.own]]
    if len(role_row):
        first = np.minimum(np.searchsorted(role_row, c_row), len(role_row) - 1)
        has = role_row[first] == c_row
        g.add(C5, c_row[has], mix(role[first[has]], label[has], cneg[has]), token[has], weight[has])
        _attached(g, prepared)
    # strongest cue of stance, and of tone, whose subject is the actor, or that the actor says with itself (a pronoun) as subject
    mine = ((csub == T) | ((cspk == T) & (csub != O))) & (label < len(STANCE_CUES + TONE_CUES))
    best: dict[tuple[int, bool], tuple[float, int, int, int]] = {}
    for i in np.flatnonzero(mine):
        slot = int(c_row[i]), bool(label[i] >= len(STANCE_CUES))
        # less in a subordinate or hypothetical clause; of the same the first one
        score = (float(weight[i]) - 0.3 * float(ccl[i] >= 2) - 0.2 * float(chyp[i]), -int(token[i]), int(label[i]), int(cneg[i]))
        if slot not in best or score > best[slot]:
            best[slot] = score
    if best:
        before, own_label, own_neg = np.array([v[1:] for v in best.values()]).T
        g.add(C6, np.array([r for r, _ in best]), mix(own_label, own_neg), -before)


def _attached(g: _Gather, prepared: Prepared) -> None:
    """Cues in the phrase of a mention ("U.S. sanctions") and cues it hangs on by a preposition ("sanctions on Iran")."""
    b, t, c = prepared.batch, prepared.tokens, prepared.cues
    r, m = t.m_row[t.own], t.m_at[t.own]
    code = c.row * _APART + c.token
    for side in (0, 1):
        for step in (1, 2, 3, 4):
            want = r * _APART + (b.last[m] + step - 1 if side else b.first[m] - step)
            low, high = np.searchsorted(code, want), np.searchsorted(code, want, side="right")
            for extra in range(3):  # a token begins at most a few cues
                hit = np.flatnonzero(low + extra < high)
                if not len(hit):
                    break
                at = low[hit] + extra
                where = mix(1, min(step, 3), b.kind[m[hit]]) if side else mix(0, 0, b.role[m[hit]])
                g.add(C7, r[hit], mix(where, c.label[at], c.kind[at]), c.token[at], c.weight[at])


def _near(g: _Gather, t: _Tokens) -> None:
    row, position, word, size = t.row, t.position, t.word, len(t.row)
    center = np.flatnonzero(t.is_own)

    def at(shift: int) -> Keys:
        j = center + shift
        ok = (j >= 0) & (j < size)
        j = np.clip(j, 0, size - 1)
        return np.where(ok & (row[j] == row[center]), word[j], _EDGE)

    r, p = row[center], position[center]
    a1, a2, a3, b1, b2 = at(1), at(2), at(3), at(-1), at(-2)
    for shift, w in ((1, a1), (2, a2), (3, a3)):
        g.add(N1, r, mix(shift, w), p)
    g.add(N2, r, mix(1, a1, a2), p)
    g.add(N2, r, mix(2, a2, a3), p)
    g.add(N3, r, mix(1, b1), p)
    g.add(N3, r, mix(2, b2), p)
    g.add(N4, r, mix(b2, b1), p)
    g.add(N4, r, mix(3, b1, a1), p)
    # first verb to the right of each mention of the actor
    verbs = np.flatnonzero(_VERBISH[t.tag])
    if len(verbs):
        nxt = np.searchsorted(verbs, center, side="right")
        ok = nxt < len(verbs)
        j = verbs[np.minimum(nxt, len(verbs) - 1)]
        ok &= row[j] == r
        g.add(N6, r[ok], mix(np.minimum(position[j[ok]] - p[ok], 8) // 3, word[j[ok]]), position[j[ok]])
    if len(center):
        _nearest(g, t, center)


def _nearest(g: _Gather, t: _Tokens, center: Ints) -> None:
    """Every content word with the side and, as its value, the nearness of the nearest mention of the actor; `center` are these, in order."""
    k = np.flatnonzero(_CONTENT[t.tag] & ~t.is_mention)
    right = np.searchsorted(center, k)
    left_c, right_c = center[np.maximum(right - 1, 0)], center[np.minimum(right, len(center) - 1)]
    dl = np.where((right > 0) & (t.row[left_c] == t.row[k]), k - left_c, _FAR)
    dr = np.where((right < len(center)) & (t.row[right_c] == t.row[k]), right_c - k, _FAR)
    d = np.minimum(dl, dr)
    near = d < _FAR
    k, d, side = k[near], d[near], (dl < dr)[near]
    g.add(N5, t.row[k], mix(side, t.word[k]), t.position[k], 1.0 / (1.0 + d / 4.0))


def _shape(g: _Gather, prepared: Prepared) -> None:
    b, t, n = prepared.batch, prepared.tokens, len(prepared.pairs)
    row, subject, speaker = t.row, t.subject, t.speaker
    r, m = t.m_row[t.own], t.m_at[t.own]
    g.add(S1, r, b.role[m], b.first[m])
    g.add(S2, r, mix(b.role[m], b.kind[m]), b.first[m])
    verb = _VERBISH[t.tag]
    size = np.bincount(row, minlength=n)
    first = np.full(n, _FAR)  # the actor's first token
    np.minimum.at(first, row[t.is_own], np.flatnonzero(t.is_own) - (np.cumsum(size) - size)[row[t.is_own]])
    every = np.arange(n)
    none = np.full(n, -1)

    def count(mask: NDArray[np.bool_]) -> Ints:
        return np.bincount(row[mask], minlength=n)

    flags = (
        np.minimum(count(verb & (subject == T)), 2), np.minimum(count(speaker == T), 1), np.minimum(count(speaker == O), 1),
        np.minimum(count(verb & (t.obj == T)), 1), np.minimum(count(verb & (subject == O)), 2),
    )  # fmt: skip
    g.add(S3, every, mix(1, *flags), none)
    for i, f in enumerate(flags):
        g.add(S3, every, mix(2 + i, f), none)
    others = np.bincount(t.m_row[~t.own], minlength=n)
    g.add(S4, every, mix(1, np.minimum(others, 3)), none)
    g.add(S4, every, mix(2, np.minimum(size // 8, 6)), none)
    quoted = count(b.clause[t.at] == QUOTED) > 0
    g.add(S4, every, mix(3, quoted, flags[1]), none)
    g.add(S4, every, mix(4, np.minimum(first // 4, 6)), none)


@lru_cache(maxsize=MOST_FORMS)
def _letters(word: str) -> tuple[int, ...]:
    """Keys of the runs of two to five letters of a word, its edges marked (scikit-learn's `char_wb`)."""
    padded = f" {word} "
    return tuple(word_key("\0" + padded[i : i + n]) for n in (2, 3, 4, 5) for i in range(len(padded) - n + 1))


def _actor_words(g: _Gather, b: _Batch, scans: Sequence[Scan], sentence: Ints, name: Keys) -> None:
    row, at = ragged(b.offset[sentence], b.size[sentence])
    position = at - b.offset[sentence][row]
    after = np.concatenate((np.where(row[1:] == row[:-1], b.word[at][1:], _EDGE), [_EDGE]))
    g.add(A1, row, mix(name[row], b.word[at]), position)
    g.add(A2, row, mix(name[row], b.word[at], after), position, 0.7)
    runs = [[_letters(w) for w in s.lower] for s in scans]
    for r, k in enumerate(sentence):
        keys = np.array([x for run in runs[k] for x in run], np.uint64)
        token = np.repeat(np.arange(len(runs[k])), [len(run) for run in runs[k]])
        g.add(A3, np.full(len(keys), r), mix(name[r], keys), token)


def template_name(number: int) -> str:
    """The template's name in words, for explanations."""
    return _NAMES[int(number)]


_SIEVE = 19  # bits of a key that the sieve looks at


def lookup(rows: Rows, keys: Keys) -> tuple[Ints, NDArray[np.bool_]]:
    """Column of every entry of `rows` in the sorted vocabulary `keys`, and whether it is there (else the column means nothing)."""
    column, known = np.zeros(len(rows.keys), np.int64), np.zeros(len(rows.keys), bool)
    if not len(keys):
        return column, known
    # the leading bits tell of nearly all entries that they are in no vocabulary, or where: few are left to search for
    shift = np.uint64(64 - _SIEVE)
    sieve = np.full(1 << _SIEVE, -1, np.int32)
    sieve[keys >> shift] = np.arange(len(keys))
    at = sieve[rows.keys >> shift]
    maybe = np.flatnonzero(at >= 0)
    at, wanted = at[maybe], rows.keys[maybe]
    other = np.flatnonzero(keys[at] != wanted)
    at[other] = np.minimum(np.searchsorted(keys, wanted[other]), len(keys) - 1)
    column[maybe], known[maybe] = at, keys[at] == wanted
    return column, known


def _below(indptrs: Sequence[Ints]) -> Ints:
    """The `indptr` of rows one below the other."""
    return np.concatenate(([0], np.cumsum(np.concatenate([np.zeros(0, np.int64), *map(np.diff, indptrs)]))))


def concat(parts: Iterable[Rows]) -> Rows:
    """Rows one below the other."""
    ps = list(parts)
    return Rows(
        _below([p.indptr for p in ps]),
        np.concatenate([p.keys for p in ps]), np.concatenate([p.values for p in ps]),
        np.concatenate([p.template for p in ps]), np.concatenate([p.token for p in ps]),
    )  # fmt: skip


def concat_sequences(parts: Iterable[Sequences]) -> Sequences:
    """Sequences one after another."""
    ps = list(parts)
    shift = np.cumsum([0] + [len(p.word) for p in ps])
    return Sequences(
        _below([p.indptr for p in ps]),
        np.concatenate([p.word for p in ps]), np.concatenate([p.facts for p in ps]),
        np.concatenate([p.cue_token + s for p, s in zip(ps, shift, strict=False)]),
        np.concatenate([p.cue_input for p in ps]), np.concatenate([p.cue_weight for p in ps]),
    )  # fmt: skip
