"""The command line: exit codes, wording, formats, and what is never overwritten."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import pickle
import random
import re
import signal
import subprocess
import sys
import time
import tomllib
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from conftest import LIMIT, REPORTS, ROOT, Run, first_and_last_in_one_fold, popen, relabel, until, write_csv
from test_model import edit, rebuilt

import stance
from stance import cli, rendering
from stance.articles import Article, Skipped
from stance.classification import Judgement, Result
from stance.codebook import Head
from stance.dataset import read_dataset, read_pairs
from stance.errors import DataError, InputError, ModelError
from stance.evaluation import report
from stance.model import Model, load
from stance.tables import read_csv
from stance.training import Settings, train

Cli = Callable[..., Run]
TEXT = 'Norway condemned the raid on Monday. Chile denied it.\n\n"We will not wait," Norway said. "We have waited long enough."\n'
COMMANDS = sorted(c.name or c.callback.__name__ for c in cli.app.registered_commands)  # type: ignore[union-attr]


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "fjord.txt"
    path.write_text(TEXT, "utf-8")
    return path


def stdin(monkeypatch: pytest.MonkeyPatch, text: str | bytes) -> None:
    raw = text.encode() if isinstance(text, str) else text
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw), encoding="latin-1"))  # the locale of a machine decides nothing


def is_message(r: Run, code: int = 1) -> None:
    """A failure is one message with what to do, and no traceback."""
    assert r.code == code
    assert r.out == ""
    assert r.err.startswith("error: ") or "\nerror: " in r.err
    assert "Traceback" not in r.err


# --------------------------------------------------------------------------- classify


@pytest.mark.parametrize("name", ["o.csv", "o.jsonl", "o.html", "todo.csv"])
def test_what_stance_wrote_into_the_folder_of_the_articles_is_none(run: Cli, article: Path, model_file: Path, name: str) -> None:
    own = article.parent / name
    first = run("sample", article, "-o", own) if name == "todo.csv" else run("classify", article, "-m", model_file, "-o", own)
    assert first.code == 0 and own.exists()
    alone, r = run("classify", article, "-m", model_file), run("classify", article.parent, "-m", model_file)
    assert (r.code, r.out) == (3, alone.out)
    assert r.err.startswith(f"skipped {own}: ")
    assert ("a page that `stance` wrote" if name == "o.html" else "as `stance` writes them") in r.err
    if name.endswith(".csv"):
        assert run("classify", own, "-m", model_file, "--text-column", "text").code == 0


def test_classify_writes_json_lines_into_a_pipe(run: Cli, article: Path, model_file: Path) -> None:
    r = run("classify", article, "-m", model_file)
    assert (r.code, r.err) == (0, "")
    rows = [json.loads(x) for x in r.out.splitlines()]
    assert [row["actor"] for row in rows] == ["Norway", "Chile", "Norway", "Norway"]
    assert all(TEXT[m["start"] : m["end"]] == m["text"] for row in rows for m in row["mentions"])


@pytest.mark.parametrize("format", ["jsonl", "csv", "table"])
def test_formats(run: Cli, article: Path, model_file: Path, format: str) -> None:
    out = run("classify", article, "-m", model_file, "-f", format).out
    if format == "jsonl":
        assert [json.loads(x)["actor"] for x in out.splitlines()] == ["Norway", "Chile", "Norway", "Norway"]
    elif format == "csv":
        assert [row["actor"] for row in csv.DictReader(io.StringIO(out))] == ["Norway", "Chile", "Norway", "Norway"]
    else:
        assert "Norway condemned the raid on Monday." in out and "accuse" in out and "\x1b" not in out


@pytest.mark.parametrize(("suffix", "begins"), [(".jsonl", '{"article"'), (".csv", "article_id,"), (".txt", "fjord")])
def test_the_suffix_of_the_output_chooses_the_format(run: Cli, article: Path, model_file: Path, tmp_path: Path, suffix: str, begins: str) -> None:
    out = tmp_path / f"out{suffix}"
    r = run("classify", article, "-m", model_file, "-o", out)
    assert (r.code, r.out) == (0, "")
    assert out.read_text("utf-8").startswith(begins)
    assert [*tmp_path.glob("out*")] == [out]


def test_output_file_and_standard_output_are_the_same(run: Cli, article: Path, model_file: Path, tmp_path: Path) -> None:
    run("classify", article, "-m", model_file, "-o", tmp_path / "o.jsonl")
    assert (tmp_path / "o.jsonl").read_text("utf-8") == run("classify", article, "-m", model_file, "-f", "jsonl").out


def test_the_table_hides_neutral_judgements_unless_asked(run: Cli, tmp_path: Path, model_file: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Norway condemned the raid.\nChile is a country of 19 million people with a yearly budget.\n")
    rows = [json.loads(x)["stance"] for x in run("classify", path, "-m", model_file).out.splitlines()]
    assert rows == ["accuse", "neutral"]
    short, long = (run("classify", path, "-m", model_file, "-f", "table", *a).out for a in ([], ["--all"]))
    assert "yearly budget" not in short and "yearly budget" in long
    assert "neutral 1" in short  # the summary counts it all the same


def test_long_names_and_labels_do_not_run_together() -> None:
    name, label = "A Party of a Very Long Name", "supports reluctantly"
    one = Judgement("a", 0, 0, 0, 5, "It is.", name, (), {"view": label, "tone": "warm"}, {"view": {label: 1.0}, "tone": {"warm": 1.0}})
    assert f"     {name} {label} warm       1.00" in list(rendering.judgement_lines([one]))


def test_standard_input(run: Cli, monkeypatch: pytest.MonkeyPatch, model_file: Path) -> None:
    stdin(monkeypatch, TEXT)
    r = run("classify", "-", "-m", model_file)
    assert r.code == 0 and json.loads(r.out.splitlines()[0])["article"] == "stdin"


def test_only_one_actor(run: Cli, article: Path, model_file: Path) -> None:
    out = run("classify", article, "-m", model_file, "--actor", "Chile").out
    assert [json.loads(x)["actor"] for x in out.splitlines()] == ["Chile"]


def test_min_confidence(run: Cli, article: Path, model_file: Path) -> None:
    rows = [json.loads(x) for x in run("classify", article, "-m", model_file, "--min-confidence", "1").out.splitlines()]
    assert {row["stance"] for row in rows} == {"unsure"}


def test_precision_takes_the_threshold_from_the_models_report(run: Cli, article: Path, model_file: Path, model: Model) -> None:
    from stance.evaluation import threshold_for

    limit = threshold_for(model.manifest["report"]["stance"]["curve"], 0.95)
    rows = [json.loads(x) for x in run("classify", article, "-m", model_file, "--precision", "0.95").out.splitlines()]
    assert [row["stance"] == "unsure" for row in rows] == [max(row["stance_probs"].values()) < limit for row in rows]


def test_an_own_alias_table(run: Cli, tmp_path: Path, model_file: Path) -> None:
    (tmp_path / "mine.csv").write_text("alias,actor,kind\nHansa League,Hansa,name\n")
    (tmp_path / "a.txt").write_text("The Hansa League accused Norway.")
    for extra, actors in (([], {"Hansa", "Norway"}), (["--only-actors"], {"Hansa"})):
        r = run("classify", tmp_path / "a.txt", "-m", model_file, "--actors", tmp_path / "mine.csv", *extra)
        assert {json.loads(x)["actor"] for x in r.out.splitlines()} == actors


def test_a_text_without_actors_is_no_failure(run: Cli, tmp_path: Path, model_file: Path) -> None:
    (tmp_path / "a.txt").write_text("The cat slept on the mat.")
    r = run("classify", tmp_path / "a.txt", "-m", model_file, "-f", "jsonl")
    assert r.code == 0 and not r.out and "nothing to judge" in r.err
    assert "no actor found" in run("classify", tmp_path / "a.txt", "-m", model_file, "-f", "table").out


def test_no_judgement_of_an_actor_is_told(run: Cli, article: Path, model_file: Path) -> None:
    r = run("classify", article, "-m", model_file, "--actor", "Peru", "-f", "jsonl")
    assert r.code == 0 and not r.out and "nothing to judge" in r.err
    assert "nothing to judge" not in run("classify", article, "-m", model_file).err
    database = ("-o", article.with_name("r.sqlite"), "-m", model_file)
    for _ in range(2):  # the second time all is there already
        assert "note: nothing to judge" in run("classify", article, *database, "--actor", "Peru").err
    for _ in range(2):
        assert "nothing to judge" not in run("classify", article, *database, "--append").err
    r = run("classify", "Chile condemned the raid.", "-m", model_file)
    assert r.code == 1 and "on standard input (-)" in r.err


def test_skipped_inputs_are_listed_and_exit_with_3(run: Cli, article: Path, model_file: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    r = run("classify", tmp_path / "nowhere.txt", article, tmp_path / "empty.txt", "-m", model_file)
    assert r.code == 3 and len(r.out.splitlines()) == 4
    assert f"skipped {tmp_path / 'nowhere.txt'}: cannot be read" in r.err
    assert f"skipped {tmp_path / 'empty.txt'}: the file is empty" in r.err


def test_the_output_is_never_an_input(run: Cli, article: Path, model_file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.jsonl"
    link.symlink_to(article)
    for out in (article, link):
        is_message(run("classify", article, "-m", model_file, "-o", out, "-f", "jsonl"))
    assert article.read_text("utf-8") == TEXT


def test_the_output_is_never_a_file_of_an_input_folder(run: Cli, article: Path, model_file: Path) -> None:
    r = run("classify", article.parent, "-m", model_file, "-o", article, "-f", "jsonl")
    assert (r.code, article.read_text("utf-8")) == (1, TEXT)


@pytest.mark.parametrize("victim", ["model", "actors"])
def test_the_output_is_never_the_model_or_the_alias_table(run: Cli, article: Path, model_file: Path, tmp_path: Path, victim: str) -> None:
    paths = {"model": tmp_path / "m.stance", "actors": tmp_path / "mine.csv"}
    paths["model"].write_bytes(model_file.read_bytes())
    paths["actors"].write_text("alias,actor,kind\nHansa League,Hansa,name\n")
    before = paths[victim].read_bytes()
    r = run("classify", article, "-m", paths["model"], "--actors", paths["actors"], "-o", paths[victim], "-f", "csv")
    assert paths[victim].read_bytes() == before
    is_message(r)


@pytest.mark.parametrize("option", ["", "--cues", "--definitions", "--words", "--start", "--actors"])
def test_a_model_is_never_written_over_what_it_is_trained_with(run: Cli, tmp_path: Path, option: str) -> None:
    given = tmp_path / "mine.stance"
    given.write_text("mine")
    r = run("train", *([REPORTS, option, given] if option else [given]), "-o", given)
    is_message(r)
    assert "would be overwritten" in r.err and given.read_text() == "mine"


def test_a_model_may_be_trained_anew_in_the_folder_of_its_data(run: Cli, tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", [{"text": "Peru left.", "actor": "Peru", "stance": "neutral"}])
    (tmp_path / "model.stance").write_text("old")
    r = run("train", tmp_path, "-o", tmp_path / "model.stance")
    is_message(r)
    assert "the data cannot be trained on" in r.err


@pytest.mark.parametrize("args", [["evaluate", REPORTS, "--actors"], ["evaluate", REPORTS, "--words"], ["evaluate", REPORTS, "--start"], ["check", REPORTS, "--actors"]], ids=lambda a: f"{a[0]} {a[-1]}")
def test_scores_and_findings_are_never_written_over_a_table_or_network(run: Cli, tmp_path: Path, args: list[object]) -> None:
    table = tmp_path / "mine.txt"
    table.write_text("alias,actor,kind\nHansa League,Hansa,name\n")
    r = run(*args, table, "-o", table)
    is_message(r)
    assert "would be overwritten" in r.err and table.read_text().startswith("alias")


def test_control_characters_of_a_text_do_not_reach_the_terminal(run: Cli, model_file: Path, tmp_path: Path) -> None:
    text = "Norway \x1b[31mcondemned\x1b[0m the \x9b2Jraid\x07 on Monday."
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"id": "1\x1b[7m", "date": "2031", "text": text}) + "\n" + json.dumps({"id": "2\x1b]0;x\x07", "text": ""}) + "\n")
    for r in (
        run("classify", path, "-m", model_file, "-f", "table", "--all"), run("actors", text), run("explain", text, "--actor", "Norway", "-m", model_file),
        run("explain", text, "--actor", "Norway\x1b[7m", "-m", model_file),
    ):  # fmt: skip
        assert "Norway" in r.out + r.err and not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", r.out + r.err)
    for name in ("a.csv", "a.out.jsonl"):
        run("classify", path, "-m", model_file, "-o", tmp_path / name)
    (row,) = csv.DictReader((tmp_path / "a.csv").read_text("utf-8").splitlines(keepends=True))
    found = json.loads((tmp_path / "a.out.jsonl").read_text("utf-8"))
    assert row["text"] == found["sentence"]["text"] == text and row["article_id"] == found["article"] == "1\x1b[7m"


def test_nor_do_those_of_names_and_labels_in_a_model_file(run: Cli, model: Model, tmp_path: Path) -> None:
    odd = replace(model, heads=tuple(replace(h, head=replace(h.head, labels=tuple(f"{x}\x1b[2J" for x in h.head.labels), neutral="")) for h in model.heads))
    odd.save(tmp_path / "m.stance")
    (tmp_path / "a.csv").write_text("alias,actor\nAcme,Ac\x1b[2J\x07me\nNorway,Nor\x9bway\n", "utf-8")
    text, more = "Acme condemned the raid by Norway.", ("-m", tmp_path / "m.stance", "--actors", tmp_path / "a.csv")
    (tmp_path / "a.txt").write_text(text)
    for r in (
        run("classify", tmp_path / "a.txt", *more, "-f", "table"), run("actors", text, *more), run("explain", text, "--actor", "Ac\x1b[2J\x07me", *more),
    ):  # fmt: skip
        assert r.code == 0 and "Acme" in r.out and not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", r.out)


def test_a_corrected_csv_can_be_trained_on(run: Cli, model_file: Path, tmp_path: Path) -> None:
    texts = [r.text for r in read_dataset(REPORTS).rows]
    (tmp_path / "many.jsonl").write_text("\n".join(json.dumps({"id": str(i), "text": t}) for i, t in enumerate(dict.fromkeys(texts))))
    assert run("classify", tmp_path / "many.jsonl", "-m", model_file, "-o", tmp_path / "found.csv").code == 0
    found = read_dataset(tmp_path / "found.csv")
    assert [h.name for h in found.heads] == ["stance", "tone"] and len(found) > 150 and found.warnings == ()
    assert run("train", tmp_path / "found.csv", "--folds", "2", "-o", tmp_path / "again.stance").code == 0


def test_rows_tell_title_date_and_source_of_their_article(run: Cli, model_file: Path, tmp_path: Path) -> None:
    told = {"title": "Raid", "date": "2019-03-04", "source": "Gazette"}
    lines = [{"id": 1, "text": "Norway condemned the raid.", **told}, {"id": 2, "text": "Chile denied it."}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)))
    wanted = [told, dict.fromkeys(told, "")]
    rows = [json.loads(x) for x in run("classify", tmp_path / "a.jsonl", "-m", model_file, "-f", "jsonl").out.splitlines()]
    assert [{k: r[k] for k in told} for r in rows] == wanted and list(rows[0])[:5] == ["article", *told, "sentence"] and rows[0]["article"] == "1"
    assert run("classify", tmp_path / "a.jsonl", "-m", model_file, "-o", tmp_path / "a.csv").code == 0
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as f:
        table = list(csv.DictReader(f))
    assert [{k: r[k] for k in told} for r in table] == wanted and list(table[0])[:5] == ["article_id", *told, "sentence_id"]
    assert [r.date for r in read_dataset(tmp_path / "a.csv").rows] == ["2019-03-04", ""]


def test_csv_is_safe_in_a_spreadsheet_and_comes_back_as_it_was(run: Cli, model_file: Path, tmp_path: Path) -> None:
    told = ["- Norway condemned the raid.", "'- Chile denied it,' it was said.", "=Peru thanked Chile."]
    (tmp_path / "a.txt").write_text("\n".join(told))
    assert run("classify", tmp_path / "a.txt", "-m", model_file, "-o", tmp_path / "a.csv").code == 0
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as f:
        assert not [c for cells in csv.reader(f) for c in cells if c.startswith(("=", "+", "-", "@"))]
    back = [r for r in read_dataset(tmp_path / "a.csv").rows if r.start is not None]
    assert {r.text for r in back} == set(told)
    assert [r.text[r.start : r.end] for r in back] == [r.actor for r in back]


@pytest.mark.parametrize("lines", [rendering.jsonl_lines, rendering.csv_lines, lambda _: rendering.csv_lines([], heads={"source": ["named"]})])
def test_a_head_called_as_what_a_row_tells_of_its_article_is_refused(lines: Callable[[list[Result]], Iterator[str]]) -> None:
    judgement = Judgement("a", 0, 0, 0, 5, "Text.", "Peru", (), {"source": "named"}, {"source": {"named": 1.0}})
    with pytest.raises(ModelError, match="head 'source'"):
        next(lines([Result(Article("a", "Text.", source="Gazette"), (judgement,))]))


def test_a_date_given_decides_who_is_in_office_where_there_is_none(run: Cli, model_file: Path, tmp_path: Path) -> None:
    text = "Angela Merkel condemned the raid."
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"id": d, "text": text, "date": d}) for d in ("", "2015-03-01")))
    given = ("classify", tmp_path / "a.jsonl", "-m", model_file)
    for date, wanted in (("2016-03-01", [("a-1", "2016-03-01")]), ("2023-03-01", [])):
        rows = [json.loads(x) for x in run(*given, "--date", date).out.splitlines()]
        assert [(r["article"], r["date"]) for r in rows] == [*wanted, ("2015-03-01", "2015-03-01")]
    r = run(*given, "--date", "yesterday")
    assert r.code == 2 and "'yesterday' is not a date; write YYYY-MM-DD" in r.err


def test_articles_that_do_not_look_english_are_told_of_the_shipped_model_alone(run: Cli, model_file: Path, tmp_path: Path) -> None:
    texts = ["Norwegen hat die Fangquoten nach dem Treffen mit Chile nicht erhöht, und das ist auch für die Fischer gut.", "Норвегия осудила рейд.", "Norway denied the raid."]
    for n, text in enumerate(texts):
        (tmp_path / f"{n}.txt").write_text(text, "utf-8")
    told = "warning: 2 of 3 articles do not look English: the shipped model reads English\n"
    files = [tmp_path / f"{n}.txt" for n in range(3)]
    assert [run("classify", *files, *m).err for m in ((), ("-m", "default"), ("-m", model_file))] == [told, told, ""]
    assert run("classify", files[2]).err == ""


def test_what_reading_warns_of_is_told_as_by_commands(run: Cli, model_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("Malmö left.".encode("cp1252"))
    for _ in range(2):
        r = run("classify", path, "-m", model_file)
        assert (r.code, r.err.splitlines()[0]) == (0, f"warning: {path}:1: not UTF-8 (byte 0xf6); read as cp1252")


def test_a_date_given_is_a_setting_of_a_database(run: Cli, article: Path, model_file: Path, tmp_path: Path) -> None:
    given = ("classify", article, "-m", model_file, "-o", tmp_path / "r.sqlite", "--date")
    assert run(*given, "20150301").code == 0 and run(*given, "2015-03-01").code == 0
    r = run(*given, "2016-03-01")
    is_message(r)
    assert 'date: "2015-03-01" there, "2016-03-01" now' in r.err


def test_articles_with_one_id_are_shown_apart(run: Cli, model_file: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text\n7,Norway condemned the raid.\n7,Chile denied the charge.\n")
    out = run("classify", tmp_path / "a.csv", "-m", model_file, "-f", "table").out
    assert out.index("Norway condemned") < out.index("Chile denied")


# --------------------------------------------------------------------------- failures


def test_results_are_not_replaced_by_nothing(run: Cli, model_file: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.csv"
    old.write_text("old\n")
    r = run("classify", tmp_path / "nothere.txt", "-m", model_file, "-o", old)
    assert (r.code, old.read_text()) == (1, "old\n") and "left as it was" in r.err and "nothere.txt" in r.err
    assert [p.name for p in tmp_path.iterdir()] == ["old.csv"]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["-o", "x.sqlite", "-f", "csv"], "its suffix says sqlite, --format says csv"),
        (["-o", "x.xlsx"], "its suffix says no format"),
        (["-o", "."], "is a folder"),
        (["-o", "nowhere/x.csv"], "there is no folder nowhere"),
        (["--actor", "Norwya"], "no actor 'Norwya' in the alias table; did you mean 'Norway'?"),
        (["--actor", "norwegian"], "no actor 'norwegian' in the alias table; it is called 'Norway' here"),
        (["--actor", "United States"], "it is called 'US' here"),
        (["--only-actors"], "--actors FILE"),
        (["--precision", "0.5", "--min-confidence", "0.9"], "choose one"),
    ],
    ids=lambda a: " ".join(a) if isinstance(a, list) else "",
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_before_any_work(run: Cli, article: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: list[str], told: str) -> None:
    monkeypatch.chdir(tmp_path)
    r = run("classify", article, *args)
    assert r.code == 2 and told in " ".join(r.err.replace("│", " ").split())


def test_a_report_is_a_web_page(run: Cli, tmp_path: Path) -> None:
    r = run("report", tmp_path / "r.sqlite", "-o", tmp_path / "labels.csv")
    assert r.code == 2 and "ends in .html" in r.err


def test_fewer_folds_than_asked_for_are_told(run: Cli, tmp_path: Path) -> None:
    rows = [f"a{i},Norway condemned raid {i}.,Norway,{'accuse' if i < 2 else 'neutral'}" for i in range(12)]
    (tmp_path / "few.csv").write_text("\n".join(["article_id,text,actor,stance", *rows]) + "\n")
    r = run("evaluate", tmp_path / "few.csv", "--head", "stance")
    assert r.code == 0 and "warning: cross-validation of 'stance' makes 2 folds, not 5" in r.err


@pytest.mark.parametrize(
    ("command", "option", "value", "told"),
    [("train", "--seed", -1, "seed is -1; at least 0"), ("evaluate", "--seed", -1, "seed is -1; at least 0"), ("train", "--seed", 2**32, "seed is 4294967296; less than")]
    + [("train", "--soften", x, f"soften is {x}; ") for x in ("nan", "inf")] + [("train", "--balance", 12, "balance is 12.0; less than 10.0")],
)  # fmt: skip
def test_numbers_that_nothing_can_be_trained_with_are_wrong_usage(run: Cli, tmp_path: Path, command: str, option: str, value: object, told: str) -> None:
    out = ["-o", tmp_path / "m.stance"] if command == "train" else []
    r = run(command, REPORTS, option, value, *out)
    assert r.code == 2 and told in " ".join(r.err.replace("│", " ").split()) and not (tmp_path / "m.stance").exists()


def test_a_label_whose_articles_are_in_one_fold_is_told(run: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(146)
    labels = [rng.choice(("accuse", "accuse", "neutral")) for _ in range(120)]
    rows = [f"a{n % 8},Norway condemned raid {n}.,Norway,{'deny' if n in (0, 7, 8, 16, 24) else x}" for n, x in enumerate(labels)]
    (tmp_path / "rare.csv").write_text("\n".join(["article_id,text,actor,stance", *rows]) + "\n")
    assert "are in one fold" not in run("evaluate", REPORTS, "--folds", "2").err
    monkeypatch.setattr("stance.training.group_folds", first_and_last_in_one_fold)
    r = run("evaluate", tmp_path / "rare.csv", "--folds", "2")
    assert "warning: cross-validation of 'stance': all articles with 'deny' are in one fold: no model tested on them has seen it" in r.err


def test_explain_refuses_what_is_no_date(run: Cli, model_file: Path) -> None:
    r = run("explain", "Norway waited.", "--actor", "Norway", "-m", model_file, "--date", "yesterday")
    assert r.code == 2 and "YYYY-MM-DD" in r.err


@pytest.mark.parametrize(("date", "actor"), [("20100301", "US"), ("Mon, 01 Mar 2010 10:00:00 GMT", "US"), ("20240301", "")])
def test_a_date_in_any_form_decides_who_is_in_office(run: Cli, date: str, actor: str) -> None:
    assert ("US" in run("actors", "President Barack Obama waited.", "--date", date).out) == bool(actor)


@pytest.mark.parametrize(
    "args",
    [
        ["classify", "A", "-m", "nowhere.stance"],
        ["classify", "A", "-m", "A"],
        ["classify", "A", "--actors", "nowhere.csv"],
        ["info", "nowhere.stance"],
        ["train", "nowhere.csv", "-o", "m.stance"],
        ["train", "R", "--cues", "nowhere.csv", "-o", "m.stance"],
        ["evaluate", "M", "nowhere.csv"],
        ["check", "nowhere.csv"],
        ["export", "nowhere.stance", "--pipeline", "p.joblib"],
    ],
    ids=lambda a: " ".join(a),
)
def test_a_failure_is_a_message_with_a_hint(run: Cli, article: Path, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    names = {"A": str(article), "M": str(model_file), "R": str(REPORTS)}
    r = run(*(names.get(a, a) for a in args))
    is_message(r)
    assert len(r.err.splitlines()) >= 2 and r.err.splitlines()[-1].startswith("  ")


def test_debug_shows_the_traceback(run: Cli, article: Path) -> None:
    with pytest.raises(InputError):
        run("--debug", "classify", article, "--actors", "nowhere.csv")


@pytest.mark.parametrize(
    "args",
    [
        ["classify"],
        ["nothing"],
        ["classify", "a.txt", "--nothing"],
        ["classify", "a.txt", "-f", "xml"],
        ["classify", "a.txt", "-j", "0"],
        ["classify", "a.txt", "--min-confidence", "2"],
        ["train", "a.csv", "-o", "model.pkl"],
        ["train", "a.csv", "--folds", "1"],
        ["actors"],
        ["actors", "x", "--date", "soon"],
        ["export", "m.stance"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2(run: Cli, args: list[str]) -> None:
    r = run(*args)
    assert (r.code, r.out) == (2, "")
    assert "Traceback" not in r.err and r.err


def test_bad_rows_are_all_shown(run: Cli, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("text,actor,stance\nNorway left.,Norway,neutral\nChile denied it.,Chile,deny\nPeru left.,Peru,denny\n,Peru,firm\n")
    r = run("check", path)
    is_message(r)
    assert f"{path}:4: unknown stance 'denny'; did you mean 'deny'?" in r.err and f"{path}:5: text is empty" in r.err


def test_a_full_disk_is_a_message(run: Cli, article: Path, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "out.jsonl")

    monkeypatch.setattr("stance.rendering.jsonl_lines", full)
    r = run("classify", article, "-m", model_file)
    assert r.code == 1 and "error: out.jsonl: No space left on device" in r.err and "Traceback" not in r.err


@pytest.mark.skipif(os.name == "nt", reason="limits are POSIX")
@pytest.mark.parametrize("command", ["classify -o a.jsonl", "classify -o a.parquet", "export --pipeline a.joblib"])
def test_a_full_disk_names_the_file(article: Path, model_file: Path, tmp_path: Path, command: str) -> None:
    name, option, out = command.split()
    args = [article, "-m", model_file] if name == "classify" else [model_file]
    full = ["sh", "-c", 'ulimit -f 0 && exec "$@"', "sh", sys.executable, "-m", "stance.cli"]  # no file may grow
    r = subprocess.run([*full, name, *args, option, tmp_path / out], capture_output=True, text=True, timeout=LIMIT, check=False)
    assert (r.returncode, r.stderr, list(tmp_path.iterdir())) == (1, f"error: {tmp_path / out}: File too large\n", [article])
    if Path("/dev/full").exists() and not out.endswith("parquet"):
        r = subprocess.run([*full, name, *args, option, "/dev/full", *(["-f", "csv"] if name == "classify" else [])], capture_output=True, text=True, timeout=LIMIT, check=False)
        assert (r.returncode, r.stderr) == (1, "error: /dev/full: No space left on device\n")


def test_an_interrupt_exits_with_130(run: Cli, article: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("stance.classification.classify_archive", interrupted)
    r = run("classify", article, "-m", model_file)
    assert r.code == 130 and "Traceback" not in r.err


@pytest.mark.parametrize(("command", "work", "name"), [("train", "stance.training.train", "m.stance"), ("words", "stance.words.learn_words", "w.npz")])
def test_interrupted_training_says_that_nothing_was_written(run: Cli, article: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, work: str, name: str) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(work, interrupted)
    r = run(command, REPORTS if command == "train" else article, "-o", tmp_path / name)
    assert r.code == 130 and r.err == f"interrupted; {tmp_path / name} was not written\n" and not (tmp_path / name).exists()


def test_interrupted_output_is_kept_beside_the_old_file(run: Cli, article: Path, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("old\n")

    def interrupted(*_: object, **__: object):  # type: ignore[no-untyped-def]
        yield '{"first": 1}'
        raise KeyboardInterrupt

    monkeypatch.setattr("stance.rendering.jsonl_lines", interrupted)
    r = run("classify", article, "-m", model_file, "-o", out)
    assert r.code == 130 and out.read_text() == "old\n"
    (part,) = tmp_path.glob("out.jsonl.*.part")
    assert part.read_text() == '{"first": 1}\n' and r.err == f"interrupted; what was done is in {part}\n"


def test_two_that_write_one_file_do_not_mix(tmp_path: Path) -> None:
    from stance.cli import _write

    out = tmp_path / "out.jsonl"

    def first():  # type: ignore[no-untyped-def]
        yield "1"
        _write(["2", "2"], out)
        assert out.read_text() == "2\n2\n"
        yield "1"

    _write(first(), out)
    assert out.read_text() == "1\n1\n" and [*tmp_path.iterdir()] == [out]


def test_an_interrupt_before_the_first_line_leaves_no_file(run: Cli, article: Path, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object):  # type: ignore[no-untyped-def]
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr("stance.rendering.jsonl_lines", interrupted)
    r = run("classify", article, "-m", model_file, "-o", tmp_path / "o.jsonl")
    assert (r.code, r.err) == (130, "interrupted; nothing was written\n") and not list(tmp_path.glob("o.jsonl*"))


def test_an_interrupt_on_standard_output_says_so(run: Cli, article: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object):  # type: ignore[no-untyped-def]
        yield "{}"
        raise KeyboardInterrupt

    monkeypatch.setattr("stance.rendering.jsonl_lines", interrupted)
    r = run("classify", article, "-m", model_file)
    assert (r.code, r.out, r.err) == (130, "{}\n", "interrupted; what was done is on standard output\n")


# --------------------------------------------------------------------------- a neutral label of one's own


@pytest.fixture(scope="module")
def sided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports, labelled for, against or none by their tone, with a sentence that names nobody and is `none` too."""
    path = relabel(tmp_path_factory.mktemp("sided") / "sided.csv", "stance", {"warm": "for", "stern": "against", "neutral": "none"})
    rows = list(csv.DictReader(path.open(encoding="utf-8", newline="")))
    rows = [{**r, "tone": {"for": "warm", "against": "stern", "none": "neutral"}[r["stance"]]} for r in rows]
    return write_csv(path, [*rows, {**rows[-1], "sentence_id": "999", "text": "It rained.", "actor": "", "tone": "neutral"}])


@pytest.fixture(scope="module")
def sided_model(sided: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sided") / "sided.stance"
    settings = Settings(folds=2, min_pairs=2, draws=20)
    train(read_dataset(sided, neutral={"": "none"}), settings=settings)[0].save(path)
    return path


def test_train_stores_the_neutral_label(run: Cli, sided: Path, sided_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.stance"
    assert run("train", sided, "--neutral", "none", "--folds", "2", "--min-pairs", "2", "-o", out).code == 0
    assert load(out).fingerprint == load(sided_model).fingerprint
    told = [(h.head.name, h.head.neutral) for h in load(out).heads]
    assert told == [("stance", "none"), ("tone", "neutral")]
    shown = run("info", out).out
    assert re.search(r"^  stance: against \d+, none \d+, for \d+; neutral label: none$|^  stance: against \d+, for \d+, none \d+; neutral label: none$", shown, re.M)
    card = run("info", out, "-f", "markdown").out
    assert "`stance`; neutral label none:" in card and "--neutral stance=none" in card and "`tone`, in order:" in card
    assert [h.get("neutral") for h in json.loads(run("info", out, "-f", "json").out)["heads"]] == ["none", None]


def test_train_asks_for_the_neutral_label_of_own_labels(run: Cli, sided: Path, tmp_path: Path) -> None:
    def told(*args: Any) -> list[str]:
        r = run("train", *args, "--folds", "2", "-o", tmp_path / "m.stance")
        assert r.code == 0
        return [x for x in r.err.splitlines() if "no label 'neutral'" in x]

    rows = list(csv.DictReader(sided.open(encoding="utf-8", newline="")))
    path = write_csv(tmp_path / "sided.csv", [r for r in rows if r["actor"]])
    said = "warning: no label 'neutral' in stance: if one of against, for, none says that no stance is taken, name it with --neutral none"
    assert told(path) == [said]
    assert told(path, "--neutral", "none") == [] and told(path, "--head", "tone", "--head", "stance") == []
    with REPORTS.open(encoding="utf-8", newline="") as f:
        few = [r for r in csv.DictReader(f) if r["stance"] in ("accuse", "demand")]
    assert told(write_csv(tmp_path / "few.csv", few)) == []


def test_a_named_neutral_label_is_no_stance(run: Cli, sided: Path, sided_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Norway condemned the raid. Chile released its yearly budget.")
    rows = [json.loads(x) for x in run("classify", path, "-m", sided_model).out.splitlines()]
    assert [r["stance"] for r in rows] == ["against", "none"]
    short, whole = (run("classify", path, "-m", sided_model, "-f", "table", *more).out for more in ([], ["--all"]))
    assert "yearly budget" not in short and "yearly budget" in whole and "none 1" in short
    page = tmp_path / "a.html"
    for more, shown in (([], {"against"}), (["--all"], {"against", "none"})):
        assert run("classify", path, "-m", sided_model, "-o", page, *more).code == 0
        assert set(re.findall(r'data-label="(\w+)"', page.read_text("utf-8"))) == shown
    r = run("evaluate", sided_model, sided, "--end-to-end")
    assert "stance, other than none" in r.out and "tone, other than neutral" in r.out
    ends = json.loads(run("evaluate", sided_model, sided, "--end-to-end", "-f", "json").out)["end_to_end"]
    labelled = [x["stance"] for x in csv.DictReader(sided.open(encoding="utf-8", newline="")) if x["actor"]]
    assert ends["stance"]["labelled"] == len(labelled) - labelled.count("none") and ends["stance"]["neutral"] == "none"
    assert ends["stance"]["found"] < ends["actors"]["found"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["nune"], "no row has the stance 'nune', which is to be its neutral label\n  did you mean 'none'?"),
        (["mood=none"], "no head 'mood' to have the neutral label 'none'\n  heads: stance, tone"),
        (["none", "for"], "the first head has one already"),
        (["stance="], "write LABEL or HEAD=LABEL"),
    ],
)
def test_a_neutral_label_that_is_not_there(run: Cli, sided: Path, tmp_path: Path, given: list[str], said: str) -> None:
    r = run("train", sided, "-o", tmp_path / "m.stance", *(x for g in given for x in ("--neutral", g)))
    assert r.code in (1, 2) and said in re.sub(r"\s*\n", "\n", r.err) and "Traceback" not in r.err and not list(tmp_path.iterdir())


def test_rows_of_nobody_may_have_the_neutral_label(run: Cli, sided: Path) -> None:
    r = run("check", sided)
    assert r.code == 1 and "stance has a label but no actor: 'none'" in r.err
    r = run("check", sided, "--neutral", "none")
    assert r.code == 0 and "neutral-tone" not in r.out


def test_a_label_of_one_s_own_beside_those_of_the_codebook(run: Cli, tmp_path: Path) -> None:
    rows = [{"article_id": str(n), "text": f"Norway spoke {n} times.", "actor": "Norway", "stance": x} for n, x in enumerate(("firm", "deny", "none"))]
    a = write_csv(tmp_path / "a.csv", [*rows, {"article_id": "9", "text": "It rained.", "actor": "", "stance": "none"}])
    b = write_csv(tmp_path / "b.csv", rows)
    for command in (("agree", a, b), ("export", a, "--to", "doccano")):
        r = run(*command)
        assert r.code == 1 and "unknown stance 'none'" in r.err
        r = run(*command, "--neutral", "none")
        assert r.code == 0 and "none" in r.out and not r.err.startswith("error")
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(a.read_bytes().replace(b"stance", b"STANCE").replace(b"actor", b"who")))
    plain = read_dataset(a, neutral={"": "none"})
    data = read_dataset(packed, columns={"actor": "who"}, neutral={"stance": "none"})
    assert data.heads == plain.heads and data.heads[0].neutral == "none" and len(data) == 3 and data.fingerprint == plain.fingerprint


@pytest.fixture(scope="session")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports with a scale of their own, `intensity`."""
    with REPORTS.open(encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    scale = {"hostile": "high", "stern": "high", "neutral": "low", "warm": "medium", "": ""}
    return write_csv(tmp_path_factory.mktemp("graded") / "graded.csv", [{**r, "intensity": scale[r["tone"]]} for r in rows])


def test_labels_have_the_order_that_is_given(run: Cli, graded: Path, tmp_path: Path) -> None:
    out, asked = tmp_path / "m.stance", ("--head", "intensity", "--order", "intensity=low, medium,high,extreme")
    r = run("train", graded, *asked, "--folds", "2", "-o", out)
    assert r.code == 0 and "quadratic kappa" in r.out and [x.split()[0] for x in r.out.splitlines()[5:8]] == ["low", "medium", "high"]
    (head,) = json.loads(run("info", out, "-f", "json").out)["heads"]
    assert head == {"name": "intensity", "labels": ["low", "medium", "high"], "ordered": True}
    card = run("info", out, "-f", "markdown").out
    assert "`intensity`, in order:" in card and "--order intensity=low,medium,high " in card
    assert "quadratic kappa" in run("evaluate", out, graded).out
    for command in (("evaluate", graded, "--folds", "2"), ("agree", graded, graded.with_name("bob.csv"))):
        graded.with_name("bob.csv").write_bytes(graded.read_bytes())
        r, plain = run(*command, *asked), run(*command, "--head", "intensity")
        assert all(x.code == 0 and ("quadratic kappa" in x.out or " ordinal " in x.out) == (x is r) for x in (r, plain))
        assert r.out.index(" low ") < r.out.index(" medium ") < r.out.index(" high ") and plain.out.index(" high ") < plain.out.index(" low ")
    r = run("evaluate", out, graded, "--order", "intensity=low,medium,high")
    assert r.code == 2 and "give data alone" in r.err
    assert read_dataset(graded, heads="tone", order={"tone": ("warm", "neutral", "stern", "hostile")}).heads[0].labels[0] == "warm"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["intensity=low,mediun,high"], "is not in the order; did you mean 'mediun'?\nthe order of intensity (low, mediun, high) lacks 'medium'\n"),
        (["intensty=low,high"], "no head 'intensty' whose labels could be in order\n  did you mean 'intensity'?"),
        (["intensity=low,high,low"], "write HEAD=LABEL,LABEL,…"),
        (["low,high"], "write HEAD=LABEL,LABEL,…"),
        (["intensity=low,high", "intensity=high,low"], "that head has an order already"),
    ],
)
@pytest.mark.parametrize("command", ["train", "check", "agree"])
def test_an_order_that_does_not_fit(run: Cli, graded: Path, tmp_path: Path, command: str, given: list[str], said: str) -> None:
    more = ("-o", tmp_path / "m.stance") if command == "train" else ()
    r = run(command, graded, "--head", "intensity", *(x for g in given for x in ("--order", g)), *more)
    assert r.code in (1, 2) and said in re.sub(r"\s*\n", "\n", r.err) and "Traceback" not in r.err and not list(tmp_path.iterdir())


def test_check_and_cross_validation_know_the_neutral_label(run: Cli, sided: Path, sided_model: Path, tmp_path: Path) -> None:
    rows = list(csv.DictReader(sided.open(encoding="utf-8", newline="")))
    wrong = next(r for r in rows if r["stance"] == "none" and r["actor"])
    wrong["tone"] = "stern"
    path = write_csv(tmp_path / "w.csv", rows)
    assert f"stance of {wrong['actor']!r} is none but tone 'stern'; the codebook gives it neutral tone" in run("check", path, "--neutral", "stance=none").out
    assert "is to be its neutral label" in run("evaluate", sided, "--neutral", "nune").err
    r = run("evaluate", sided_model, sided, "--neutral", "none")
    assert r.code == 2 and "give data alone" in r.err


# --------------------------------------------------------------------------- info


@pytest.mark.parametrize("format", ["table", "markdown"])
def test_info_sends_a_terminal_no_commands(run: Cli, model_file: Path, tmp_path: Path, format: str) -> None:
    (tmp_path / "m.stance").write_bytes(rebuilt(model_file, edit(about={"note": "no\x1b[2J\x9b1mte"})))
    r = run("info", tmp_path / "m.stance", "-f", format)
    assert r.code == 0 and "note: no" in r.out and not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", r.out)


@pytest.mark.parametrize("format", ["table", "markdown"])
@pytest.mark.parametrize("odd", [{"data": {}}, {"heads": [{}]}, {"settings": 3}, {"report": {"stance": {}}}, {"about": []}])
def test_info_of_an_odd_manifest(run: Cli, model_file: Path, tmp_path: Path, format: str, odd: dict[str, object]) -> None:
    (tmp_path / "m.stance").write_bytes(rebuilt(model_file, edit(**odd)))
    r = run("info", tmp_path / "m.stance", "-f", format)
    is_message(r)
    assert "m.stance: its manifest.json is not what `stance train` writes: " in r.err


@pytest.mark.parametrize("format", ["table", "markdown"])
@pytest.mark.parametrize("odd", [{"macro_f1_interval": [0.5]}, {"macro_f1": 10**400}])
def test_info_of_an_odd_report(run: Cli, model: Model, model_file: Path, tmp_path: Path, format: str, odd: dict[str, object]) -> None:
    report = model.manifest["report"]
    (tmp_path / "m.stance").write_bytes(rebuilt(model_file, edit(report={**report, "stance": {**report["stance"], **odd}})))
    r = run("info", tmp_path / "m.stance", "-f", format)
    is_message(r)
    assert "m.stance: its manifest.json is not what `stance train` writes: " in r.err


# --------------------------------------------------------------------------- train, evaluate, check


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = ('Maria Keller attacked the report.,Maria Keller,0,12,x', 'Nobody is named here.,,,,y', '"\'=Oslo thanked Delhi, warmly.",Norway,,,z')
    path = tmp_path / "table.csv"
    path.write_text("Text,who,start,end,note\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_predict_gives_the_table_back_with_labels(run: Cli, table: Path, model_file: Path, model: Model) -> None:
    r = run("predict", table, "-m", model_file, "--column", "actor=who")
    assert r.code == 0 and not r.err
    rows = list(csv.DictReader(io.StringIO(r.out, newline="")))
    given = list(csv.DictReader(table.open(encoding="utf-8", newline="")))
    assert [{k: row[k] for k in given[0]} for row in rows] == given
    assert [bool(row["stance"]) for row in rows] == [True, False, True]
    (pair,) = read_pairs(table, columns={"actor": "who"}).take([0]).pairs
    assert pair.mentions[0].text == "Maria Keller"
    wanted = dict(zip(model.head("stance").head.labels, model.predict_proba([pair])["stance"][0], strict=True))
    assert {k: float(rows[0][f"stance_{k}"]) for k in wanted} == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("seen", [True, False])
def test_predict_tells_rows_that_the_model_was_trained_on(run: Cli, model_file: Path, tmp_path: Path, seen: bool) -> None:
    table = tmp_path / "table.csv"
    with REPORTS.open(encoding="utf-8", newline="") as f:
        known = [r for r in csv.DictReader(f) if r["actor"] and r["split"] != "test"][:2]
    rows = [{"text": r["text"], "actor": r["actor"] if seen else "Nobody at all"} for r in known]
    with table.open("w", encoding="utf-8", newline="") as f:
        writer = csv.DictWriter(f, ["text", "actor"])
        writer.writeheader()
        writer.writerows([*rows, {"text": "Oslo waited for a week without a word.", "actor": "Norway"}])
    told = "2 of 3 rows have sentence and actor of rows the model was trained on: their labels there are no test of it"
    assert (told in run("predict", table, "-m", model_file).err) == seen


def test_predict_as_json_lines(run: Cli, table: Path, model_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert run("predict", table, "-m", model_file, "--column", "actor=who", "--prefix", "m_", "--min-confidence", "1", "-o", out).code == 0
    first, empty, last = map(json.loads, out.read_text("utf-8").splitlines())
    assert first["m_stance"] == "unsure" and sum(first["m_stance_probs"].values()) == pytest.approx(1, abs=1e-3)
    assert empty["m_stance"] is None and empty["note"] == "y"
    assert last["Text"] == "=Oslo thanked Delhi, warmly."


def test_predict_keeps_what_stands_between_cells(run: Cli, table: Path, model_file: Path, tmp_path: Path) -> None:
    with_commas = run("predict", table, "-m", model_file, "--column", "actor=who").out
    semicolons = tmp_path / "semicolons.csv"
    with table.open(encoding="utf-8", newline="") as f, semicolons.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, delimiter=";").writerows(csv.reader(f))
    r = run("predict", semicolons, "-m", model_file, "--column", "actor=who")
    assert list(csv.reader(io.StringIO(r.out, newline=""), delimiter=";")) == list(csv.reader(io.StringIO(with_commas, newline="")))


@pytest.mark.parametrize("first", ["", "sep=;\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(("encoding", "marked"), [("utf-8", False), ("utf-8-sig", True), ("cp1252", True), ("utf-16", True)])
def test_predict_can_be_read_by_what_wrote_the_table(run: Cli, model_file: Path, tmp_path: Path, encoding: str, marked: bool, end: str, first: str) -> None:
    path, out = tmp_path / "table.csv", tmp_path / "out.csv"
    path.write_bytes(f"{first}text;actor\nOslo – café – condemned it.;Norway\n".replace("\n", end).encode(encoding))
    assert run("predict", path, "-m", model_file, "-o", out).code == 0
    raw = out.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf") == marked and raw.count(b"\r\n") == (raw.count(b"\n") if end == "\r\n" else 0)
    *before, header, row = raw.decode("utf-8-sig").splitlines()
    assert before == first.splitlines() and header.startswith("text;actor;stance;") and row.startswith("Oslo – café – condemned it.;Norway;")
    assert run("predict", path, "-m", model_file).out.encode() == raw


def test_predict_does_not_write_over_columns(run: Cli, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_csv(tmp_path / "own.csv", [{"text": "Oslo condemned it.", "actor": "Norway", "Stance": "mine"}])
    out = tmp_path / "out.csv"
    monkeypatch.setattr("stance.model.Model.predict_proba", pytest.fail)
    r = run("predict", path, "-m", model_file, "-o", out)
    is_message(r)
    assert "has a column 'Stance' already" in r.err and "--prefix" in r.err and not out.exists()
    path = write_csv(tmp_path / "own.csv", [{"text": "Oslo condemned it.", "actor": "Norway", "stance_probs": "mine"}])
    r = run("predict", path, "-m", model_file, "-f", "jsonl")
    is_message(r)
    assert "has a column 'stance_probs' already" in r.err


def test_a_label_that_would_be_a_formula(tmp_path: Path) -> None:
    """New cells of a table, and scores by label, are safe for spreadsheets."""
    heads = {"view": ("=1+1", "odd")}
    j = Judgement("", 0, 0, 0, 0, "", "", (), {"view": "=1+1"}, {"view": {"=1+1": 1.0, "odd": 0.0}})
    given = read_csv(write_csv(tmp_path / "t.csv", [{"text": "=Oslo left.", "actor": "Norway"}]))
    header, row = rendering.filled_lines(given, [j], {2}, heads, prefix="-")
    assert (header, row) == ("text,actor,'-view,'-view_p,'-view_=1+1,'-view_odd", "=Oslo left.,Norway,'=1+1,1.0000,1.0000,0.0000")
    scores = report(Head("view", heads["view"]), np.array([0]), np.array([[1.0, 0.0]]), ["a"])
    assert list(rendering.class_lines({"view": scores}))[1] == "view,'=1+1,1.0000,1.0000,1.0000,,,1"


@pytest.mark.parametrize("column", ["actor", "actor=", "=who", "actor=who actor=start", "actor=who text=who"])
def test_columns_are_given_as_pairs_of_names(run: Cli, table: Path, column: str) -> None:
    r = run("predict", table, *(x for c in column.split() for x in ("--column", c)))
    assert r.code == 2 and repr(column.split()[-1]) in r.err


@pytest.fixture(scope="module")
def trained_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    """A model trained by the command, with the reports of split `test` held out, and what it wrote."""
    path = tmp_path_factory.mktemp("cli") / "m.stance"
    args = [sys.executable, "-m", "stance.cli", "train", REPORTS, "--folds", "3", "--hold-out", "test", "-o", path, "-f", "json"]
    r = subprocess.run(list(map(str, args)), capture_output=True, text=True, encoding="utf-8", timeout=120)
    return path, Run(r.returncode, r.stdout, r.stderr)


def test_train_reports_cross_validation_and_held_out(trained_file: tuple[Path, Run]) -> None:
    path, r = trained_file
    assert (r.code, r.err) == (0, "")
    found = json.loads(r.out)
    assert set(found) == {"model", "fingerprint", "cross_validation", "held_out"}
    for part in ("cross_validation", "held_out"):
        assert {h: v["macro_f1"] > v["baselines"]["majority"] for h, v in found[part].items()} == {"stance": True, "tone": True}
    assert found["fingerprint"] == load(path).fingerprint
    rest, held = read_dataset(REPORTS).split("test")
    assert (found["cross_validation"]["stance"]["rows"], found["held_out"]["stance"]["rows"]) == (len(rest), len(held))


def test_held_out_rows_are_not_trained_on(trained_file: tuple[Path, Run]) -> None:
    manifest = load(trained_file[0]).manifest
    assert manifest["data"]["fingerprint"] == read_dataset(REPORTS).split("test")[0].fingerprint
    assert manifest["held_out"]["stance"]["rows"] == len(read_dataset(REPORTS).split("test")[1])


def test_train_as_a_table(run: Cli, tmp_path: Path) -> None:
    r = run("train", REPORTS, "--folds", "2", "-o", tmp_path / "m.stance")
    assert r.code == 0
    assert "stance, cross-validation, grouped by article: 177 pairs in 60 articles" in r.out and "cue-only" in r.out
    assert f"wrote {tmp_path / 'm.stance'}" in r.out


def test_train_on_an_own_head(run: Cli, tmp_path: Path) -> None:
    path = relabel(tmp_path / "own.csv", "mood", {"warm": "good", "stern": "bad"})
    path.write_text(path.read_text("utf-8").replace("actor,mood", "who,feeling", 1), encoding="utf-8")
    columns = ("--head", "mood", "--column", "actor=who", "--column", "mood=feeling")
    assert run("train", path, *columns, "--folds", "2", "-o", tmp_path / "m.stance").code == 0
    assert run("evaluate", tmp_path / "m.stance", path, *columns).code == 0
    assert [h.head.labels for h in load(tmp_path / "m.stance").heads] == [("bad", "good")]
    r = run("classify", path, "-m", tmp_path / "m.stance", "-f", "jsonl")
    assert {json.loads(x)["mood"] for x in r.out.splitlines()} == {"good", "bad"}
    assert run("classify", path, "-m", tmp_path / "m.stance", "-f", "table").code == 0


@pytest.mark.parametrize("column", ["article", "sentence", "actor", "text"])
def test_a_head_named_like_a_field_of_the_output_is_refused(run: Cli, tmp_path: Path, column: str) -> None:
    path = relabel(tmp_path / "own.csv", column, {"warm": "good", "stern": "bad"}) if column not in ("actor", "text") else REPORTS
    r = run("train", path, "--head", column, "--folds", "2", "-o", tmp_path / "m.stance")
    is_message(r)
    assert f"a head cannot be called {column!r}" in r.err and not (tmp_path / "m.stance").exists()


def test_evaluate_as_json_has_every_head(run: Cli, model_file: Path) -> None:
    r = run("evaluate", model_file, REPORTS, "--split", "test", "-f", "json")
    assert r.code == 0
    found = json.loads(r.out)
    assert set(found) == {"stance", "tone"}
    assert all(0 < v["macro_f1"] <= 1 and v["baselines"]["majority"] > 0 for v in found.values())
    of = found["tone"]["provenance"]
    data = read_dataset(REPORTS).split("test")[1].fingerprint
    assert of == {"stance": stance.__version__, "data": data, "split": "test", "model": stance.load(model_file).fingerprint}


def test_evaluate_as_a_table(run: Cli, model_file: Path) -> None:
    out = run("evaluate", model_file, REPORTS, "--split", "test").out
    assert "macro-F1" in out and "majority" in out and "threaten" in out
    assert re.search(r"\n  accuracy  0\.\d{3}   majority 0\.\d{3}   ECE ", out)


def test_fail_under_exits_with_4(run: Cli, model_file: Path) -> None:
    assert run("evaluate", model_file, REPORTS, "--split", "test", "--fail-under", "0.01").code == 0
    r = run("evaluate", model_file, REPORTS, "--split", "test", "--fail-under", "1.01")
    assert r.code == 4 and "macro-F1 is under 1.01" in r.err
    assert run("evaluate", model_file, REPORTS, "--split", "test", "--fail-under", "nan").code == 4


def test_evaluate_against_another_model(run: Cli, model_file: Path) -> None:
    args = ("evaluate", model_file, REPORTS, "--split", "test", "-f", "json")
    itself, other = (json.loads(run(*args, "--against", m).out)["stance"] for m in (model_file, "default"))
    assert itself["against"] == {"macro_f1": itself["macro_f1"], "difference": 0, "p": 1}
    assert other["against"]["difference"] == pytest.approx(other["macro_f1"] - other["against"]["macro_f1"]) != 0 and other["against"]["p"] < 1


def test_evaluate_on_the_training_data_warns(run: Cli, tmp_path: Path) -> None:
    run("train", REPORTS, "--folds", "2", "-o", tmp_path / "m.stance")
    assert "this is the data the model was trained on" in run("evaluate", tmp_path / "m.stance", REPORTS).err


def test_evaluate_without_rows_of_the_split(run: Cli, model_file: Path) -> None:
    r = run("evaluate", model_file, REPORTS, "--split", "nothing")
    is_message(r)
    assert "no row has split 'nothing'\n  there are 'test', 'train'" in r.err


def test_evaluate_data_alone_is_the_cross_validation_of_train(run: Cli, tmp_path: Path) -> None:
    trained = json.loads(run("train", REPORTS, "--folds", "3", "-o", tmp_path / "m.stance", "-f", "json").out)
    r = run("evaluate", REPORTS, "--folds", "3", "-o", tmp_path / "r.json")
    assert (r.code, r.out) == (0, "")
    found = json.loads((tmp_path / "r.json").read_text("utf-8"))
    of = [scores.pop("provenance")["cross_validation"] for scores in found.values()]
    assert of == [{"folds": 3, "seed": 20240229, "group_by": "", "network": False, "start": ""}] * 2
    assert found == trained["cross_validation"]
    assert "stance, cross-validation, grouped by article: 177 pairs" in run("evaluate", REPORTS, "--folds", "3", "--head", "stance").out


def test_folds_by_topic(run: Cli, tmp_path: Path) -> None:
    text = REPORTS.read_text("utf-8").splitlines()
    topic = {"article_id": "topic", **{f"r{n:02}": f"t{n % 7}" for n in range(1, 100)}}
    data = tmp_path / "topics.csv"
    data.write_text("".join(f"{line},{topic[line[:3] if line[0] == 'r' else 'article_id']}\n" for line in text), "utf-8")
    r = run("evaluate", data, "--group-by", "topic", "--folds", "3", "--head", "stance")
    assert r.code == 0 and "stance, cross-validation, grouped by topic: 177 pairs in 60 articles" in r.out
    assert r.out.split("macro-F1")[1][:8] != run("evaluate", data, "--folds", "3", "--head", "stance").out.split("macro-F1")[1][:8]


def test_folds_of_a_label_with_one_topic(run: Cli, tmp_path: Path) -> None:
    data = write_csv(tmp_path / "a.csv", [{"text": f"Norway waits {n}.", "actor": "Norway", "stance": ("firm", "neutral")[n > 2], "topic": f"t{n // 3}"} for n in range(9)])
    r = run("train", data, "--group-by", "topic", "-o", tmp_path / "m.stance")
    assert r.code == 1 and "class 'firm' of 'stance' has 3 rows in one topic; it needs at least two values of topic" in r.err
    assert run("train", data, "-o", tmp_path / "m.stance", "--folds", "2").code == 0


def test_evaluate_one_head_of_a_model(run: Cli, model_file: Path) -> None:
    r = run("evaluate", model_file, REPORTS, "--split", "test", "--head", "tone", "-f", "json")
    assert set(json.loads(r.out)) == {"tone"}
    r = run("evaluate", model_file, REPORTS, "--head", "mood")
    is_message(r)
    said = "data alone, without a model, are cross-validated with --head mood; --head stance --column stance=mood reads that as stance, if its labels are the model's: "
    assert f"the model has no head 'mood'; it has stance, tone\n  {said}firm, accuse, deny, " in r.err


def test_evaluate_as_csv(run: Cli, model_file: Path, tmp_path: Path) -> None:
    args = ("evaluate", model_file, REPORTS, "--split", "test")
    assert run(*args, "-o", tmp_path / "scores.csv").code == 0
    rows = list(csv.DictReader((tmp_path / "scores.csv").open(encoding="utf-8", newline="")))
    classes = [(name, c) for name, r in json.loads(run(*args, "-f", "json").out).items() for c in r["classes"]]
    assert [(r["head"], r["label"], int(r["pairs"])) for r in rows] == [(name, c["label"], c["support"]) for name, c in classes]
    for row, (_, c) in zip(rows, classes, strict=True):
        low, high = c["f1_interval"] or (None, None)
        wanted = [c["precision"], c["recall"], c["f1"], *(x for x in (low, high) if x is not None)]
        assert [float(row[k]) for k in ("precision", "recall", "f1", "f1_low", "f1_high") if row[k]] == pytest.approx(wanted, abs=1e-4)
    r = run(*args, "-f", "csv", "--against", "default")
    assert r.code == 2 and "take json" in r.err


def test_evaluate_with_a_learning_curve(run: Cli, model_file: Path) -> None:
    args = ["evaluate", REPORTS, "--head", "stance", "--folds", "2", "--learning-curve", "--sizes", "20, 60", "--draws", "2"]
    found = json.loads(run(*args, "-f", "json").out)["stance"]["learning_curve"]
    assert [len(p["scores"]) for p in found] == [2, 2] and 20 <= found[0]["pairs"] < 25
    assert "training pairs   articles   macro-F1   of each draw" in run(*args).out


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["M"], "give labelled data too"),
        (["M", "D", "--learning-curve"], "give data alone"),
        (["M", "D", "--folds", "5"], "--folds: a model is not cross-validated: give data alone"),
        (["M", "D", "--seed", "1"], "--seed: a model is not cross-validated"),
        (["M", "D", "--group-by", "topic"], "--group-by: a model is not cross-validated"),
        (["D", "--sizes", "500"], "--sizes: it is for a learning curve: give --learning-curve too"),
        (["D", "--draws", "2"], "--draws: it is for a learning curve"),
        (["D", "--learning-curve", "--sizes", "ten"], "'ten' is not a number of pairs"),
        (["D", "--learning-curve", "--sizes", "500,5²"], "'5²' is not a number of pairs"),
    ],
)
def test_wrong_usage_of_evaluate(run: Cli, model_file: Path, args: list[str], said: str) -> None:
    r = run("evaluate", *({"M": model_file, "D": REPORTS}.get(a, a) for a in args))
    assert r.code == 2 and said in " ".join(re.sub(r"[│╭╰─╮╯]", " ", r.err).split())


def test_evaluate_knows_rows_the_model_was_trained_on(run: Cli, model_file: Path, tmp_path: Path) -> None:
    with REPORTS.open(encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    told = run("evaluate", model_file, write_csv(tmp_path / "d.csv", [{**r, "article_id": "x" + r["article_id"]} for r in rows])).err
    assert told.count(f"{sum(r['split'] == 'train' for r in rows)} of {len(rows)} rows have sentence and actor of rows the model was trained on") == 1
    assert "trained on" not in run("evaluate", model_file, REPORTS, "--split", "test").err
    assert "this is the data the model was trained on" in run("evaluate", model_file, REPORTS, "--split", "train").err


def test_evaluate_on_labels_the_model_lacks_is_a_message(run: Cli, tmp_path: Path) -> None:
    with REPORTS.open(encoding="utf-8", newline="") as f:
        rows = [r for r in csv.DictReader(f) if r["stance"] != "deny"]
    run("train", write_csv(tmp_path / "less.csv", rows), "--folds", "2", "-o", tmp_path / "m.stance")
    r = run("evaluate", tmp_path / "m.stance", REPORTS)
    is_message(r)
    assert "unknown stance 'deny'" in r.err


def test_a_column_of_other_labels_than_the_model_s_is_one_line(run: Cli, tmp_path: Path, model: Model) -> None:
    path = relabel(tmp_path / "own.csv", "stance", {"stern": "neg", "neutral": "none", "warm": "pos"})
    r = run("evaluate", "default", path, "--head", "stance")
    is_message(r)
    assert "column 'stance': its labels neg, none, pos are not the model's (firm, accuse, " in r.err and "train a model on them" in r.err
    assert "unknown" not in r.err
    with pytest.raises(DataError, match="its labels neg, none, pos are not the model's"):
        stance.evaluate(model, read_dataset(path))


def test_models_that_share_a_head_but_none_of_its_labels_are_not_compared(run: Cli, tmp_path: Path) -> None:
    path = relabel(tmp_path / "own.csv", "stance", {"stern": "neg", "neutral": "none", "warm": "pos"})
    model = tmp_path / "m.stance"
    assert run("train", path, "--folds", "2", "-o", model).code == 0
    said = "default has the labels firm, accuse, deny, demand, threaten, cooperate, neutral of stance, not neg, none, pos: nothing to compare"
    for args in ([model, path], [path, "--folds", "2"]):
        r = run("evaluate", *args, "--against", "default", "-f", "json")
        is_message(r)
        assert said in r.err and not r.out
    with REPORTS.open(encoding="utf-8", newline="") as f:
        rows = [{**r, "stance": "none" if r["stance"] == "neutral" else "some"} for r in csv.DictReader(f)]
    r = run("evaluate", write_csv(tmp_path / "d.csv", rows), "--folds", "2", "--against", "default", "-f", "json")
    assert r.code == 0 and "warning: default has the labels" in r.err and "of stance, not none, some: nothing to compare" in r.err
    assert [head for head, scores in json.loads(r.out).items() if "against" in scores] == ["tone"]


def test_holding_out_everything_is_a_message(run: Cli, tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    path.write_text(REPORTS.read_text("utf-8").replace(",train\n", ",test\n"), "utf-8")
    is_message(run("train", path, "--hold-out", "test", "-o", tmp_path / "m.stance"))


def test_a_hold_out_nobody_has_is_said(run: Cli, tmp_path: Path) -> None:
    r = run("train", REPORTS, "--hold-out", "tset", "--folds", "2", "-o", tmp_path / "m.stance")
    is_message(r)
    assert "no row has split 'tset'\n  there are 'test', 'train'" in r.err and not (tmp_path / "m.stance").exists()


def test_a_label_that_is_held_out_altogether_is_told_before_training(run: Cli, tmp_path: Path) -> None:
    with REPORTS.open(encoding="utf-8", newline="") as f:
        rows = [r for r in csv.DictReader(f) if r["split"] == "test" or r["stance"] != "deny"]
    path = write_csv(tmp_path / "d.csv", rows)
    line = next(i for i, r in enumerate(rows, 2) if r["stance"] == "deny")
    r = run("train", path, "--hold-out", "test", "--folds", "2", "-o", tmp_path / "m.stance")
    is_message(r)
    assert f"{path}:{line}: stance 'deny' is in no row that is trained on" in r.err and "split 'test' has labels of its own" in r.err


def test_articles_on_both_sides_of_a_hold_out_are_counted(run: Cli, tmp_path: Path) -> None:
    with REPORTS.open(encoding="utf-8", newline="") as f:
        rows = [{k: v for k, v in r.items() if k != "tone"} for r in csv.DictReader(f)]
    first = next(r for r in rows if r["split"] == "test")
    first["split"] = "train" if sum(r["article_id"] == first["article_id"] for r in rows) > 1 else first["split"]
    r = run("train", write_csv(tmp_path / "d.csv", rows), "--hold-out", "test", "--folds", "2", "-o", tmp_path / "m.stance")
    assert r.code == 0 and "warning: 1 article is both in split 'test' and in what is trained on" in r.err


@pytest.mark.parametrize(("name", "said"), [("nowhere/m.stance", "nowhere; make it first"), ("old.stance", "old.stance is a folder")])
def test_train_sees_first_whether_the_model_can_be_written(run: Cli, tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "old.stance").mkdir()
    r = run("train", tmp_path / "no data.csv", "-o", tmp_path / name)
    assert r.code == 2 and said.replace(" ", "") in re.sub(r"[│╭╰─╮╯\s]", "", r.err)
    assert not (tmp_path / "nowhere").exists()


def test_check_of_good_data(run: Cli) -> None:
    r = run("check", REPORTS)
    assert (r.code, r.out) == (0, "")
    assert "177 pairs in 60 articles, stance: 7 labels, tone: 4 labels" in r.err


def test_check_warns_of_odd_rows(run: Cli, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(REPORTS.read_text("utf-8").replace("Kenya,demand,stern", "Kenya,neutral,stern"), "utf-8")
    r = run("check", path)
    assert r.code == 0 and f"warning: {path}:" in r.out and "neutral but tone 'stern'" in r.out


# --------------------------------------------------------------------------- explain


def test_explain_shows_lines_that_add_up(run: Cli, model_file: Path) -> None:
    r = run("explain", "Norway condemned the raid. Chile denied it.", "--actor", "Norway", "-m", model_file)
    assert r.code == 0 and r.out.startswith("Norway condemned the raid.\n  Norway: accuse ") and "condemned" in r.out
    score = float(re.search(r"score of accuse ([+-][\d.]+)", r.out)[1])  # type: ignore[index]
    parts = [float(x) for x in re.findall(r"(?m)^    ([+-][\d.]+)  ", r.out)]
    assert sum(parts) == pytest.approx(score, abs=0.0006 * len(parts))


def test_explain_as_json_and_against_a_label(run: Cli, model_file: Path) -> None:
    (found,) = json.loads(run("explain", "Norway condemned the raid.", "--actor", "Norway", "-m", model_file, "--why-not", "deny", "-f", "json").out)
    assert (found["actor"], found["label"], found["against"]) == ("Norway", "accuse", "deny")
    assert found["bias"] + sum(c["value"] for c in found["contributions"]) == pytest.approx(found["score"])


def test_explain_without_an_actor_tells_of_all(run: Cli, model_file: Path) -> None:
    text = "Norway condemned the raid. Chile denied it to Norway."
    found = json.loads(run("explain", text, "-m", model_file, "-f", "json").out)
    assert [(x["text"], x["actor"]) for x in found] == [(text[:26], "Norway"), (text[27:], "Chile"), (text[27:], "Norway")]
    alone = [json.loads(run("explain", text, "-m", model_file, "-f", "json", "--actor", x).out) for x in ("Norway", "Chile")]
    assert found == [alone[0][0], alone[1][0], alone[0][1]]
    assert re.findall(r"(?m)^  (\w+): \w+ [01]\.", run("explain", text, "-m", model_file).out) == ["Norway", "Chile", "Norway"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--actor", "Peru"], "'Peru' is not in the text; actors found: Norway"),
        (["--actor", "Norway", "--head", "mood"], "no head 'mood'; it has stance, tone"),
        (["--actor", "Norway", "--label", "denny"], "no label 'denny'"),
        (["--actor", "Norway", "--why-not", "denny"], "no label 'denny'"),
        (["--actor", "Norway", "--why-not", "accuse"], "'accuse' is the label chosen; it has no lead over itself"),
        (["--actor", "norway"], "actors found: Norway; did you mean 'Norway'?"),
    ],
)
def test_what_explain_cannot_explain(run: Cli, model_file: Path, args: list[str], said: str) -> None:
    r = run("explain", "Norway condemned the raid.", "-m", model_file, *args)
    is_message(r)
    assert said in r.err


def test_explain_finds_an_actor_of_no_table_by_its_name(run: Cli, model_file: Path) -> None:
    text = "Norway left. Anna Keller slammed the plan of Norway."
    (found,) = json.loads(run("explain", text, "--actor", "Anna Keller", "-m", model_file, "-f", "json").out)
    assert (found["text"], found["actor"]) == ("Anna Keller slammed the plan of Norway.", "Anna Keller")
    is_message(run("explain", text, "--actor", "Ann", "-m", model_file))


def test_explain_says_what_the_alias_table_calls_an_actor(run: Cli, model_file: Path) -> None:
    r = run("explain", "Oslo condemned the raid.", "--actor", "Oslo", "-m", model_file)
    assert r.code == 0 and r.err.startswith("note: 'Oslo' is 'Norway' in the alias table; ")
    r = run("explain", "Norway condemned the raid.", "--actor", "Oslo", "-m", model_file)
    assert r.code == 1 and "actors found: Norway; it is called 'Norway' here" in r.err
    assert run("explain", "Norway condemned the raid.", "--actor", "Norway", "-m", model_file).err == ""


def test_explain_names_an_actor_that_is_written_otherwise_in_the_text(run: Cli, model_file: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("alias,actor,kind,from,to\nPSG,PSG,name,2030,\n")
    for more in ([], ["--actors", tmp_path / "mine.csv"]):
        r = run("explain", "Mbappe wants to leave PSG.", "--actor", "psg", "--date", "2019-01-01", "-m", model_file, *more)
        assert r.code == 1 and "'psg' is not in the text; actors found: none; did you mean 'PSG'?\n" in r.err
        assert run("explain", "Mbappe wants to leave PSG.", "--actor", "PSG", "--date", "2019-01-01", "-m", model_file, *more).code == 0
    r = run("explain", "Mbappe left.", "--actor", "psg", "--date", "2019-01-01", "-m", model_file, "--actors", tmp_path / "mine.csv")
    assert "'psg' is not in the text; actors found: none\n" in r.err


def test_why_not_leaves_out_sentences_where_it_is_the_label(run: Cli, model_file: Path) -> None:
    text = "Norway condemned the raid. Norway denied it."
    r = run("explain", text, "--actor", "Norway", "-m", model_file, "--why-not", "deny", "-f", "json")
    assert [x["label"] for x in json.loads(r.out)] == ["accuse"] and "warning: 'deny' is the label chosen for Norway in 'Norway denied it.'" in r.err


# --------------------------------------------------------------------------- info, export, actors, help


def test_info_shows_what_the_model_is(run: Cli, model_file: Path, model: Model) -> None:
    r = run("info", model_file)
    assert r.code == 0 and model.fingerprint in r.out and "cross-validation, grouped by article" in r.out and "deny" in r.out
    assert json.loads(run("info", model_file, "-f", "json").out)["fingerprint"] == model.fingerprint


def test_info_of_the_shipped_model_by_its_name(run: Cli) -> None:
    named, unnamed = run("info", "default", "-f", "json"), run("info", "-f", "json")
    assert named.code == 0 and named.out == unnamed.out


def test_export_of_the_shipped_model_by_its_name(run: Cli, tmp_path: Path) -> None:
    r = run("export", "default", "--pipeline", tmp_path / "p.joblib")
    assert r.code == 0 and (tmp_path / "p.joblib").stat().st_size > 0


def test_export_gives_the_pipelines(run: Cli, model_file: Path, tmp_path: Path) -> None:
    r = run("export", model_file, "--pipeline", tmp_path / "p.joblib")
    assert r.code == 0 and "open only models you trust" in r.err
    assert set(joblib.load(tmp_path / "p.joblib")) == {"stance", "tone"}


def test_export_does_not_overwrite_the_model(run: Cli, model_file: Path) -> None:
    before = model_file.read_bytes()
    is_message(run("export", model_file, "--pipeline", model_file))
    assert model_file.read_bytes() == before


def test_actors_shows_mentions_and_why(run: Cli) -> None:
    r = run("actors", "Norwegian Foreign Minister Ine Lie met Chile in Lima.")
    assert r.code == 0
    assert [x for x in ("Ine Lie", "office of Norway before the name", "Chile", "(Peru)", "place after 'in'") if x not in r.out] == []


def test_actors_from_standard_input_and_with_a_date(run: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin(monkeypatch, "Angela Merkel left.")
    assert "Germany" in run("actors", "-", "--date", "2015-01-01").out
    assert "no actor found" in run("actors", "Angela Merkel left.", "--date", "2023-01-01").out


@pytest.mark.parametrize(
    "raw",
    ["\ufeffMéxico condemned China.".encode(), "México condemned China.".encode("cp1252"), "M\udce9xico condemned China.", "M\udcc3\udca9xico condemned China."],
)
@pytest.mark.parametrize("command", [["actors"], ["explain", "--actor", "China"]], ids=lambda c: str(c[0]))
def test_a_text_is_read_in_whatever_encoding(run: Cli, model_file: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], raw: str | bytes) -> None:
    if isinstance(raw, bytes):
        stdin(monkeypatch, raw)
    r = run(*command, "-m", model_file, "-" if isinstance(raw, bytes) else raw)
    assert r.code == 0 and r.out.startswith("México")
    assert r.err == ("warning: -:1: not UTF-8 (byte 0xe9); read as cp1252\n" if b"\xe9" in (raw if isinstance(raw, bytes) else b"") else "")


def test_actors_check(run: Cli, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("alias,actor,kind\nVold,Norway,name\nVold,Sweden,name\n")
    r = run("actors", "--check", path, "--only-actors")
    assert (r.code, r.out) == (1, "Vold: Norway, Sweden: same alias, overlapping dates, no guard\n")
    path.write_text("alias,actor,kind\nVold,Norway,name\n")
    assert run("actors", "--check", path, "--only-actors").code == 0


@pytest.mark.parametrize("command", [[], *([c] for c in COMMANDS)], ids=lambda c: " ".join(c) or "stance")
def test_help_of_every_command(run: Cli, command: list[str]) -> None:
    r = run(*command, "--help")
    assert (r.code, r.err) == (0, "")
    assert "Usage:" in r.out
    assert r.out == run(*command, "-h").out


def test_every_command_is_helped_and_listed(run: Cli) -> None:
    assert {"classify", "train", "evaluate", "check", "info", "explain", "export", "actors"} <= set(COMMANDS)
    told = run("--help").out
    assert all(f"  {name} " in told for name in COMMANDS)


def test_no_command_is_told_in_half_a_sentence(run: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    told = [x for x in run("--help").out.split("Commands:")[1].splitlines() if x.strip()]
    assert len(told) == len(COMMANDS) and all(x.endswith(".") and not x.endswith("...") and len(x) <= 80 for x in told), told


def test_every_option_has_a_help_text(run: Cli) -> None:
    import typer.main

    group = typer.main.get_command(cli.app)
    silent = [f"{name} {p.name}" for name, c in group.commands.items() for p in c.params if not getattr(p, "help", None)]  # type: ignore[attr-defined]
    assert silent == [] and all(c.help for c in group.commands.values())  # type: ignore[attr-defined]


def test_version(run: Cli) -> None:
    assert run("--version").out == f"stance {stance.__version__}\n"


# --------------------------------------------------------------------------- in a process of its own


def own(*args: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Runs Python in a new process."""
    return subprocess.run([sys.executable, *map(str, args)], capture_output=True, text=True, encoding="utf-8", timeout=120, **options)  # type: ignore[call-overload,no-any-return]


def test_classifying_imports_no_heavy_package(article: Path, model_file: Path) -> None:
    code = (
        "import sys; from stance import cli\n"
        "try: cli.main()\n"
        "except SystemExit as e: assert not e.code, e.code\n"
        "heavy = {'sklearn', 'scipy', 'nltk', 'pandas', 'joblib', 'rich', 'trafilatura', 'jinja2', 'sqlite3'} & {m.split('.')[0] for m in sys.modules}\n"
        "print('HEAVY', sorted(heavy))"
    )
    for args in (["classify", article, "-m", model_file, "-f", "table"], ["info", model_file], ["actors", "Norway left."], ["--help"]):
        r = own("-c", code, *args)
        assert "HEAVY []" in r.stdout, (args, r.stdout[-300:], r.stderr)


def test_importing_the_package_imports_next_to_nothing() -> None:
    r = own("-c", "import sys, stance; print(sorted(m for m in sys.modules if m.startswith(('stance', 'numpy'))))")
    assert r.stdout.strip() == "['stance']"


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_output_is_utf8_whatever_the_locale(article: Path, model_file: Path, encoding: str) -> None:
    article.write_text("Perú left Bogotá, and Colombia denied it.", "utf-8")
    r = own("-m", "stance.cli", "classify", article, "-m", model_file, env={**os.environ, "PYTHONIOENCODING": encoding})
    assert r.returncode == 0 and "Bogotá" in json.loads(r.stdout.splitlines()[0])["sentence"]["text"]


@pytest.mark.skipif(os.name == "nt", reason="pipes and signals are POSIX")
def test_a_reader_that_goes_away_is_no_failure(tmp_path: Path, model_file: Path) -> None:
    (tmp_path / "long.txt").write_text("Norway condemned the raid. " * 3000)
    command = [sys.executable, "-m", "stance.cli", "classify", str(tmp_path / "long.txt"), "-m", str(model_file)]
    with popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
        assert p.stdout and p.stderr
        p.stdout.readline()
        p.stdout.close()
        assert (p.stderr.read(), p.wait()) == (b"", 0)
    os.mkfifo(tmp_path / "pipe")
    with popen([*command, "-f", "jsonl", "-o", str(tmp_path / "pipe")], stderr=subprocess.PIPE) as p:
        with (tmp_path / "pipe").open() as f:
            f.readline()
        assert p.stderr and (p.stderr.read(), p.wait()) == (b"", 0)


@pytest.mark.skipif(os.name == "nt", reason="closed by a shell")
def test_closed_streams(article: Path, model_file: Path, tmp_path: Path) -> None:
    def closed(which: str, *args: object) -> tuple[int, str, str]:
        command = ["sh", "-c", f'exec "$@" {which}', "sh", sys.executable, "-m", "stance.cli", "classify", *map(str, args), "-m", str(model_file)]
        r = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
        return r.returncode, r.stdout, r.stderr

    rows = closed("", article)[1]
    assert closed("2>&-", article, tmp_path / "nowhere.txt") == (3, rows, "") and rows
    assert closed(">&-", article) == (1, "", "error: output: Bad file descriptor\n")
    if Path("/dev/full").exists():
        assert closed(">/dev/full", article) == (1, "", "error: output: No space left on device\n")
    assert closed("<&- >&- 2>&-", article, "-o", tmp_path / "r.jsonl") == (0, "", "") and (tmp_path / "r.jsonl").read_text() == rows
    code, _, said = closed("<&-", "-")
    assert code == 1 and said.startswith("skipped -: the file is empty\n")


@pytest.mark.skipif(os.name == "nt", reason="pipes and signals are POSIX")
def test_control_c_in_a_running_process_exits_with_130(model_file: Path) -> None:
    code = "from stance import articles, cli; read = articles._stdin; articles._stdin = lambda *a: (print('ready', flush=True), read(*a))[1]; cli.main()"
    command = [sys.executable, "-c", code, "classify", "-", "-m", str(model_file)]
    with popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
        assert p.stdout and p.stderr and p.stdout.readline() == b"ready\n"
        time.sleep(0.2)  # it waits for its input
        p.send_signal(signal.SIGINT)
        assert b"Traceback" not in p.stderr.read() and p.wait() == 130


SLEEPS = "import sys, time; import stance.{0} as m; m.{1} = lambda *a, **k: (print('ready', flush=True), time.sleep(600)); from stance.cli import main; main()"


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
@pytest.mark.parametrize(
    ("module", "work", "args", "told"),
    [
        ("training", "out_of_fold", ["evaluate", REPORTS, "-o", "out.json"], "nothing was written"),
        ("checking", "check", ["check", REPORTS], "nothing was written"),
        ("reporting", "read_results", ["report", REPORTS, "-o", "out.html"], "nothing was written"),
        ("agreement", "agreement", ["agree", "ann.csv", "bob.csv", "-o", "out.csv"], "out.csv was written before"),
    ],
    ids=["evaluate", "check", "report", "agree"],
)
def test_control_c_says_what_was_written(tmp_path: Path, module: str, work: str, args: list[object], told: str) -> None:
    for name, label in (("ann", "deny"), ("bob", "accuse")):
        write_csv(tmp_path / f"{name}.csv", [{"text": "Norway denied it.", "actor": "Norway", "stance": label}])
    command = [sys.executable, "-c", SLEEPS.format(module, work), *map(str, args)]
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
    with popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=path) as p:
        assert p.stdout and p.stderr and p.stdout.readline() == b"ready\n"
        p.send_signal(signal.SIGINT)
        assert (p.stderr.read().decode(), p.wait()) == (f"interrupted; {told}\n", 130)
    assert [f.name for f in tmp_path.iterdir() if f.name.startswith("out")] == (["out.csv"] if "before" in told else [])


@pytest.mark.parametrize("command", [["train", REPORTS], ["classify", "-"]], ids=["train", "classify"])
def test_a_folder_that_cannot_be_written_to_is_told_before_any_work(run: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[object]) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (tmp_path, os.W_OK))  # root may write everywhere
    out = tmp_path / {"train": "m.stance", "classify": "r.sqlite"}[str(command[0])]
    r = run(*command, "-o", out)
    assert r.code == 2 and f"{out}: its folder cannot be written to" in r.err and not out.exists()


CLEANS_UP = """
import sys, time
import stance.checking as m, stance.__main__ as command
command.PATIENCE = {}
def check(*a, **k):
    try: print('ready', flush=True), time.sleep(600)
    finally: print('ready', flush=True), time.sleep({})
m.check = check
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
@pytest.mark.parametrize(
    ("code", "times", "end"),
    [("", 1, ("", -1)), (CLEANS_UP.format(600, 1), 2, ("interrupted; nothing was written\n", 1)), (CLEANS_UP.format(0, 600), 2, ("", -1))],
    ids=["imports", "again", "after the time to clean up"],
)  # fmt: skip
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["control-c", "sigterm"])
def test_control_c_or_sigterm_during_the_first_imports_or_again_is_quiet(tmp_path: Path, code: str, times: int, end: tuple[str, int], number: int) -> None:
    """A process that dies of it (-number here) has the code 128 + number in a shell."""
    module, _, name = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]["stance"].partition(":")
    if not code:
        (tmp_path / "typer.py").write_text("import time; print('ready', flush=True); time.sleep(600)")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    command = [sys.executable, "-c", f"{code}from {module} import {name}; {name}()", "check", str(REPORTS)]
    with popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env) as p:
        assert p.stdout and p.stderr
        for _ in range(times):
            assert p.stdout.readline() == b"ready\n"
            p.send_signal(number)
        assert (p.stderr.read().decode(), p.wait()) == (end[0], -number if end[1] < 0 else 128 + number)


@pytest.mark.skipif(os.name == "nt", reason="pipes and signals are POSIX")
def test_sigterm_leaves_no_temporary_file(model_file: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "stance", "classify", "-", "-o", str(tmp_path / "out.jsonl"), "-m", str(model_file)]
    with popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}) as p:
        assert p.stdin and p.stderr
        p.stdin.write(b'{"text": "Norway left."}\n' * 2)
        p.stdin.flush()  # and more may come: it waits
        until(lambda: p.poll() is not None or list(tmp_path.iterdir()))
        time.sleep(0.2)
        p.terminate()
        assert (p.stderr.read().decode(), p.wait(), list(tmp_path.iterdir())) == ("interrupted; nothing was written\n", 143, [])


# --------------------------------------------------------------------------- errors travel between processes


@pytest.mark.parametrize("error", [InputError("a: bad", "mend it"), DataError("2 bad rows", "mend them", ("f:1: x", "f:2: y"))])
def test_errors_survive_pickling(error: InputError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 -- our own bytes
    assert (type(again), str(again), again.hint) == (type(error), str(error), error.hint)


def test_the_example_article_is_there_for_make_run(run: Cli, model_file: Path) -> None:
    r = run("classify", ROOT / "examples" / "balloon.txt", "-m", model_file, "-f", "table")
    assert r.code == 0 and "China" in r.out and "US" in r.out


def test_a_file_name_that_is_no_utf_8_costs_nothing(run: Cli, tmp_path: Path, model_file: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.txt")
    path.write_text(TEXT, "utf-8")
    for name in ("o.jsonl", "o.csv", "o.html", "o.sqlite"):
        r = run("classify", path, tmp_path / os.fsdecode(b"n\xe9.txt"), "-m", model_file, "-o", tmp_path / name)
        assert r.code == 3 and "n\ufffd.txt: cannot be read" in r.err
        assert (tmp_path / name).stat().st_size > 100


@pytest.mark.parametrize("suffix", [".jsonl", ".sqlite", ".parquet"])
def test_an_output_that_is_a_link_stays_one(run: Cli, article: Path, model_file: Path, tmp_path: Path, suffix: str) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    (tmp_path / "there").mkdir()
    link, target = tmp_path / f"o{suffix}", tmp_path / "there" / f"real{suffix}"
    link.symlink_to(target)
    for more in ([], ["--restart"] if suffix == ".sqlite" else []):  # once where there is no file yet, once where there is
        assert run("classify", article, "-m", model_file, "-o", link, *more).code == 0
        assert link.is_symlink() and not target.is_symlink() and target.stat().st_size
    assert [p.name for p in target.parent.iterdir()] == [target.name]


def test_an_output_that_is_a_pipe_is_written_to(run: Cli, article: Path, model_file: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "o.jsonl"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert run("classify", article, "-m", model_file, "-o", pipe).code == 0
    assert pipe.is_fifo() and os.read(reader, 100).startswith(b'{"article"')
    os.close(reader)


@pytest.mark.parametrize("name", ["z.sqlite", "z.csv", "z.html"])
def test_where_no_input_can_be_read_no_file_is_made(run: Cli, model_file: Path, tmp_path: Path, name: str) -> None:
    r = run("classify", tmp_path / "nope.txt", "-m", model_file, "-o", tmp_path / name)
    is_message(r)
    assert r.err.count("nope.txt") == 1 and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["z.sqlite", "z.jsonl"])
def test_a_file_none_of_whose_records_has_a_text_fails(run: Cli, model_file: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "a.jsonl").write_text('{"title": "x"}\n' * 102)
    r = run("classify", tmp_path / "a.jsonl", "-m", model_file, "-o", tmp_path / name)
    named = ", ".join(map(str, range(2, 101)))
    assert r.code == 1 and r.err.startswith(f"skipped 102 ({tmp_path / 'a.jsonl'}:1, {named} …): no text") and r.err.count("a.jsonl:") == 1
    assert "skipped 2 not named above\n" in r.err and "none of the inputs could be read" in r.err and len(r.err.splitlines()) == 4
    assert [x.name for x in tmp_path.iterdir()] == ["a.jsonl"]


def test_a_long_file_none_of_whose_records_can_be_read_takes_no_more_memory(capsys: pytest.CaptureFixture[str]) -> None:
    peaks = []
    for count in (1_000, 50_000, 100_000):  # the first one imports
        tracemalloc.start()
        with pytest.raises(InputError, match="none of the inputs could be read"):
            cli._readable((Skipped(f"a.jsonl:{n}", "no text") for n in range(count)), None)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        said = capsys.readouterr().err.splitlines()
        named = ", ".join(map(str, range(1, 100)))
        assert said == [f"skipped {count} (a.jsonl:0, {named} …): no text", f"skipped {count - 100} not named above"]
    assert peaks[2] < 1.1 * peaks[1], f"{peaks[1]} → {peaks[2]} bytes"


def test_skipped_inputs_before_one_that_can_be_read_are_named_once(run: Cli, article: Path, model_file: Path, tmp_path: Path) -> None:
    r = run("classify", tmp_path / "nope.txt", article, "-m", model_file)
    assert r.code == 3 and r.err.count("nope.txt") == 1


def test_a_csv_without_judgements_has_its_header(run: Cli, article: Path, model_file: Path, tmp_path: Path) -> None:
    (tmp_path / "none.txt").write_text("The cat slept on the mat.")
    for path, out in ((article, "some.csv"), (tmp_path / "none.txt", "none.csv")):
        assert run("classify", path, "-m", model_file, "-o", tmp_path / out).code == 0
    assert (tmp_path / "none.csv").read_text("utf-8").splitlines() == (tmp_path / "some.csv").read_text("utf-8").splitlines()[:1]


def test_the_package_is_a_command() -> None:
    shown = subprocess.run([sys.executable, "-m", "stance", "--version"], capture_output=True, text=True, check=True, cwd=ROOT, timeout=LIMIT)
    assert shown.stdout == f"stance {stance.__version__}\n"


def test_columns_of_articles_can_be_named(tmp_path: Path, model_file: Path, run: Cli) -> None:
    table = tmp_path / "a.csv"
    table.write_text("Nr,Zeitung,Volltext,date\n7,FAZ,Norway condemned the raid.,2024\n", "utf-8")
    named = ("--column", "text=Volltext", "--column", "id=Nr", "--column", "source=Zeitung")
    row = json.loads(run("classify", table, "-m", model_file, *named).out)
    assert (row["article"], row["source"]) == ("7", "FAZ")
    assert run("classify", table, "-m", model_file, *named, "-o", tmp_path / "r.sqlite").code == 0
    assert run("report", tmp_path / "r.sqlite", "--source", "FAZ", "-o", tmp_path / "r.html").code == 0
    assert run("sample", table, *named, "-n", "1").out.splitlines()[1].startswith("7,")
    for wrong, said in (("actor=x", "'actor' is none of id, title"), ("text=Volltext", "the text has --text-column already")):
        failed = run("classify", table, "--text-column", "Volltext", "--column", wrong)
        assert failed.code == 2 and said in " ".join(failed.err.split())
