"""Whom a stance is directed at: every other actor of the sentence is given points for its place there.

The points were chosen on the `target` column of the training reports (`benchmarks/targets.py` scores them); logistic
regression over these and forty more traits gained one point of F1 there (grouped cross-validation), so the rules stayed.
What counts most is how often the article has named the other actor so far: disputes have two sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from stance.actors import Mention, Pair, Reading
from stance.codebook import NEUTRAL
from stance.syntax import Scan

POINTS = {
    "most named so far": 5, "second most named": 1,
    "the only other actor": 3, "one of several": 1, "nearest": 1,
    "object of the actor's verb": 3, "right after the actor's cue": 2, "acts in the actor's words": 1,
    "agent": 2, "after a preposition": 1,
    "listed with the actor": -5, "in its company": -5, "joined in cooperation": -2, "own conduct": -1, "helped the actor": -9,
    "told of another": -5, "of whom another is told": 3,
}  # fmt: skip
ENOUGH = 4
_COMPANY = frozenset(("alongside", "including", "joined", "joining"))  # before the other actor, as "along with" and "together with"
_ALLIES = frozenset(("member", "members", "ally", "allies"))  # between it and the next
_TELLING = frozenset(("told", "tell", "tells", "telling"))
_TELLING_TO = frozenset("complained complains complain complaining said wrote protested".split())
_RELATIVE = frozenset(("which", "who"))
_JOINT = frozenset("drafted written wrote sponsored tabled".split())
_OWN_CONDUCT = frozenset(("firm", "deny"))  # stances that as a rule are about the actor itself


def with_named(readings: Iterable[Reading]) -> Iterator[tuple[Reading, tuple[str, ...]]]:
    """Every reading of one article with the three actors named in most of its sentences so far, this one included.

    Of equals the one named first comes first; those who make a joint statement are not counted.
    """
    counts: dict[str, int] = {}
    most: tuple[str, ...] = ()
    for r in readings:
        for actor in dict.fromkeys([m.actor for m in r.mentions if m.actor and m.kind != "place" and m.actor not in r.speakers]):
            counts[actor] = counts.get(actor, 0) + 1
        if r.mentions:
            most = tuple(sorted(counts, key=counts.__getitem__, reverse=True)[:3])
        yield r, most


def find_targets(
    pairs: Sequence[Pair], labels: Sequence[str], named: Sequence[tuple[str, ...]], scans: dict[int, Scan], *, neutral: str = NEUTRAL
) -> list[tuple[str, ...]]:
    """The targets of each pair with its label, in the order of the sentence; none for a pair with the label `neutral`, or where it is unclear.

    `named[i]` is what `with_named` gives for the pair's reading, `scans` are those of `features.scan_all`. In a sentence that names nobody else, the
    target is the other side of the article so far, unless the actor speaks of its own conduct (`firm`, `deny`).
    """
    found: list[tuple[str, ...]] = []
    for pair, label, so_far in zip(pairs, labels, named, strict=True):
        ranks = [a for a in so_far if a != pair.actor][:2]
        if label == neutral:
            found.append(())
        elif all(m.actor in ("", pair.actor) or m.kind == "place" for m in pair.reading.mentions):
            found.append(tuple(ranks[:1]) if label not in _OWN_CONDUCT else ())
        else:
            points = {a: sum(map(POINTS.__getitem__, t)) for a, t in traits(pair, label, ranks, scans[id(pair.reading)]).items()}
            found.append(tuple(a for a, n in points.items() if n >= ENOUGH))
    return found


def traits(pair: Pair, label: str, ranks: Sequence[str], s: Scan) -> dict[str, list[str]]:
    """The keys of POINTS that hold for each other actor of the sentence. `ranks`: others most named so far."""
    mentions = pair.reading.mentions
    numbers: dict[str, list[int]] = {}
    for k, m in enumerate(mentions):
        if m.actor and m.kind != "place":
            numbers.setdefault(m.actor, []).append(k)
    mine = {s.group[k] for k in numbers.pop(pair.actor, ())}
    told = _told_of(pair.reading, pair.actor)
    first = pair.mentions[0].first if pair.mentions else 0
    nearest = min(numbers, key=lambda a: min(abs(mentions[k].first - first) for k in numbers[a]), default="")
    cue_ends = {f.last for f in s.cues if f.label == label and (s.subject[f.first] in mine or s.speaker[f.first] in mine)}
    after_cues = cue_ends | {e + 1 for e in cue_ends}
    acted_on = {b for a, b in zip(s.subject, s.object, strict=True) if a in mine}
    acting = {b for a, b in zip(s.speaker, s.subject, strict=True) if a in mine}
    out = {}
    for actor, ks in numbers.items():
        groups = {s.group[k] for k in ks}
        roles = {s.role[k] for k in ks}
        held = {
            "most named so far": ranks[:1] == [actor],
            "second most named": ranks[1:] == [actor],
            "the only other actor": len(numbers) == 1,
            "one of several": len(numbers) > 1,
            "nearest": actor == nearest,
            "object of the actor's verb": not acted_on.isdisjoint(groups),
            "right after the actor's cue": any(mentions[k].first in after_cues for k in ks),
            "acts in the actor's words": not acting.isdisjoint(groups),
            "agent": bool(roles & {"agent", "prep:by"}),
            "after a preposition": any(r.startswith("prep:") and r != "prep:by" for r in roles),
            "listed with the actor": bool(groups & mine) and label != "cooperate",
            "in its company": all(_in_company(pair.reading, mentions[k]) for k in ks),
            "helped the actor": label != "cooperate" and all(_helped(pair.reading, mentions[k]) for k in ks),
            "joined in cooperation": bool(groups & mine) and label == "cooperate",
            "own conduct": label in _OWN_CONDUCT,
            "told of another": told[:1] == (actor,) and label != "cooperate",
            "of whom another is told": told[1:] == (actor,) and label != "cooperate",
        }
        out[actor] = [name for name, holds in held.items() if holds]
    return out


def _told_of(reading: Reading, actor: str) -> tuple[str, ...]:
    """Who is told, by the actor, what a third one has done, and that one: "told the UN that Chile had left"; empty where nobody is."""
    words, mentions = reading.tokens.lower, reading.mentions
    for m in mentions:
        before = [w for w in words[max(0, m.first - 3) : m.first] if w != "the"]
        told = before[-1:] and before[-1] in _TELLING or before[-1:] == ["to"] and not _TELLING_TO.isdisjoint(before[-2:-1])
        if not told or m.actor == actor:
            continue
        teller = next((x.actor for x in reversed(mentions) if x.first < m.first and x.actor and x.kind != "place"), "")
        if teller == actor:
            that = next((k for k in range(m.last, min(m.last + 5, len(words))) if words[k] == "that"), None)
            done = next((x for x in mentions if that is not None and that < x.first <= that + 2), None)
            if done and done.kind != "place" and done.actor not in ("", actor, m.actor):
                return m.actor, done.actor
    return ()


def _helped(reading: Reading, m: Mention) -> bool:
    """Whether a mention is of who worked with somebody, told in passing: "which had drafted the text with Peru"."""
    clause = reading.tokens.lower[max(0, m.first - 9) : m.first]
    return clause[-1:] == ["with"] and not _JOINT.isdisjoint(clause[-4:-3]) and not _RELATIVE.isdisjoint(clause)


def _in_company(reading: Reading, m: Mention) -> bool:
    """Whether the words around a mention say that it is with somebody: "alongside France", "NATO member Poland"."""
    words = reading.tokens.lower
    before = [w for w in words[max(0, m.first - 3) : m.first] if w != "the"]
    if before[-1:] == ["with"]:
        return before[-2:-1] in (["along"], ["together"])
    named_next = any(x.first == m.last + 1 for x in reading.mentions)
    return bool(before) and before[-1] in _COMPANY or named_next and words[m.last] in _ALLIES
