"""What the training corpus looks like, beside labelled real news when it is given.

    python benchmarks/corpus.py [training_data] [--beside REAL.csv] [--overlap FILE_OR_FOLDER ...]
        [--archive NEWS.jsonl[.xz]] [--curve REAL.csv]

Prints sizes, shares, lengths, variety of wording, agreement of the two readings (`readings/`), sentences that share seven words in a row
with the files of `--overlap`, and, with `--curve`, the learning curve on a labelled CSV. `--archive`, raw news with a field `text`: how varied
as many words of it are, and which quotations of the corpus share ten words in a row with it, as a real quotation would.
"""

from __future__ import annotations

import argparse
import csv
import json
import lzma
import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from stance.agreement import agreement as measured
from stance.agreement import read_annotations
from stance.codebook import STANCES, TONES
from stance.dataset import read_dataset
from stance.syntax import STANCE_CUES, default_cues, scan
from stance.training import learning_curve

Row = dict[str, str]


def read(paths: Iterable[Path]) -> list[Row]:
    """Rows of CSV files."""
    out: list[Row] = []
    for p in paths:
        with p.open(encoding="utf-8") as f:
            out += csv.DictReader(f)
    return out


def words(text: str) -> list[str]:
    """Lower-case words."""
    return re.findall(r"\w+", text.lower())


def grams(text: str, n: int) -> set[tuple[str, ...]]:
    """Distinct word n-grams."""
    w = words(text)
    return {tuple(w[i : i + n]) for i in range(len(w) - n + 1)}


def figures(rows: list[Row]) -> dict[str, str]:
    """The measures that real news and the corpus are held beside."""
    pairs = [r for r in rows if r["actor"]]
    texts = list({(r["article_id"], r["sentence_id"]): r["text"] for r in rows}.values())
    stances, tones = Counter(r["stance"] for r in pairs), Counter(r["tone"] for r in pairs)
    carried = sum((r.get("mention") == "carried") if "mention" in r else not r["start"] for r in pairs)
    n = len(pairs)
    out = {
        "reports": f"{len({r['article_id'] for r in rows}):,}",
        "sentences": f"{len(texts):,}",
        "pairs": f"{n:,}",
        "words a sentence": f"{np.mean([len(t.split()) for t in texts]):.1f}",
        "actors a sentence": f"{n / len(texts):.2f}",
        "sentences with quotes": f"{np.mean([any(q in t for q in chr(34) + '“«') for t in texts]):.0%}",
        "carried pairs": f"{carried / n:.0%}",
        "different actors": f"{len({r['actor'] for r in pairs})}",
    }
    out |= {f"stance {x}": f"{stances[x]:,} ({stances[x] / n:.0%})" for x in STANCES}
    return out | {f"tone {x}": f"{tones[x]:,} ({tones[x] / n:.0%})" for x in TONES}


def variety(rows: list[Row], folder: Path) -> dict[str, str]:
    """Distinctness of the wording and of the cues by stance."""
    out = {"distinct 4-grams": f"{distinct(dict.fromkeys(r['text'] for r in rows)):.1%}"}
    out["kinds of dispute"] = str(len({r["dispute"] for r in rows}))
    out["registers"] = ", ".join(f"{k} {v}" for k, v in Counter({r["article_id"]: r["register"] for r in rows}.values()).most_common())
    data = read_dataset(folder)
    cues: dict[str, set[str]] = {x: set() for x in STANCE_CUES}
    verbs: dict[str, Counter[str]] = {x: Counter() for x in STANCE_CUES}
    for pair, label in zip(data.pairs, data.labels["stance"], strict=True):
        if label not in cues:
            continue
        s = scan(pair.reading, default_cues())
        own = {s.group[k] for k, m in enumerate(pair.reading.mentions) if m.actor == pair.actor}
        found = {" ".join(s.stems[f.first : f.last]) for f in s.cues if f.label == label}
        cues[label] |= found
        heads = {s.stems[i] for i, t in enumerate(s.tags) if t in "VE" and s.subject[i] in own and i not in _reports(s)}
        verbs[label].update(heads - {"say", "tell"})
    for x in STANCE_CUES:
        top, count = verbs[x].most_common(1)[0]
        total = data.labels["stance"].count(x)
        out[f"{x}: cue words and phrases seen"] = str(len(cues[x]))
        out[f"{x}: most frequent verb"] = f"{top}- in {count / total:.1%} of its pairs"
    return out


def _reports(s: object) -> set[int]:
    return {f.first for f in s.cues if f.label == "report"}  # type: ignore[attr-defined]


def agreement(folder: Path) -> dict[str, str]:
    """Krippendorff's alpha of the first and the second reading, as `stance agree` gives it."""
    read_twice = read_annotations(folder / "readings")
    out = {"pairs read twice": f"{len(read_twice.units):,}"}
    for head, a in measured(read_twice).items():
        out[head] = f"{a.equal.value:.1%} equal, Krippendorff's alpha {a.alpha.value:.3f}"
        out[head] += f" (ordinal {a.alpha_ordinal.value:.3f})" if a.alpha_ordinal else ""
    return out


def overlap(rows: list[Row], others: list[Path]) -> list[str]:
    """Sentences that share seven words in a row with a text of the other files."""
    known: set[tuple[str, ...]] = set()
    for path in others:
        for f in sorted(path.rglob("*.csv")) if path.is_dir() else [path]:
            for r in read([f]):
                known |= grams(r.get("text", ""), 7)
    return [f"{r['article_id']} {r['sentence_id']}: {r['text']}" for r in rows if grams(r["text"], 7) & known]


def archive(path: Path) -> Iterator[str]:
    """Texts of a file of JSON lines, packed or not."""
    with lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8") as f:
        yield from (json.loads(line)["text"] for line in f)


def distinct(texts: Iterable[str], most: float = math.inf) -> float:
    """Share of the 4-grams that are different, of texts up to the one with which they are more than `most`."""
    seen: set[tuple[str, ...]] = set()
    total = 0
    for t in texts:
        w = words(t)
        seen.update(zip(*(w[i:] for i in range(4)), strict=False))
        total += max(0, len(w) - 3)
        if total > most:
            break
    return len(seen) / total


def quoted(rows: list[Row], texts: Iterable[str], n: int = 10) -> list[str]:
    """Quotations of `n` words and more that share `n` in a row with one of the texts."""
    where: dict[tuple[str, ...], str] = {}
    for r in rows:
        for quotation in ("".join(m) for m in re.findall('"([^"]+)"|“([^”]+)”', r["text"])):
            where |= dict.fromkeys(grams(quotation, n), f"{r['article_id']} {r['sentence_id']}: {quotation}")
    found = {}
    for text in texts:
        w = words(text)
        found |= {where[g]: 1 for g in zip(*(w[i:] for i in range(n)), strict=False) if g in where}
    return sorted(found)


def curve(folder: Path, real: Path, sizes: tuple[int, ...] = (1000, 2000, 4000, 8000)) -> None:
    """Stance macro-F1 on `real` by number of training pairs, mean of draws by report."""
    data = read_dataset(folder, heads=["stance"])
    test = read_dataset(real, heads=["stance"], known=data.heads)
    for p in learning_curve(data, sizes=(*sizes, len(data)), test=test)["stance"]:
        print(f"  {p.pairs:>7,.0f} pairs   macro-F1 {p.macro_f1:.3f}   (draws {', '.join(f'{s:.3f}' for s in p.scores)})")


def main() -> None:
    """Print everything asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("training_data"), help="folder of the labelled CSV files")
    parser.add_argument("--beside", type=Path, help="labelled real news (CSV) to put beside it")
    parser.add_argument("--overlap", type=Path, nargs="*", default=[], help="files or folders to look for the same sentences in")
    parser.add_argument("--archive", type=Path, help="raw news (.jsonl, .jsonl.xz): see above")
    parser.add_argument("--curve", type=Path, help="labelled CSV for a learning curve")
    args = parser.parse_args()
    rows = read(sorted(args.folder.glob("*.csv")))
    mine = figures(rows)
    real = figures(read([args.beside])) if args.beside else {}
    print(f"{'':<28}{'corpus':<18}{'real news' if real else ''}")
    for name, value in mine.items():
        print(f"{name:<28}{value:<18}{real.get(name, '')}".rstrip())
    for name, value in (variety(rows, args.folder) | agreement(args.folder)).items():
        print(f"{name:<36}{value}")
    if args.overlap:
        found = overlap(rows, args.overlap)
        print(f"sentences sharing seven words in a row with {', '.join(map(str, args.overlap))}: {len(found)}")
        print("\n".join(found))
    if args.archive:
        size = sum(len(words(t)) for t in {r["text"] for r in rows})
        print(f"distinct 4-grams of as many words of {args.archive}: {distinct(archive(args.archive), size):.1%}")
        found = quoted(rows, archive(args.archive))
        print(f"quotations sharing ten words in a row with it: {len(found)}")
        print("\n".join(found))
    if args.curve:
        print(f"learning curve on {args.curve}")
        curve(args.folder, args.curve)


if __name__ == "__main__":
    main()
