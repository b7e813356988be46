"""Actors of an archive that are no states: its people and the bodies of `names.csv`, as a table for `distil.py label --actors`.

    python models/names.py FILE.jsonl -o FILE.csv

A given name (`stance/data/given_names.csv`) and a surname in enough articles are a person.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from stance.naming import given_names

BODIES = Path(__file__).with_name("names.csv")
LEAST, LONGEST_ARTICLE = 4, 15_000  # articles that a person is in, characters read of each
PERSON = re.compile(r"\b([A-Z][a-z]+) (?:[A-Z]\. )?([A-Z][A-Za-z'’-]+[a-z])\b(?! [A-Z])")


def main() -> None:
    """Read the archive and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="JSON lines with `text`")
    parser.add_argument("-o", "--output", type=Path, required=True, help="alias table to write (CSV)")
    args = parser.parse_args()
    with args.archive.open(encoding="utf-8") as lines:
        found = people(json.loads(line)["text"] for line in lines)
    args.output.write_text(BODIES.read_text("utf-8") + "".join(f"{name},{name},person\n" for name in found), "utf-8", newline="")
    print(f"{args.output}: {len(found)} persons beside the bodies of {BODIES.name}")


def people(texts: Iterable[str]) -> list[str]:
    """Persons who are in LEAST of the texts or more, those of most texts first."""
    count: Counter[str] = Counter()
    for text in texts:
        count.update({f"{m[1]} {m[2]}" for m in PERSON.finditer(text[:LONGEST_ARTICLE]) if m[1].lower() in given_names()})
    return [name for name, n in count.most_common() if n >= LEAST and not name.endswith(("'s", "’s"))]


if __name__ == "__main__":
    main()
