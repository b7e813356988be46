"""How well `stance.targets` finds whom a stance is directed at.

    python benchmarks/targets.py training_data/*.csv

The CSV files are labelled as for `stance train`, with a column `target` (names joined by `;`, empty for nobody). Rows whose
stance is not neutral are scored with their true stance, so that only the finding of targets is measured: micro precision,
recall and F1 over (pair, target), beside two plain rules, with a 95 % interval of F1 over articles. With `--predicted` the
shipped model's stance takes the place of the true one.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import stance
from stance.actors import Pair
from stance.dataset import Dataset, Row
from stance.evaluation import percentiles, resample
from stance.features import scan_all
from stance.targets import find_targets, with_named

Found = list[tuple[str, ...]]


def wanted(files: Iterable[Path]) -> dict[tuple[str, str, str, str], tuple[str, ...]]:
    """The target column by file, article, sentence and actor."""
    out = {}
    for path in files:
        with path.open(encoding="utf-8-sig", newline="") as f:
            for r in csv.DictReader(f):
                if "target" not in r:
                    sys.exit(f"{path}: no column 'target'")
                out[key(str(path), r["article_id"], r["text"], r["actor"])] = tuple(x.strip() for x in r["target"].split(";") if x.strip())
    return out


def key(*parts: str) -> tuple[str, str, str, str]:
    """Cells as a key, without blanks around them."""
    file, article, text, actor = (p.strip() for p in parts)
    return file, article, text, actor


def named(data: Dataset) -> list[tuple[str, ...]]:
    """What the article has told before each pair, as `classify` knows it."""
    articles: dict[tuple[str, str], list[Pair]] = {}
    for row, pair in zip(data.rows, data.pairs, strict=True):
        articles.setdefault((row.file, row.article_id), []).append(pair)
    by_reading: dict[int, tuple[str, ...]] = {}
    for pairs in articles.values():
        readings = {id(p.reading): p.reading for p in pairs}
        by_reading |= {id(r): told for r, told in with_named(readings.values())}
    return [by_reading[id(p.reading)] for p in data.pairs]


def everyone(pairs: Iterable[Pair]) -> Found:
    """Baseline: all others of the sentence."""
    return [tuple({m.actor for m in p.reading.mentions if m.actor and m.kind != "place"} - {p.actor}) for p in pairs]


def nearest(pairs: Iterable[Pair]) -> Found:
    """Baseline: the other actor nearest to the actor's first mention."""
    out = []
    for p in pairs:
        first = p.mentions[0].first if p.mentions else 0
        others = [m for m in p.reading.mentions if m.actor not in ("", p.actor) and m.kind != "place"]
        out.append((min(others, key=lambda m: abs(m.first - first)).actor,) if others else ())
    return out


def score(found: Found, truth: Found, groups: list[str]) -> str:
    """Precision, recall, F1 with its interval."""
    counts = np.array([(len(set(f) & set(t)), len(f), len(t)) for f, t in zip(found, truth, strict=True)])
    hit, said, right = counts.sum(0)
    article = np.unique(groups, return_inverse=True)[1]
    tables = np.array([np.bincount(article, weights=column) for column in counts.T]).T
    interval = percentiles([2 * h / max(1, s + r) for h, s, r in resample(tables, draws=500)], len(tables))
    f1 = 2 * hit / max(1, said + right)
    return f"precision {hit / max(1, said):.3f}   recall {hit / max(1, right):.3f}   F1 {f1:.3f}   ({'–'.join(f'{x:.3f}' for x in interval or ())})"


def main() -> None:
    """Score the files given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+", metavar="CSV", help="labelled CSV files with a column `target`")
    parser.add_argument("--predicted", action="store_true", help="with the shipped model's stance in place of the true one")
    args = parser.parse_args()
    data = stance.read_dataset(args.files, heads=["stance"])
    labels = list(data.labels["stance"])
    if args.predicted:
        head = stance.default_model().head("stance").head
        labels = [head.labels[i] for i in stance.default_model().predict_proba(data.pairs)["stance"].argmax(1)]
    column = wanted(args.files)
    truth = [column[of(r)] for r in data.rows]
    told = named(data)
    keep = [i for i, x in enumerate(data.labels["stance"]) if x != "neutral"]
    groups = [data.articles[i] for i in keep]
    pairs = [data.pairs[i] for i in keep]
    print(f"{len(keep)} pairs with a stance, {sum(not truth[i] for i in keep)} of them at nobody")
    rules: dict[str, Callable[[], Found]] = {
        "all others of the sentence": lambda: everyone(pairs),
        "the nearest": lambda: nearest(pairs),
        "stance.targets": lambda: find_targets(pairs, [labels[i] for i in keep], [told[i] for i in keep], scan_all(pairs)),
    }
    for name, rule in rules.items():
        print(f"{name:<28}{score(rule(), [truth[i] for i in keep], groups)}", flush=True)


def of(row: Row) -> tuple[str, str, str, str]:
    """The key of a labelled row."""
    return key(row.file, row.article_id, row.text, row.actor)


if __name__ == "__main__":
    main()
