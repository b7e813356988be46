"""Kill -9 at random moments: which rows are lost, doubled or changed.

    python benchmarks/crash.py --articles FILE.jsonl [--count 1000] [--kills 20] [--jobs 1] [--seed 1]

Classifies the first articles of FILE into a database once undisturbed; then again, killing the process (or, with --jobs, the
process that leads the others) at random moments and running the same command again each time, until it ends. Prints how many
rows of each table the two databases do not share, and what the kills cost in time.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from itertools import islice
from pathlib import Path

TABLES = {"run": "id, version, model, model_name, lexicon, settings, manifest", "article": "*", "sentence": "*", "judgement": "*"}


def rows(path: Path, table: str) -> Counter[tuple[object, ...]]:
    """All rows of a table, without the times of the run."""
    with closing(sqlite3.connect(path)) as db:
        return Counter(db.execute(f"SELECT {TABLES[table]} FROM {table}"))


def checks(path: Path) -> tuple[str, int]:
    """SQLite's own: integrity, and how many foreign keys point nowhere."""
    with closing(sqlite3.connect(path)) as db:
        return str(db.execute("PRAGMA integrity_check").fetchone()[0]), len(db.execute("PRAGMA foreign_key_check").fetchall())


def killed(command: list[str], wait: float) -> bool:
    """Run the command, kill -9 after `wait` seconds; whether it was still running."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as p:
        try:
            p.wait(wait)
        except subprocess.TimeoutExpired:
            p.kill()
            return True
    return False


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=Path, required=True, help="articles (.jsonl) to classify")
    parser.add_argument("--count", type=int, default=1000, help="how many of them")
    parser.add_argument("--kills", type=int, default=20, help="how often the process is killed")
    parser.add_argument("--jobs", type=int, default=1, help="processes that classify")
    parser.add_argument("--seed", type=int, default=1, help="of the moments at which it is killed")
    args = parser.parse_args()
    moment = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        archive, whole, broken = Path(folder, "a.jsonl"), Path(folder, "whole.sqlite"), Path(folder, "broken.sqlite")
        with args.articles.open("rb") as f:
            archive.write_bytes(b"".join(islice(f, args.count)))
        command = [sys.executable, "-m", "stance.cli", "classify", str(archive), "-j", str(args.jobs), "-o"]
        start = time.monotonic()
        subprocess.run([*command, str(whole)], check=True)
        undisturbed = time.monotonic() - start
        # each life is long enough to commit something, and short enough that the run does not end before the last kill
        share = undisturbed / args.kills
        start, kills = time.monotonic(), 0
        while kills < args.kills and killed([*command, str(broken)], 0.6 + moment.uniform(0.1, 1.2) * share):
            kills += 1
        subprocess.run([*command, str(broken)], check=True, stderr=subprocess.DEVNULL)
        disturbed = time.monotonic() - start
        print(f"{args.count} articles, {args.jobs} jobs, {kills} kills; {undisturbed:.1f} s undisturbed, {disturbed:.1f} s with the kills")
        print(f"{'table':<12}{'rows':>10}{'lost':>8}{'too many':>10}")
        for table in TABLES:
            wanted, found = rows(whole, table), rows(broken, table)
            print(f"{table:<12}{wanted.total():>10}{(wanted - found).total():>8}{(found - wanted).total():>10}")
        integrity, dangling = checks(broken)
        print(f"integrity check: {integrity}; dangling foreign keys: {dangling}; files left: {sorted(p.name for p in Path(folder).iterdir())}")


if __name__ == "__main__":
    main()
