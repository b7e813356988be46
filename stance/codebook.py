"""The labels: the default codebook, and any other label set a user brings."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

STANCES = ("firm", "accuse", "deny", "demand", "threaten", "cooperate", "neutral")
TONES = ("hostile", "stern", "neutral", "warm")
NEUTRAL = "neutral"
UNSURE = "unsure"
TOLD = ("title", "date", "source")  # what a row of the results tells of its article
STORED = ("id", "run", "input", "paragraph", "number", "index")  # what databases and Parquet tell beside it

GLOSSES: dict[str, dict[str, str]] = {
    "stance": {
        "firm": "defends its own position, action or right, or refuses to change it",
        "accuse": "blames, criticises, condemns or protests what another did or is",
        "deny": "rejects an allegation or another's account of its own conduct",
        "demand": "calls on, urges, asks or orders another to do or stop something",
        "threaten": "warns of, announces or takes a punitive or coercive step",
        "cooperate": "offers, backs or takes a conciliatory or friendly step",
        "neutral": "is mentioned, or speaks, without any of these",
    },
    "tone": {
        "hostile": "angry, contemptuous, menacing or violent",
        "stern": "critical, firm or wary, but controlled",
        "neutral": "matter-of-fact, procedural",
        "warm": "friendly, appreciative, regretful or conciliatory",
    },
}


@dataclass(frozen=True, slots=True)
class Head:
    """One label column: its name, its labels in their order, and whether that order is a scale.

    `neutral` is the label that says nothing is taken: the one named, else `neutral` where the head has such a label, else ''.
    """

    name: str
    labels: tuple[str, ...]
    _: KW_ONLY
    ordered: bool = False
    neutral: str = ""

    def __post_init__(self) -> None:
        if self.neutral not in self.labels:
            object.__setattr__(self, "neutral", NEUTRAL if NEUTRAL in self.labels else "")

    @property
    def named(self) -> tuple[tuple[str, str], ...]:
        """(head, label) of every label: what a score is of, where those of several heads stand side by side."""
        return tuple((self.name, x) for x in self.labels)

    def index(self, label: str) -> int:
        """Position of `label` in the head's order. Raises ValueError for an unknown label."""
        return self.labels.index(label)


DEFAULT_HEADS = {
    "stance": Head("stance", STANCES),
    "tone": Head("tone", TONES, ordered=True),
}
_SCALES = (("negative", "neutral", "positive"), ("against", "none", "favor"))


def head_for(name: str, seen: set[str]) -> Head:
    """The head that fits the labels seen in a column.

    A column whose labels all belong to the codebook's head of that name keeps the
    codebook's order (labels not seen are dropped); well-known scales keep theirs;
    anything else is the user's own label set, numbers by their value and before the others, which come in alphabetical order.
    """
    default = DEFAULT_HEADS.get(name)
    if default and seen <= set(default.labels):
        return Head(name, tuple(x for x in default.labels if x in seen), ordered=default.ordered)
    for scale in _SCALES:
        if seen <= set(scale):
            return Head(name, tuple(x for x in scale if x in seen), ordered=True)
    return Head(name, tuple(sorted(seen, key=lambda x: (value_of(x), x))))


def value_of(label: str) -> float:
    """The number that a label is (`-2`, `0,5`); infinity of any other label."""
    return float(label.replace(",", ".")) if re.fullmatch(r"[+-]?[0-9]+([.,][0-9]+)?", label) else math.inf


def gloss(head: str, label: str) -> str:
    """The codebook's one-line definition of a label; empty for labels that are not ours."""
    return GLOSSES.get(head, {}).get(label, "")


def column_clashes(heads: Mapping[str, Sequence[str]], *, stored: bool = False) -> dict[tuple[str, str], str]:
    """What (head, label; '' for the head itself) would need a column or a word of the results that another has already, and what to do.

    A head h has the columns h, h_p and, in CSV, h_LABEL for every label; elsewhere h_probs for all of them. The columns TOLD and the label `unsure`
    are taken, with `stored` the columns STORED too.
    """
    out = {(h, ""): f"head {h!r} would have the column of its article's {h.lower()} in results; rename the head" for h in heads if h.lower() in TOLD}
    for head in (h for h in heads if stored and h.lower() in STORED):
        out[head, ""] = f"head {head!r} would have a column {head.lower()!r} that databases or Parquet files have already; rename the head"
    csv: dict[str, tuple[str, str]] = {}
    other: dict[str, tuple[str, str]] = {}
    own = [(table, f"{h}{end}", h, "") for h in heads for table, ends in ((csv, ("", "_p")), (other, ("", "_p", "_probs"))) for end in ends]
    for table, column, head, label in [*own, *((csv, f"{h}_{x}", h, x) for h, labels in heads.items() for x in labels)]:
        old = table.setdefault(column.lower(), (head, label))
        if old[0] != head or label and not old[1]:
            what, whose = (f"{'label ' + repr(x) + ' of ' if x else ''}head {h!r}" for h, x in ((head, label), old))
            told = f"{what} would have the column {column!r} in results, which is one of {whose}"
            out[head, label] = f"{told}; rename the {'label' if label else 'head'}"
    for head in (h for h, labels in heads.items() if UNSURE in labels):
        out[head, UNSURE] = f"label {UNSURE!r} of head {head!r} is what results say where no label is sure enough; label these rows, or rename it"
    return out


def reports_of(manifest: Mapping[str, Any], part: str) -> dict[str, Any]:
    """A manifest's scores by head (`part`: report or held_out) in the order of its heads: the file has them by the alphabet."""
    reports = manifest.get(part, {})
    return {h["name"]: reports[h["name"]] for h in manifest["heads"] if h["name"] in reports}
