"""Whether correcting shares for the model's known confusion brings them nearer to the truth.

    python benchmarks/quantification.py CSV... [--split test]

The error is the sum over labels of |share − true share|, 0 to 2, of the shares as said and as corrected by `stance report`
(adjusted classify-and-count): over all rows, over each actor in at least five articles, and over 100 samples of 400 rows
whose mix of labels is drawn at random (so that it differs much from that of the training data).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import stance
from stance.reporting import ENOUGH, corrector


def main() -> None:
    """Score the shipped model's shares on the files given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+", metavar="CSV", help="labelled CSV files")
    parser.add_argument("--split", default="", help="only rows whose `split` column says this")
    args = parser.parse_args()
    model = stance.default_model()
    labels = model.labels["stance"]
    correct = corrector(model.manifest, "stance", labels)
    assert correct is not None
    data = stance.read_dataset(args.files, heads=["stance"])
    data = data.split(args.split)[1] if args.split else data
    said = model.predict_proba(data.pairs)["stance"].argmax(1)
    truth = np.array([labels.index(x) for x in data.labels["stance"]])

    def error(rows: np.ndarray) -> tuple[float, float]:
        q, p = (np.bincount(x[rows], minlength=len(labels)) / len(rows) for x in (said, truth))
        return float(abs(q - p).sum()), float(abs(correct(q) - p).sum())

    print(f"{'':<34}as said   corrected")
    show("all rows", [error(np.arange(len(truth)))])
    by_actor = {a: np.array([i for i, p in enumerate(data.pairs) if p.actor == a]) for a in {p.actor for p in data.pairs}}
    show(f"actors in {ENOUGH} articles or more", [error(i) for i in by_actor.values() if len({data.articles[k] for k in i}) >= ENOUGH])
    rng = np.random.default_rng(0)
    counts = np.bincount(truth, minlength=len(labels))
    samples = []
    for _ in range(100):
        weight = rng.dirichlet(np.ones(len(labels)))[truth] / counts[truth]
        samples.append(error(rng.choice(len(truth), 400, p=weight / weight.sum())))
    show("samples of another mix", samples)


def show(name: str, errors: Iterable[tuple[float, float]]) -> None:
    """The mean errors of a set of samples."""
    table = np.array(list(errors))
    raw, corrected = table.mean(0)
    print(f"{name:<26}{len(table):>4}    {raw:.3f}     {corrected:.3f}", flush=True)


if __name__ == "__main__":
    main()
