"""The worked path of docs/workflow.md, command by command."""

from __future__ import annotations

import csv
import re
import shlex
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from conftest import ROOT, Run, write_csv

from stance.reporting import period

WORKFLOW = (ROOT / "docs" / "workflow.md").read_text("utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", WORKFLOW, re.S) for line in block.splitlines()]


def rows(name: str) -> list[dict[str, str]]:
    with Path(name).open(encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def label(todo: list[dict[str, str]]) -> None:
    """What two people do between the commands; these two do not read, and the second dozes off now and then."""
    articles = list(dict.fromkeys(r["article_id"] for r in todo))
    for name in ("ann", "bob"):
        for n, r in enumerate(todo):
            stance = ("accuse", "demand", "cooperate", "neutral")[n % 4]
            stance = "neutral" if name == "bob" and n % 9 == 0 else stance
            labels = {"stance": stance, "tone": "neutral" if stance == "neutral" else "stern"} if r["actor"] else {}
            r |= labels | {"split": "test" if r["article_id"] == articles[0] else "train"}
        write_csv(Path(f"{name}.csv"), todo)


def settle(differing: list[dict[str, str]]) -> None:
    write_csv(Path("disagreements.csv"), [{**r, "stance": r["stance"] or "neutral", "tone": r["tone"] or "neutral"} for r in differing])


def test_the_worked_path(run: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "examples" / "cable.jsonl", "archive.jsonl")
    for command in COMMANDS:
        program, *args = shlex.split(command)
        r = run(*args)
        assert program == "stance" and r.code == 0, f"{command}\n{r.out}{r.err}"
        if args[0] == "sample":
            label(rows("todo.csv"))
        if args[0] == "agree":
            settle(rows("disagreements.csv"))
    assert len(rows("agreed.csv")) > len(rows("settled.csv")) > 3
    made = {"first.html", "tasks.jsonl", "my.stance", "results.sqlite", "report.html", "card.md", "scores.json"}
    assert made <= {p.name for p in tmp_path.iterdir()}
    for block in re.findall(r"```python\n(.*?)```", WORKFLOW, re.S):
        compile(block, "workflow.md", "exec")
    (query,) = re.findall(r"```sql\n(.*?)```", WORKFLOW, re.S)
    accused = "SELECT date FROM judgements WHERE stance = 'accuse' AND target <> ''"
    with closing(sqlite3.connect("results.sqlite")) as db:
        dates = [d for (d,) in db.execute(accused)]
        assert dates and sorted(week for week, *_, n in db.execute(query) for _ in range(n)) == sorted(period(d, "week") for d in dates)
        db.execute("UPDATE article SET date = '2023'")  # a year would be a day of 4707 B.C.
        assert db.execute(accused).fetchall() and not db.execute(query).fetchall()
