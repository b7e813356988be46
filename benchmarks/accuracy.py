"""Accuracy on public benchmarks and on labelled real news, beside published figures.

    python benchmarks/accuracy.py --data DIR [--only newsmtsc|semeval|cameo|news]

DIR holds `newsmtsc/{train,dev}.csv` (github fhamborg/NewsMTSC), `semeval2016_stance/train.csv` (TweetEval copy),
`cameo/class_train.csv` (shipped with ConfliBERT) and `news_dev.csv` (columns of a labelled CSV). None of it is in
this repository. Everything goes through `read_dataset` and `train`, with the features of the shipped model.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import stance
from stance.dataset import normalise
from stance.evaluation import confusion, f1_scores
from stance.training import Settings, evaluate, train

PUBLISHED = {
    "newsmtsc rw": "83.1 GRU-TSC on RoBERTa (Hamborg & Donnay 2021)",
    "newsmtsc mt": "82.5 GRU-TSC on RoBERTa (Hamborg & Donnay 2021)",
    "semeval": "on its own test set: 69.0 SVM on n-grams, 67.8 best entry (Mohammad et al. 2016)",
    "cameo": "",
}


def labelled(rows: Iterable[dict[str, str]], columns: tuple[str, ...]) -> stance.Dataset:
    """Rows as a data set with the head `label`, by way of a CSV file as a user would write it."""
    with tempfile.NamedTemporaryFile("w", suffix=".csv", delete=False, newline="", encoding="utf-8") as f:
        writer = csv.DictWriter(f, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    data = stance.read_dataset(f.name, heads=["label"])
    Path(f.name).unlink()
    return data


def read(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file."""
    with path.open(encoding="utf-8") as f:
        return list(csv.DictReader(f))


def newsmtsc_rows(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Span and group columns as a labelled CSV has them; a second label for one target is left out."""
    seen: set[tuple[str, str, str]] = set()
    out = []
    for r in rows:
        key = r["text"], r["target"], r["target_start"]
        if key in seen:
            continue
        seen.add(key)
        group = re.match(r"[a-z]+_\d+_\d+", r["sentence_id"])
        out.append({**r, "actor": r["target"], "start": r["target_start"], "end": r["target_end"], "article_id": group.group() if group else "",
                    "sentence_id": r["sentence_id"]})  # fmt: skip
    return out


NEWSMTSC = ("text", "actor", "start", "end", "label", "article_id", "sentence_id")


def newsmtsc(root: Path, jobs: int) -> None:
    """Train on train, score on dev; and grouped cross-validation on train."""
    model, reports = train(labelled(newsmtsc_rows(read(root / "newsmtsc/train.csv")), NEWSMTSC), settings=Settings(draws=200), jobs=jobs)
    say("newsmtsc 5-fold CV", reports["label"].macro_f1, "")
    dev = read(root / "newsmtsc/dev.csv")
    for subset in ("rw", "mt"):
        data = labelled(newsmtsc_rows([r for r in dev if r["subset"] == subset]), NEWSMTSC)
        say(f"newsmtsc {subset}", evaluate(model, data)["label"].macro_f1, PUBLISHED[f"newsmtsc {subset}"])


def semeval(root: Path, jobs: int) -> None:
    """Cross-validation; F_avg pools favor and against over all targets, as the task does."""
    rows = list({(normalise(r["text"]), r["target"]): {**r, "actor": r["target"]} for r in read(root / "semeval2016_stance/train.csv")}.values())
    _, reports = train(labelled(rows, ("text", "actor", "label")), settings=Settings(draws=200), jobs=jobs)
    r = reports["label"]
    f1 = {c.label: c.f1 for c in r.classes}
    say("semeval 5-fold CV, F_avg", (f1["favor"] + f1["against"]) / 2, PUBLISHED["semeval"])


def cameo(root: Path, jobs: int) -> None:
    """Cross-validation on whole sentences: the event has no one actor, so the target is empty of meaning."""
    rows = list({normalise(r["text"]): {**r, "actor": "event"} for r in read(root / "cameo/class_train.csv")}.values())
    _, reports = train(labelled(rows, ("text", "actor", "label")), settings=Settings(draws=200), jobs=jobs)
    say("cameo 5-fold CV", reports["label"].macro_f1, PUBLISHED["cameo"])


def news(root: Path, jobs: int) -> None:
    """The shipped model on labelled real news, actors given."""
    for name, r in evaluate(stance.default_model(), stance.read_dataset(root / "news_dev.csv")).items():
        table = confusion(*_pairs(r.confusion), len(r.labels))
        say(f"news_dev {name}", r.macro_f1, " ".join(f"{x} {f:.2f}" for x, f in zip(r.labels, f1_scores(table)[2], strict=True)))


def _pairs(table: tuple[tuple[int, ...], ...]) -> tuple[np.ndarray, np.ndarray]:
    truth, pred = np.indices((len(table), len(table)))
    counts = np.array(table).ravel()
    return np.repeat(truth.ravel(), counts), np.repeat(pred.ravel(), counts)


def say(name: str, value: float, note: str) -> None:
    """One line of the table."""
    print(f"{name:<28}{100 * value:6.1f}   {note}", flush=True)


TASKS: dict[str, Callable[[Path, int], None]] = {"newsmtsc": newsmtsc, "semeval": semeval, "cameo": cameo, "news": news}


def main() -> None:
    """Run all benchmarks whose files are there, or the one asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", choices=list(TASKS))
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()
    for name, task in TASKS.items():
        if args.only in (None, name):
            try:
                task(args.data, args.jobs)
            except FileNotFoundError as e:
                print(f"{name}: skipped, {e.filename} is not there")


if __name__ == "__main__":
    main()
