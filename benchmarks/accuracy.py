"""Accuracy on public benchmarks and on labelled real news, beside published figures.

    python benchmarks/accuracy.py --data DIR [--only newsmtsc|semeval|cameo|news] [--plain | --encoder PATH] [--seed N] [--test FILE]

DIR holds `newsmtsc/{train,dev}.csv` (github fhamborg/NewsMTSC), `semeval2016_stance/train.csv` (TweetEval copy),
`cameo/class_train.csv` (shipped with ConfliBERT), `news_dev.csv` (a labelled CSV with a column `mention`) and `news_dev_articles.jsonl`
(its articles). None of it is in this repository. Everything goes through the public functions, with the features and the network of the
shipped model; models trained here have sparse features alone with `--plain`, and with `--encoder` the vectors of a sentence encoder in
place of the network (`news` scores the shipped model: it stays as it is). `--test FILE`, with `--only`, scores on another file with these
columns: in place of `dev.csv` or `news_dev.csv` (its articles in `..._articles.jsonl` beside it), of `semeval` and `cameo` beside their
cross-validation.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import stance
from stance.dataset import normalise
from stance.encoders import open_encoder
from stance.evaluation import HeadReport, accuracy, confusion, f1_scores, macro_f1
from stance.model import default_model
from stance.training import Settings, evaluate, train

Fit = Callable[[stance.Dataset], tuple[stance.Model, dict[str, HeadReport]]]

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


def newsmtsc(root: Path, fit: Fit, test: Path | None) -> None:
    """Train on train, score on dev; and grouped cross-validation on train."""
    data = labelled(newsmtsc_rows(read(root / "newsmtsc/train.csv")), NEWSMTSC)
    model, reports = fit(data)
    say("newsmtsc 5-fold CV", reports["label"].macro_f1, "")
    dev = read(test or root / "newsmtsc/dev.csv")
    for subset in ("rw", "mt"):
        if rows := [r for r in dev if r["subset"] == subset]:
            data = labelled(newsmtsc_rows(rows), NEWSMTSC)
            say(f"newsmtsc {subset}", evaluate(model, data)["label"].macro_f1, PUBLISHED[f"newsmtsc {subset}"])


def semeval(root: Path, fit: Fit, test: Path | None) -> None:
    """Cross-validation; F_avg pools favor and against over all targets, as the task does."""
    train_set, *test_set = [semeval_data(p) for p in (root / "semeval2016_stance/train.csv", test) if p]
    model, reports = fit(train_set)
    say("semeval 5-fold CV, F_avg", f_avg(reports["label"]), PUBLISHED["semeval"])
    for data in test_set:
        say("semeval test, F_avg", f_avg(evaluate(model, data)["label"]), "")


def semeval_data(path: Path) -> stance.Dataset:
    """One row for each text and target."""
    rows = {(normalise(r["text"]), r["target"]): {**r, "actor": r["target"]} for r in read(path)}
    return labelled(rows.values(), ("text", "actor", "label"))


def f_avg(report: HeadReport) -> float:
    """Mean F1 of favor and against."""
    f1 = {c.label: c.f1 for c in report.classes}
    return (f1["favor"] + f1["against"]) / 2


def cameo(root: Path, fit: Fit, test: Path | None) -> None:
    """Cross-validation on whole sentences: the event has no one actor, so the target is empty of meaning."""
    train_set, *test_set = [cameo_data(p) for p in (root / "cameo/class_train.csv", test) if p]
    model, reports = fit(train_set)
    say("cameo 5-fold CV", reports["label"].macro_f1, PUBLISHED["cameo"])
    for data in test_set:
        say("cameo test", evaluate(model, data)["label"].macro_f1, "")


def cameo_data(path: Path) -> stance.Dataset:
    """One row for each text."""
    rows = {normalise(r["text"]): {**r, "actor": "event"} for r in read(path)}
    return labelled(rows.values(), ("text", "actor", "label"))


def news(root: Path, fit: Fit, test: Path | None) -> None:
    """The shipped model on labelled real news: articles in, judgements out, held beside every labelled pair.

    A labelled pair whose actor was not found counts as neutral. Sentences cut otherwise than in the labels are joined.
    """
    gold: dict[tuple[str, str], dict[str, dict[str, str]]] = {}
    path = test or root / "news_dev.csv"
    for r in read(path):
        gold.setdefault((r["article_id"], r["text"]), {}).update({r["actor"]: r} if r["actor"] else {})
    found: dict[str, dict[str, dict[str, stance.Judgement]]] = {}
    for j in stance.classify(stance.read_articles(path.with_name(f"{path.stem}_articles.jsonl"))):
        found.setdefault(j.article, {}).setdefault(_squeezed(j.text), {})[SAME.get(j.actor, j.actor)] = j
    truth: dict[str, list[str]] = {"stance": [], "tone": []}
    pred: dict[str, list[str]] = {"stance": [], "tone": []}
    sure: list[tuple[float, bool]] = []
    actors, both = np.zeros(3), np.zeros(3)
    for (article, text), rows in gold.items():
        here = _found(found.get(article, {}), _squeezed(text))
        named = {a for a, r in rows.items() if r["mention"] == "name"}
        actors += (len(set(here) & named), len(set(here) - set(rows)), len(named - set(here)))
        for actor, r in rows.items():
            for head in truth:
                truth[head].append(r[head])
                pred[head].append((here[actor].best("stance") if head == "stance" else here[actor].labels["tone"]) if actor in here else "neutral")
            if actor in here:
                sure.append((max(here[actor].probabilities["stance"].values()), here[actor].best("stance") == r["stance"]))
        right = {(a, r["stance"]) for a, r in rows.items() if r["stance"] != "neutral"}
        said = {(a, j.best("stance")) for a, j in here.items() if j.best("stance") != "neutral"}
        both += (len(right & said), len(said - right), len(right - said))
    for head in truth:
        labels = sorted(set(truth[head]) | set(pred[head]))
        table = confusion(np.array([labels.index(x) for x in truth[head]]), np.array([labels.index(x) for x in pred[head]]), len(labels))
        say(f"news, {head} macro-F1", macro_f1(table), " ".join(f"{x} {f:.2f}" for x, f in zip(labels, f1_scores(table)[2], strict=True)))
        say(f"news, {head} accuracy", accuracy(table), "")
    say("news, actors found (named), F1", _f1(actors), "")
    say("news, (actor, stance) F1", _f1(both), "non-neutral")
    top, hit = np.array([x for x, _ in sure]), np.array([x for _, x in sure])
    bins = np.clip(np.ceil(top * 10).astype(int) - 1, 0, 9)
    say("news, ECE", sum(abs(hit[bins == b].mean() - top[bins == b].mean()) * (bins == b).mean() for b in set(bins)), "")
    say("news, accuracy at 60 %", hit[np.argsort(-top)[: int(0.6 * len(top))]].mean(), "coverage, the surest first")


SAME = {"Islamic State": "IS", "UN Security Council": "UN"}


def _squeezed(text: str) -> str:
    return re.sub(r"\W+", "", text).lower()


def _found(sentences: dict[str, dict[str, stance.Judgement]], text: str) -> dict[str, stance.Judgement]:
    if text in sentences:
        return sentences[text]
    out: dict[str, stance.Judgement] = {}
    for cut, judged in sentences.items():
        if cut and (cut in text or text in cut):
            out.update(judged)
    return out


def _f1(counts: np.ndarray) -> float:
    hit, extra, missed = counts
    return float(2 * hit / (2 * hit + extra + missed))


def say(name: str, value: float, note: str) -> None:
    """One line of the table."""
    print(f"{name:<32}{100 * value:6.1f}   {note}", flush=True)


TASKS: dict[str, Callable[[Path, Fit, Path | None], None]] = {"newsmtsc": newsmtsc, "semeval": semeval, "cameo": cameo, "news": news}


def main() -> None:
    """Run all benchmarks whose files are there, or the one asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets: see above")
    parser.add_argument("--only", choices=list(TASKS), help="this benchmark alone")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--plain", action="store_true", help="no network")
    parser.add_argument("--start", action="store_true", help="train on from the network of the shipped model")
    parser.add_argument("--seed", type=int, default=Settings().seed, help="of the folds and of the network that is trained")
    parser.add_argument("--encoder", help="in place of the network, vectors of this sentence encoder: a local folder, or a cached name")
    parser.add_argument("--test", type=Path, help="score on this file: see above")
    args = parser.parse_args()
    if args.test and not args.only:
        parser.error("--test needs --only: whose columns has the file?")
    encoder = open_encoder(args.encoder) if args.encoder else None
    network = not args.plain and not encoder and (default_model().network if args.start else True)
    fit = partial(train, settings=Settings(draws=200, seed=args.seed), encoder=encoder, network=network, jobs=args.jobs)
    for name, task in TASKS.items():
        if args.only in (None, name):
            try:
                task(args.data, fit, args.test)
            except FileNotFoundError as e:
                print(f"{name}: skipped, {e.filename} is not there")


if __name__ == "__main__":
    main()
