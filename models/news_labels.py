"""The labels of real news in `news_labels.csv`, put beside their sentences: a labelled CSV for `stance train`, `evaluate` and `distil.py tune`.

    python models/news_labels.py ARCHIVE.jsonl [--split train|dev|test] -o news.csv

The texts belong to others, so the labels stand without them: `article_id` is the `id` of the archive, `sentence_id` the CRC-32 of its
text (hexadecimal), and the actor. Sentences without a label come along up to the last one that has some: they are context.
"""

from __future__ import annotations

import argparse
import csv
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from stance.annotation import csv_lines
from stance.articles import Article, read_articles
from stance.codebook import DEFAULT_HEADS
from stance.dataset import Row, by_article
from stance.lexicon import default_lexicon
from stance.sampling import sample

LABELS = Path(__file__).with_name("news_labels.csv")
Key = tuple[str, str, str]


def main() -> None:
    """Read the archive, write the CSV, and say what was not found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="JSON lines with `id`, `text` and `date`: the AllSides crawl (models/README.md)")
    parser.add_argument("--labels", type=Path, default=LABELS, help="labels by article, sentence and actor; default: models/news_labels.csv")
    parser.add_argument("--split", choices=["train", "dev", "test"], help="only the articles of this part")
    parser.add_argument("-o", "--output", type=Path, required=True, help="labelled CSV to write")
    args = parser.parse_args()
    labels = {key: row for key, row in read_labels(args.labels).items() if args.split in (None, row["split"])}
    rows = list(with_text(labels, read_articles(args.archive)))
    args.output.write_text("".join(f"{line}\n" for line in csv_lines(rows, list(DEFAULT_HEADS))), "utf-8", newline="")
    found = sum(1 for r in rows if r.actor)
    print(f"{args.output}: {found} pairs, of {len(labels)} labelled ones (one may be missing from the archive, read otherwise today, or there twice)")


def read_labels(path: Path) -> dict[Key, dict[str, str]]:
    """Rows by (article_id, sentence_id, actor)."""
    with path.open(encoding="utf-8", newline="") as file:
        return {(row["article_id"], row["sentence_id"], row["actor"]): row for row in csv.DictReader(file)}


def checksum(sentence: str) -> str:
    """What names a sentence of an article."""
    return f"{zlib.crc32(sentence.encode()):08x}"


def with_text(labels: dict[Key, dict[str, str]], articles: Iterable[Article]) -> Iterator[Row]:
    """Rows of a labelled CSV, the sentences of each article up to the last that has a label."""
    wanted = {article for article, _, _ in labels}
    drawn = sample((a for a in articles if a.id in wanted), 10**9, lexicon=default_lexicon())
    for at in by_article(drawn.rows):
        rows: list[Row] = []
        last = 0
        for r in (drawn.rows[i] for i in at):
            again = bool(rows) and rows[-1].sentence_id == r.sentence_id
            if own := labels.get((r.article_id, checksum(r.text), r.actor)):
                if again and not rows[-1].actor:
                    rows.pop()
                rows.append(replace(r, labels={h: own[h] for h in DEFAULT_HEADS}, split=own["split"]))
                last = len(rows)
            elif not again:
                rows.append(replace(r, actor="", start=None, end=None))
        yield from rows[:last]


if __name__ == "__main__":
    main()
