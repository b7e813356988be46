"""How well `stance check --suspects` finds wrong labels: some are swapped at random, then looked for.

    python benchmarks/suspects.py [training_data] [--swap 400] [--seed 0]

Prints how many of the first suspects are swapped ones. The corpus has wrong labels of its own, so the share is a lower bound.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from stance.checking import suspects
from stance.dataset import Dataset, read_dataset
from stance.training import out_of_fold


def swapped(data: Dataset, count: int, seed: int) -> tuple[Dataset, set[str]]:
    """The data with `count` stance labels replaced by another at random, and the places of these rows."""
    rng = np.random.default_rng(seed)
    labels = list(data.labels["stance"])
    at = rng.choice(len(labels), count, replace=False)
    for i in at:
        labels[i] = str(rng.choice([x for x in data.heads[0].labels if x != labels[i]]))
    return replace(data, labels={"stance": tuple(labels)}), {data.rows[i].place for i in at}


def main() -> None:
    """Swap, look, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("training_data"), help="folder of the labelled CSV files")
    parser.add_argument("--swap", type=int, default=400, help="labels to swap")
    parser.add_argument("--seed", type=int, default=0, help="of the labels that are swapped")
    args = parser.parse_args()
    data, wrong = swapped(read_dataset(args.folder, heads=["stance"]), args.swap, args.seed)
    hits = [f.place in wrong for f in suspects(data, out_of_fold(data))]
    print(f"{args.swap} of {len(data)} stance labels swapped ({args.swap / len(data):.1%}); {len(hits)} suspects")
    for n in (100, 200, 400, 800, 1600, len(hits)):
        print(f"  first {n:>5,}: {sum(hits[:n]):>4} swapped, {sum(hits[:n]) / n:.0%} of them, {sum(hits[:n]) / args.swap:.0%} of all swapped")


if __name__ == "__main__":
    main()
