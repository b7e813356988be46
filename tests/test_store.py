"""Archives: the database, going on after kill -9, what is refused, skipped articles, Parquet."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import tracemalloc
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import LIMIT, REPORTS, Run, popen, relabel, until, write_csv

from stance import classification, store
from stance.articles import Article, Skipped, read_articles, scan_articles
from stance.classification import BATCH, Result, classify, classify_archive
from stance.codebook import STORED
from stance.dataset import read_dataset
from stance.errors import DataError, InputError, ModelError, StanceError
from stance.lexicon import Lexicon
from stance.model import Model
from stance.rendering import csv_lines, jsonl_lines
from stance.store import _FLAT, _OWN, APPLICATION, Rows, describe_run, record, write_parquet
from stance.training import check_trainable

Cli = Callable[..., Run]
TABLES = {
    "run": "id, version, model, model_name, lexicon, settings, manifest", "article": "*", "sentence": "*", "judgement": "*", "judgements": "*",
}  # fmt: skip


def sql(path: Path, query: str, *values: object) -> list[Any]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query, values).fetchall()


def dump(path: Path) -> dict[str, list[Any]]:
    """All rows of all tables, without the times of the run."""
    return {table: sql(path, f"SELECT {columns} FROM {table}") for table, columns in TABLES.items()}


def write_archive(path: Path, count: int, sentences: int = 4) -> Path:
    with REPORTS.open(encoding="utf-8", newline="") as f:
        texts = [r["text"] for r in csv.DictReader(f)]
    with path.open("w", encoding="utf-8") as f:
        for n in range(count):
            text = " ".join([*(texts[(n * 7 + k) % len(texts)] for k in range(sentences)), f"It was day {n}."])  # no text twice
            f.write(json.dumps({"id": f"a{n}", "title": f"Report {n}", "date": "2019-03-04", "source": "Gazette", "text": text}) + "\n")
    return path


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven batches."""
    return write_archive(tmp_path_factory.mktemp("archive") / "news.jsonl", 7 * BATCH - 9)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_archive(tmp_path_factory.mktemp("few") / "news.jsonl", 5)


def command(archive: Path, out: Path, model_file: Path, *more: object) -> list[str]:
    return list(map(str, [sys.executable, "-m", "stance.cli", "classify", archive, "-o", out, "-m", model_file, *more]))


@pytest.fixture(scope="module")
def undisturbed(archive: Path, model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    out = tmp_path_factory.mktemp("undisturbed") / "r.sqlite"
    assert subprocess.run(command(archive, out, model_file), check=True, capture_output=True, timeout=LIMIT).stderr == b""
    return dump(out)


# --------------------------------------------------------------------------- nothing lost


def articles_in(path: Path) -> int:
    try:
        return int(sql(path, "SELECT count(*) FROM article")[0][0])
    except sqlite3.Error:  # not there yet
        return 0


DIES = """
import os, signal, sys
from stance import cli, store
insert, left = store._insert, int(sys.argv.pop(1))
def dies(*args):
    global left
    insert(*args)
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
store._insert = dies
cli.main()
"""


def kill(arguments: list[str], inserts: int) -> None:
    """Run the command and kill -9 it after so many inserts, of which each batch has three: in the midst of a transaction."""
    assert arguments[1:3] == ["-m", "stance.cli"]
    r = subprocess.run([arguments[0], "-c", DIES, str(inserts), *arguments[3:]], capture_output=True, timeout=LIMIT)
    assert r.returncode == -signal.SIGKILL


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is POSIX")
@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_and_gone_on_with_is_the_same_row_for_row(
    archive: Path, model_file: Path, tmp_path: Path, undisturbed: dict[str, list[Any]], jobs: int
) -> None:
    out = tmp_path / "r.sqlite"
    arguments = command(archive, out, model_file, "-j", jobs)
    done = 0
    for inserts in (2, 5, 7, 4) if jobs == 1 else (5,):
        kill(arguments, inserts)
        done += inserts // 3
        assert articles_in(out) == done * BATCH, "the batch that was being written is lost, and no other"
    assert sql(out, "PRAGMA integrity_check") == [("ok",)] and sql(out, "SELECT finished FROM run") == [(None,)]
    r = subprocess.run(arguments, capture_output=True, text=True, timeout=LIMIT)
    assert (r.returncode, r.stderr) == (0, f"{out}: {done * BATCH} of {len(undisturbed['article'])} articles were there already\n")
    assert dump(out) == undisturbed
    assert [p.name for p in tmp_path.iterdir()] == ["r.sqlite"]  # no log is left beside it


@pytest.mark.skipif(os.name == "nt", reason="timers are POSIX")
def test_stopped_dead_at_any_moment_and_gone_on_with(archive: Path, model_file: Path, tmp_path: Path, undisturbed: dict[str, list[Any]]) -> None:
    moment, out = random.Random(3), tmp_path / "r.sqlite"
    for _ in range(4):  # the signal of this timer ends a process that does not expect it as abruptly; it counts CPU, not the clock
        after = moment.uniform(0.3, 1.0)
        subprocess.run(command(archive, out, model_file), timeout=LIMIT, preexec_fn=lambda after=after: signal.setitimer(signal.ITIMER_PROF, after))  # type: ignore[misc]
    assert subprocess.run(command(archive, out, model_file), capture_output=True, timeout=LIMIT).returncode == 0
    assert dump(out) == undisturbed


def test_an_interrupt_keeps_what_was_done(run: Cli, archive: Path, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, list[Any]]) -> None:
    def interrupted(items: Iterable[Any], **options: Any) -> Iterator[list[Result]]:
        yield next(iter(classify_archive(items, **options)))
        raise KeyboardInterrupt

    out = tmp_path / "r.sqlite"
    with monkeypatch.context() as m:
        m.setattr(classification, "classify_archive", interrupted)
        r = run("classify", archive, "-o", out, "-m", model_file)
    assert r.code == 130 and f"interrupted; what was done is in {out}: run the same command again to go on" in r.err
    assert articles_in(out) == BATCH
    assert run("classify", archive, "-o", out, "-m", model_file).code == 0
    assert dump(out) == undisturbed
    with monkeypatch.context() as m:
        m.setattr(classification, "classify_archive", interrupted)
        r = run("classify", archive, "-o", out, "-m", model_file, "--restart")
    assert f"what was done is in {out}.part, and {out} is left as it was: run the same command again to go on" in r.err
    assert dump(out) == undisturbed and articles_in(Path(f"{out}.part")) == BATCH


@pytest.mark.skipif(os.name == "nt", reason="limits are POSIX")
def test_a_full_disk_is_a_message_and_the_run_goes_on(archive: Path, model_file: Path, tmp_path: Path, undisturbed: dict[str, list[Any]]) -> None:
    import resource

    out = tmp_path / "r.sqlite"
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))  # noqa: E731 -- no file may be larger: the third batch is too much
    r = subprocess.run(command(archive, out, model_file), capture_output=True, text=True, timeout=LIMIT, preexec_fn=limit)
    assert r.returncode == 1 and r.stderr.startswith(f"error: {out}: ") and "run the same command again" in r.stderr and "Traceback" not in r.stderr
    assert 0 < articles_in(out) < len(undisturbed["article"])
    assert subprocess.run(command(archive, out, model_file), capture_output=True, timeout=LIMIT).returncode == 0
    assert dump(out) == undisturbed


def test_a_committed_batch_is_on_the_disk(model: Model, lexicon: Lexicon, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it outlives a power cut: SQLite is told to wait for the disk (2 is FULL)."""
    connect, opened, asked = sqlite3.connect, list[sqlite3.Connection](), list[Any]()
    monkeypatch.setattr("stance.store.sqlite3.connect", lambda *args, **options: opened.append(connect(*args, **options)) or opened[-1])

    def judge(items: Iterable[Article | Skipped], finish: Any) -> Iterator[list[Any]]:
        asked.append(opened[-1].execute("PRAGMA synchronous").fetchone())
        return classify_archive(items, model, lexicon=lexicon, finish=finish)

    record(tmp_path / "r.db", scan_articles(few), judge, describe_run(model, lexicon, {}))
    assert asked == [(2,)]


def test_once_more_changes_nothing(run: Cli, few: Path, model_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.sqlite"
    assert run("classify", few, "-o", out, "-m", model_file) == Run(0, "", "")
    before, times = dump(out), sql(out, "SELECT started, finished FROM run")
    for more in ([], ["--append"], ["--jobs", "2"]):
        assert run("classify", few, "-o", out, "-m", model_file, *more) == Run(0, "", f"{out}: 5 of 5 articles were there already\n")
    assert (dump(out), sql(out, "SELECT started, finished FROM run")) == (before, times)


def test_one_process_or_two_write_the_same(archive: Path, model_file: Path, tmp_path: Path, undisturbed: dict[str, list[Any]]) -> None:
    subprocess.run(command(archive, tmp_path / "two.db", model_file, "-j", 2), check=True, timeout=LIMIT)
    assert dump(tmp_path / "two.db") == undisturbed


def test_the_rows_are_those_of_json_lines(run: Cli, few: Path, model_file: Path, tmp_path: Path) -> None:
    run("classify", few, "-o", tmp_path / "r.sqlite", "-m", model_file)
    rows = [json.loads(x) for x in run("classify", few, "-m", model_file).out.splitlines()]
    found = sql(tmp_path / "r.sqlite", "SELECT article, number, sentence, actor, mentions, stance, stance_p, tone_probs, title, date, source, input, paragraph, target FROM judgements")
    wanted = [(r["article"], r["sentence"]["index"], r["sentence"]["text"], r["actor"], r["mentions"], r["stance"], r["stance_p"], r["tone_probs"], ";".join(r["target"])) for r in rows]
    assert [(*x[:4], json.loads(x[4]), x[5], x[6], json.loads(x[7]), x[13]) for x in found] == wanted and len(wanted) > 15
    assert {x[8:13] for x in found if x[0] == "a3"} == {("Report 3", "2019-03-04", "Gazette", str(few), 0)}


def test_memory_does_not_grow_with_the_archive(model: Model, lexicon: Lexicon, tmp_path: Path) -> None:
    run = describe_run(model, lexicon, {})
    peaks = []
    for name, count in (("warm", 1), ("small", 1), ("large", 10)):
        path = write_archive(tmp_path / f"{name}.jsonl", count * BATCH, sentences=1)
        tracemalloc.start()
        record(tmp_path / f"{name}.db", scan_articles(path), lambda x, finish: classify_archive(x, model, lexicon=lexicon, finish=finish), run)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert articles_in(tmp_path / "large.db") == 10 * BATCH
    assert peaks[2] < 1.12 * peaks[1], f"{peaks[1]} → {peaks[2]} bytes"


# --------------------------------------------------------------------------- the tables


def test_the_database_is_sound_and_opens_in_datasette(run: Cli, few: Path, model_file: Path, model: Model, tmp_path: Path) -> None:
    out = tmp_path / "r.sqlite"
    run("classify", few, "-o", out, "-m", model_file)
    assert sql(out, "PRAGMA foreign_key_check") == [] and sql(out, "PRAGMA integrity_check") == [("ok",)]
    assert sql(out, "PRAGMA application_id") == [(APPLICATION,)] and sql(out, "PRAGMA user_version") == [(1,)]
    keys = {table: [(r[3], r[2]) for r in sql(out, f"PRAGMA foreign_key_list({table})")] for table in ("article", "sentence", "judgement")}
    assert keys == {"article": [("run_id", "run")], "sentence": [("article_id", "article")], "judgement": [("sentence_id", "sentence")]}
    indexed = {r[0] for r in sql(out, "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")}
    assert indexed == {"judgement_actor", "judgement_sentence_id", "sentence_article_id", "article_key", "article_date", "article_source", "judgement_stance", "judgement_tone"}
    ((version, fingerprint, name, settings, manifest, started, finished),) = sql(out, "SELECT version, model, model_name, settings, manifest, started, finished FROM run")
    assert (fingerprint, name, json.loads(manifest)["fingerprint"]) == (model.fingerprint, model_file.name, model.fingerprint) and version
    assert json.loads(settings) == {"inputs": [str(few)], "min_confidence": 0.0, "actors": [], "text_column": ""}
    assert "2000" < started <= finished


@pytest.mark.parametrize(("asked", "index"), [("article = 'a3'", "article_key"), ("date >= '2019-01-07' AND date < '2019-01-09'", "article_date")])
def test_an_article_or_a_week_is_found_without_a_look_at_all_judgements(
    model: Model, lexicon: Lexicon, tmp_path: Path, asked: str, index: str
) -> None:  # fmt: skip
    days = [f"2019-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)]
    articles = [Article(f"a{n}", "Norway denied the charge.", date=day) for n, day in enumerate(days)]
    out = tmp_path / "r.sqlite"
    record(out, articles, lambda x, finish: classify_archive(x, model, lexicon=lexicon, finish=finish), describe_run(model, lexicon, {}))
    plan = [r[3] for r in sql(out, f"EXPLAIN QUERY PLAN SELECT actor, avg(stance = 'threaten') FROM judgements WHERE {asked} GROUP BY actor")]
    assert index in plan[0] and not [step for step in plan if step.startswith("SCAN")]


def test_the_text_hash_and_the_order_of_the_input(run: Cli, few: Path, model_file: Path, tmp_path: Path) -> None:
    import hashlib

    run("classify", few, "-o", tmp_path / "r.sqlite", "-m", model_file)
    wanted = [(n, a.id, hashlib.sha256(a.text.encode()).hexdigest()) for n, a in enumerate(read_articles(few))]
    assert sql(tmp_path / "r.sqlite", "SELECT position, key, sha256 FROM article ORDER BY id") == wanted


def test_articles_of_one_name_stay_apart(model: Model, lexicon: Lexicon, tmp_path: Path) -> None:
    items = [Article("x", "Norway condemned the raid."), Article("x", "Nothing was said."), Article("x", "Chile denied it.")]
    record(tmp_path / "r.db", items, lambda x, finish: classify_archive(x, model, lexicon=lexicon, finish=finish), describe_run(model, lexicon, {}))
    assert sql(tmp_path / "r.db", "SELECT position, actor FROM article JOIN sentence ON article_id = article.id JOIN judgement ON sentence_id = sentence.id") == [(0, "Norway"), (2, "Chile")]


def test_a_refused_command_leaves_one_file_that_can_be_copied(run: Cli, few: Path, tmp_path: Path) -> None:
    """Not one with a log, which is read only where its folder can be written to."""
    out = tmp_path / "r.sqlite"
    assert run("classify", few, "-o", out).code == 0
    assert run("classify", few, "-o", out, "--min-confidence", "0.5").code == 1
    assert sql(out, "PRAGMA journal_mode") == [("delete",)]
    assert run("report", out, "-o", tmp_path / "r.html").code == 0
    assert {p.name for p in tmp_path.iterdir()} == {"r.sqlite", "r.html"}


def test_the_flat_view_is_joined_and_counted_by_number(run: Cli, tmp_path: Path) -> None:
    """Two articles of one id are two, and where a sentence stands is found."""
    news = tmp_path / "news.jsonl"
    news.write_text("".join(json.dumps({"id": "1", "text": f"It rained. {who} denied it."}) + "\n" for who in ("Norway", "Chile")))
    run("classify", news, "-o", tmp_path / "r.sqlite")
    joined = "j JOIN article a ON a.id = j.article_id JOIN sentence s ON s.id = j.sentence_id"
    assert sql(tmp_path / "r.sqlite", f'SELECT actor, position, s.start, s."end" FROM judgements {joined}') == [("Norway", 0, 11, 28), ("Chile", 1, 11, 27)]
    assert sql(tmp_path / "r.sqlite", "SELECT count(DISTINCT article), count(DISTINCT article_id) FROM judgements") == [(1, 2)]


@pytest.mark.parametrize("name", sorted({*_OWN, *_FLAT, "index"}))
def test_a_head_that_is_no_column_is_refused(model: Model, lexicon: Lexicon, tmp_path: Path, name: str) -> None:
    """Before it is trained; a model that has one goes on to write other formats."""
    path = write_csv(tmp_path / "own.csv", [{"text": f"Norway left {n} times.", "actor": "Norway", name: ("good", "bad")[n % 2]} for n in range(4)])
    with pytest.raises(DataError, match=f"a head cannot be called {name!r}|head {name!r} would have "):
        check_trainable(read_dataset(path, heads=[name]))
    odd = replace(model, heads=(replace(model.heads[0], head=replace(model.heads[0].head, name=name)),))
    if name in STORED:
        result = next(classify_archive([Article("x", "Norway condemned the raid.")], odd, lexicon=lexicon))[0]
        assert list(csv_lines([result], heads={name: odd.heads[0].head.labels}))[1:] and list(jsonl_lines([result]))
    if name != "index":
        with pytest.raises(ModelError, match=f"head {name!r} cannot be kept in a database: the column {name!r} is taken"):
            describe_run(odd, lexicon, {})


# --------------------------------------------------------------------------- what is refused


def test_another_run_is_refused_and_all_differences_named(run: Cli, few: Path, model_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.sqlite"
    run("classify", few, "-o", out, "-m", model_file)
    before = dump(out)
    (tmp_path / "mine.csv").write_text("alias,actor,kind\nHansa League,Hansa,name\n")
    other = relabel(tmp_path / "own.csv", "mood", {"warm": "good", "stern": "bad"})
    assert run("train", other, "--head", "mood", "--folds", "2", "-o", tmp_path / "m.stance").code == 0
    r = run("classify", few, "-o", out, "-m", tmp_path / "m.stance", "--actors", tmp_path / "mine.csv", "--min-confidence", "0.5", "--actor", "Chile")
    lines = r.err.splitlines()
    assert r.code == 1 and lines[0] == f"error: {out}: holds another run; the last one is complete, and differs:"
    assert [x.split(":")[0].strip() for x in lines[1:-1]] == ["lexicon", "model", "actors", "min_confidence"]
    assert lines[-2] == "  min_confidence: 0.0 there, 0.5 now" and "--restart begins anew" in lines[-1]
    assert dump(out) == before


@pytest.mark.parametrize(
    ("table", "goes_on"),
    [
        ("actor;alias;kind;note;from\nHansa;Hansa League;name;mine;2001\nChile camp;Ana Chile;person;;\n", True),
        ("alias,actor,kind,from\nHansa League,Hansa,name,2002\nAna Chile,Chile camp,person,\n", False),
        ("alias,actor,kind,from\nHansa League,Hanse,name,2001\nAna Chile,Chile camp,person,\n", False),
        ("alias,actor,kind,from\nHansa League,Hansa,name,2001\n", False),
    ],
    ids=["spelled otherwise", "another date", "another actor", "a row less"],
)
def test_a_changed_alias_table_is_another_run(run: Cli, few: Path, model_file: Path, tmp_path: Path, table: str, goes_on: bool) -> None:
    actors = tmp_path / "mine.csv"
    arguments = ["classify", few, "-o", tmp_path / "r.sqlite", "-m", model_file, "--actors", actors]
    actors.write_text("alias,actor,kind,from\nHansa League,Hansa,name,2001\nAna Chile,Chile camp,person,\n")
    assert run(*arguments).code == 0
    actors.write_text(table)
    r = run(*arguments)
    assert r.code == (0 if goes_on else 1) and (goes_on or [x.split(":")[0] for x in r.err.splitlines()[1:-1]] == ["  lexicon"])


@pytest.mark.parametrize("change", ["text", "date", "order", "fewer"])
def test_a_changed_input_is_refused(run: Cli, few: Path, model_file: Path, tmp_path: Path, change: str) -> None:
    path, out = tmp_path / "news.jsonl", tmp_path / "r.sqlite"
    lines = few.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(lines), "utf-8")
    run("classify", path, "-o", out, "-m", model_file)
    before = dump(out)
    changed = {
        "text": [lines[0], lines[1].replace(' "text": "', ' "text": "Well. '), *lines[2:]], "date": [lines[0], lines[1].replace("2019", "2020"), *lines[2:]],
        "order": [lines[0], lines[2], lines[1], *lines[3:]], "fewer": lines[:4],
    }[change]  # fmt: skip
    path.write_text("".join(changed), "utf-8")
    r = run("classify", path, "-o", out, "-m", model_file)
    said = {
        "order": f"error: {out}: article 2 of the input is not the one judged before: 'a2' of {path} now, 'a1' of {path} there\n",
        "fewer": f"error: {out}: holds more articles than the input has (4); the first that is missing is 'a4' of {path}\n",
    }.get(change, f"error: {out}: article 2 of the input is not the one judged before: 'a1' of {path} now, 'a1' of {path} there (its text, title, date, source or speaker changed)\n")
    assert r.code == 1 and r.err.startswith(said) and dump(out) == before
    assert change == "fewer" or "other articles as a file or folder of their own with --append" in r.err


def test_a_folder_that_lost_a_file_is_told_which(run: Cli, model_file: Path, tmp_path: Path) -> None:
    (news := tmp_path / "news").mkdir()
    out = tmp_path / "r.sqlite"
    for name in "abc":
        (news / f"{name}.txt").write_text(f"Norway condemned the raid of {name}.")
    assert run("classify", news, "-o", out, "-m", model_file).code == 0
    before = dump(out)
    for lost, said in (("b", f"'c' of {news / 'c.txt'} now, 'b' of {news / 'b.txt'} there\n"), ("c", f"the first that is missing is 'c' of {news / 'c.txt'}\n")):
        (news / f"{lost}.txt").rename(tmp_path / "away")
        r = run("classify", news, "-o", out, "-m", model_file)
        (tmp_path / "away").rename(news / f"{lost}.txt")
        assert r.code == 1 and said in r.err and dump(out) == before


def test_what_stance_did_not_write_is_left_alone(run: Cli, few: Path, model_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine.db"
    with closing(sqlite3.connect(out)) as db:
        db.execute("CREATE TABLE diary(day TEXT)")
        db.commit()
    (tmp_path / "text.db").write_text("Dear diary, " * 100)
    for more in ([], ["--restart"], ["--append"]):
        r = run("classify", few, "-o", out, "-m", model_file, *more)
        assert r.code == 1 and r.err.startswith(f"error: {out}: a database that stance did not write\n")
        r = run("classify", few, "-o", tmp_path / "text.db", "-m", model_file, *more)
        assert r.code == 1 and r.err.startswith(f"error: {tmp_path / 'text.db'}: is no results database and is left as it was\n  choose another name")
    assert sql(out, "SELECT count(*) FROM diary") == [(0,)] and (tmp_path / "text.db").read_text().startswith("Dear diary")


def test_newer_tables_are_refused(run: Cli, few: Path, model_file: Path, tmp_path: Path) -> None:
    run("classify", few, "-o", tmp_path / "r.db", "-m", model_file)
    sql(tmp_path / "r.db", "PRAGMA user_version=2")
    r = run("classify", few, "-o", tmp_path / "r.db", "-m", model_file)
    assert r.code == 1 and "tables of version 2, newer than this version knows (1)" in r.err


def test_two_that_write_the_same_run_do_not_mix(model: Model, lexicon: Lexicon, few: Path, tmp_path: Path) -> None:
    out, same = tmp_path / "r.db", describe_run(model, lexicon, {})

    def judge(items: Iterable[Article | Skipped], finish: Any) -> Iterator[list[Any]]:
        return classify_archive(items, model, lexicon=lexicon, finish=finish)

    def overtaken(items: Iterable[Article | Skipped], finish: Any) -> Iterator[list[Any]]:
        record(out, scan_articles(few), judge, same)
        yield from judge(items, finish)

    with pytest.raises(InputError, match=r"r\.db: another process is writing to it\n  let one of them finish"):
        record(out, scan_articles(few), overtaken, same)
    assert articles_in(out) == 5 and sql(out, "PRAGMA foreign_key_check") == []


def test_a_complete_database_to_which_another_writes_is_waited_for(run: Cli, few: Path, model_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.db"
    arguments = ["classify", few, "-o", out, "-m", model_file, "--update"]
    run(*arguments)
    with closing(sqlite3.connect(out, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = threading.Timer(0.5, other.execute, ["COMMIT"])
        done.start()
        assert run(*arguments) == Run(0, "", f"{out}: 5 of 5 articles were there already\n")
        done.join()


def test_a_complete_database_to_which_another_writes_for_long_is_told(
    run: Cli, few: Path, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    out = tmp_path / "r.db"
    monkeypatch.setattr(store, "LOCKED", 0.1)
    run("classify", few, "-o", out, "-m", model_file)
    with closing(sqlite3.connect(out, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        r = run("classify", few, "-o", out, "-m", model_file, "--update")
    assert (r.code, r.err) == (
        1, f"error: {out}: in use by another program: database is locked\n  what was committed is safe; let that finish, then run it again\n"
    )  # fmt: skip


def test_two_that_begin_at_once_make_one_run(model: Model, lexicon: Lexicon, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, same = tmp_path / "r.db", describe_run(model, lexicon, {})
    look = store._runs
    monkeypatch.setattr(store, "LOCKED", 0)  # it would wait, but not for ever

    def begin() -> None:
        record(out, scan_articles(few), lambda x, finish: classify_archive(x, model, lexicon=lexicon, finish=finish), same)

    def second(db: sqlite3.Connection) -> list[tuple[Any, ...]]:
        found = look(db)
        monkeypatch.setattr(store, "_runs", look)
        with pytest.raises(InputError, match="database is locked"):
            begin()
        return found

    monkeypatch.setattr(store, "_runs", second)
    begin()
    assert sql(out, "SELECT count(*) FROM run") == [(1,)] and articles_in(out) == 5


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["-f", "sqlite"], "sqlite needs a file"),
        (["-o", "r.jsonl", "--restart"], "only a database (-o NAME.sqlite)"),
        (["--append"], "only a database (-o NAME.sqlite)"),
        (["--update"], "only a database (-o NAME.sqlite)"),
        (["-o", "r.db", "--restart", "--append"], "choose one of --restart and --append"),
        (["-o", "r.db", "--restart", "--update"], "choose one of --restart and --update"),
    ],
)
def test_wrong_usage(run: Cli, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: list[str], said: str) -> None:
    monkeypatch.chdir(tmp_path)
    r = run("classify", few, *more)
    assert r.code == 2 and said in " ".join(r.err.replace("│", " ").split()) and list(tmp_path.iterdir()) == []


# --------------------------------------------------------------------------- --restart and --append


def test_restart_replaces_the_old_results_when_the_new_are_complete(run: Cli, few: Path, archive: Path, model_file: Path, tmp_path: Path, undisturbed: dict[str, list[Any]]) -> None:
    out, part = tmp_path / "r.sqlite", tmp_path / "r.sqlite.part"
    run("classify", few, "-o", out, "-m", model_file)
    old = dump(out)
    arguments = command(archive, out, model_file, "--restart")
    kill(arguments, 5)
    assert dump(out) == old and articles_in(part) == BATCH
    done = BATCH
    r = subprocess.run(arguments, capture_output=True, text=True, timeout=LIMIT)  # goes on with the new one
    assert r.returncode == 0 and f"{done} of {len(undisturbed['article'])} articles" in r.stderr
    assert dump(out) == undisturbed and [p.name for p in tmp_path.iterdir()] == ["r.sqlite"]


def test_an_old_database_in_use_is_not_replaced(run: Cli, few: Path, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "r.sqlite"
    run("classify", few, "-o", out, "-m", model_file)
    connect = sqlite3.connect
    monkeypatch.setattr("stance.store.sqlite3.connect", lambda path, **options: connect(path, **{**options, "timeout": 0}))
    with closing(connect(out)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM article").fetchone()
        r = run("classify", few, "-o", out, "-m", model_file, "--restart")
        assert r.code == 1 and r.err.startswith(f"error: {out}: in use by another program; it is not replaced\n")
    assert run("classify", few, "-o", out, "-m", model_file, "--restart").code == 0


def test_an_old_database_that_is_opened_meanwhile_is_not_replaced(model: Model, lexicon: Lexicon, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, connect = tmp_path / "r.sqlite", sqlite3.connect

    def judge(items: Iterable[Article | Skipped], finish: Any) -> Iterator[list[Any]]:
        yield from classify_archive(items, model, lexicon=lexicon, finish=finish)

    def opened(items: Iterable[Article | Skipped], finish: Any) -> Iterator[list[Any]]:
        yield from judge(items, finish)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM article").fetchone()

    record(out, scan_articles(few), judge, describe_run(model, lexicon, {}))
    monkeypatch.setattr("stance.store.sqlite3.connect", lambda path, **options: connect(path, **{**options, "timeout": 0}))
    with closing(connect(out)) as reader, pytest.raises(InputError, match="in use by another program; it is not replaced"):
        record(out, scan_articles(few), opened, describe_run(model, lexicon, {"other": 1}), restart=True)
    assert sql(out, "SELECT settings FROM run") == [("{}",)] and articles_in(tmp_path / "r.sqlite.part") == 5


@contextmanager
def when_half_done(monkeypatch: pytest.MonkeyPatch, does: Callable[[], object]) -> Iterator[None]:
    """Something happens when the first batch is in the database."""

    def disturbed(items: Iterable[Any], **options: Any) -> Iterator[list[Result]]:
        for n, batch in enumerate(classify_archive(items, **options)):
            if n == 1:
                does()
            yield batch

    with monkeypatch.context() as m:
        m.setattr(classification, "classify_archive", disturbed)
        yield


@pytest.mark.parametrize("other", ["reader", "another restart"])
def test_a_new_database_in_use_is_not_put_in_the_place_of_the_old(
    run: Cli, few: Path, archive: Path, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, list[Any]], other: str
) -> None:
    out, part = tmp_path / "r.db", tmp_path / "r.db.part"
    run("classify", few, "-o", out, "-m", model_file)
    old, said, readers = dump(out), [], list[sqlite3.Connection]()

    def read() -> None:
        readers.append(sqlite3.connect(part))
        readers[0].execute("BEGIN")
        readers[0].execute("SELECT count(*) FROM article").fetchone()

    def restart() -> None:
        r = subprocess.run(command(few, out, model_file, "--restart", "--min-confidence", "0.5"), capture_output=True, text=True, timeout=LIMIT)
        said.append((r.returncode, r.stderr))

    arguments = ["classify", archive, "-o", out, "-m", model_file, "--restart"]
    with when_half_done(monkeypatch, read if other == "reader" else restart):
        r = run(*arguments)
    busy = (1, f"error: {part}: in use by another program; it is not replaced\n  close that program and run the command again\n")
    if readers:
        assert ((r.code, r.err), dump(out)) == (busy, old)
        readers[0].close()
        assert run(*arguments).code == 0
    else:
        assert said == [busy] and r.code == 0
    assert dump(out) == undisturbed and [p.name for p in tmp_path.iterdir()] == ["r.db"]


def test_a_database_that_is_removed_meanwhile_is_told(run: Cli, archive: Path, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "r.db"
    with when_half_done(monkeypatch, out.unlink):
        r = run("classify", archive, "-o", out, "-m", model_file)
    assert r.code == 1 and r.err.startswith(f"error: {out}: removed or replaced while the results were written to it\n")


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
def test_control_c_is_heard_while_another_holds_the_database(few: Path, model_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.db"
    assert subprocess.run(command(few, out, model_file), timeout=LIMIT, check=True)
    code = "from stance import cli, store; begin = store._open; store._open = lambda *a: (print('ready', flush=True), begin(*a))[1]; cli.main()"
    arguments = command(few, out, model_file)
    with closing(sqlite3.connect(out, isolation_level=None)) as db, popen([arguments[0], "-c", code, *arguments[3:]], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("BEGIN IMMEDIATE")
        assert p.stdout
        p.stdout.readline()
        time.sleep(0.5)  # it waits for the lock
        p.send_signal(signal.SIGINT)
        assert p.wait(20) == 130


def test_restart_without_an_old_file_just_begins(run: Cli, few: Path, model_file: Path, tmp_path: Path) -> None:
    assert run("classify", few, "-o", tmp_path / "r.db", "-m", model_file, "--restart") == Run(0, "", "")
    assert articles_in(tmp_path / "r.db") == 5


def test_what_another_restart_left_behind_is_dropped(run: Cli, few: Path, model_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.db"
    run("classify", few, "-o", out, "-m", model_file)
    run("classify", few, "-o", tmp_path / "left.db", "-m", model_file, "--min-confidence", "0.9")
    (tmp_path / "left.db").rename(tmp_path / "r.db.part")
    assert run("classify", few, "-o", out, "-m", model_file, "--min-confidence", "0.5", "--restart").code == 0
    assert [json.loads(s)["min_confidence"] for (s,) in sql(out, "SELECT settings FROM run")] == [0.5]
    assert [p.name for p in tmp_path.iterdir()] == ["r.db"]


def test_append_adds_a_run_with_other_heads(run: Cli, few: Path, model_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.sqlite"
    run("classify", few, "-o", out, "-m", model_file)
    before = dump(out)
    other = relabel(tmp_path / "own.csv", "mood", {"warm": "good", "stern": "bad"})
    run("train", other, "--head", "mood", "--folds", "2", "-o", tmp_path / "m.stance")
    arguments = ["classify", few, "-o", out, "-m", tmp_path / "m.stance"]
    r = run(*arguments, "--update")
    assert r.code == 1 and r.err.startswith(f"error: {out}: run 1 holds articles of the same input, and differs:\n  model: ") and "--append adds a further run" in r.err
    assert dump(out) == before
    told = f"warning: {out}: run 1 holds articles of the same input, and differs in model: a further run judges all of them anew\n"
    again = f"{out}: run 2 holds 5 articles that an earlier run holds too: count one run alone\n"
    for said in (told + again, f"{out}: 5 of 5 articles were there already\n"):  # the second time it is there
        assert run(*arguments, "--append") == Run(0, "", said)
    after = dump(out)
    assert after["article"][:5] == before["article"] and [(a[1], a[2]) for a in after["article"]] == [(r, n) for r in (1, 2) for n in range(5)]
    assert sql(out, "SELECT DISTINCT run, stance IS NULL, mood IS NULL FROM judgements") == [(1, 0, 1), (2, 1, 0)]
    assert sql(out, "PRAGMA foreign_key_check") == [] and "judgement_mood" in {r[0] for r in sql(out, "SELECT name FROM sqlite_master")}


@pytest.mark.parametrize(
    ("head", "said"),
    [("View", "needs the column 'View', and 'view'"), ("view_p", "needs the column 'view_p', and 'view_p'"), ("view_PROBS", "needs the column 'view_PROBS', and 'view_probs'")],
)
def test_a_head_that_would_share_a_column_with_that_of_an_earlier_run(tmp_path: Path, model: Model, lexicon: Lexicon, head: str, said: str) -> None:
    out, run = tmp_path / "r.db", describe_run(model, lexicon, {})
    items = [Article("a", "Norway left.")]

    def judge(x: Iterable[Article | Skipped], finish: Callable[[Result], Rows]) -> Iterator[list[Rows]]:
        return ([finish(Result(item))] for item in x)

    record(out, items, judge, replace(run, heads=("view",)))
    before = dump(out)
    for heads in ((head,), ("fresh", head)):
        with pytest.raises(InputError) as e:
            record(out, items, judge, replace(run, model="other", heads=heads), append=True)
        assert e.value.message == f"{out}: head {head!r} {said} is of a head of an earlier run"
    assert dump(out) == before
    record(out, items, judge, replace(run, model="other", heads=("view", "mood")), append=True)


@pytest.mark.parametrize("option", ["--append", "--update"])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_a_longer_list_of_inputs_goes_on_with_the_run(run: Cli, few: Path, model_file: Path, tmp_path: Path, option: str, order: tuple[int, ...]) -> None:
    """As a shell gives it for `news/*.jsonl`, from one day to the next."""
    out, fresh, lines = tmp_path / "r.sqlite", tmp_path / "fresh.sqlite", few.read_text("utf-8").splitlines(keepends=True)
    paths = [tmp_path / f"{n}.jsonl" for n in range(3)]
    for path, part in zip(paths, (lines[:2], lines[2:3], lines[3:]), strict=True):
        path.write_text("".join(part), "utf-8")
    run("classify", paths[0], "-o", out, "-m", model_file)
    now = [paths[n] for n in order]
    r = run("classify", *now, "-o", out, "-m", model_file)
    assert r.code == 1 and "inputs: " in r.err and "--append adds further inputs" in r.err and articles_in(out) == 2
    assert run("classify", *now, "-o", out, "-m", model_file, option) == Run(0, "", f"{out}: 2 of 5 articles were there already\n")
    run("classify", *now, "-o", fresh, "-m", model_file)
    assert in_order(out) == in_order(fresh)
    assert sql(out, "SELECT settings FROM run") == sql(fresh, "SELECT settings FROM run")
    assert run("classify", *now, "-o", out, "-m", model_file) == Run(0, "", f"{out}: 5 of 5 articles were there already\n")


def test_a_further_input_that_another_run_holds_is_no_growth(run: Cli, few: Path, model_file: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "r.sqlite", tmp_path / "other.jsonl"
    other.write_text('{"id": "z", "text": "Norway left."}\n')
    run("classify", few, "-o", out, "-m", model_file)
    run("classify", other, "-o", out, "-m", model_file, "--append")
    before = dump(out)
    r = run("classify", few, other, "-o", out, "-m", model_file, "--update")
    assert r.code == 1 and "holds articles of the same input, and differs:\n  inputs: " in r.err and dump(out) == before


def test_a_further_input_with_a_broken_article_before_the_old_one_changes_nothing_that_was_there(run: Cli, few: Path, model_file: Path, tmp_path: Path) -> None:
    out, fresh, bad = tmp_path / "r.sqlite", tmp_path / "fresh.sqlite", tmp_path / "bad.jsonl"
    run("classify", few, "-o", out, "-m", model_file)
    bad.write_text("no JSON\n")
    assert run("classify", bad, few, "-o", out, "-m", model_file, "--append").code == run("classify", bad, few, "-o", fresh, "-m", model_file).code == 3
    assert in_order(out) == in_order(fresh)


def test_an_input_that_has_grown_is_added_with_append(run: Cli, few: Path, model_file: Path, tmp_path: Path) -> None:
    path, out, fresh = tmp_path / "news.jsonl", tmp_path / "r.sqlite", tmp_path / "fresh.sqlite"
    lines = few.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:3]), "utf-8")
    run("classify", path, "-o", out, "-m", model_file)
    path.write_text("".join(lines), "utf-8")
    r = run("classify", path, "-o", out, "-m", model_file)
    assert r.code == 1 and "is complete with 3 articles; the input now has more, from 'a3' on" in r.err and articles_in(out) == 3
    assert run("classify", path, "-o", out, "-m", model_file, "--append") == Run(0, "", f"{out}: 3 of 5 articles were there already\n")
    run("classify", path, "-o", fresh, "-m", model_file)
    assert dump(out) == dump(fresh)


@pytest.mark.parametrize("bad", ["", "c", "f", "fg"])
def test_articles_that_are_new_between_others_are_added_with_append(run: Cli, model_file: Path, tmp_path: Path, bad: str) -> None:
    """A folder in which every outlet adds files: at its start, in the midst, at its end, beside those that could not be read."""
    (news := tmp_path / "news").mkdir()
    out, fresh = tmp_path / "r.sqlite", tmp_path / "fresh.sqlite"

    def write(names: str) -> None:
        for n in names:
            (news / f"{n}.txt").write_text(f"Norway condemned the raid of {n}. Chile denied it." if n not in bad else "")

    write("bcdfg")
    code = 3 if bad else 0
    assert run("classify", news, "-o", out, "-m", model_file).code == code
    before, bad = dump(out), ""
    write("aeh" + "cfg")
    write("e")
    r = run("classify", news, "-o", out, "-m", model_file)
    assert r.code == 1 and f"article 1 of the input is not the one judged before: 'a' of {news / 'a.txt'} now" in r.err and dump(out) == before
    assert "--append adds it where it stands; --update judges anew what has changed, and keeps what is gone; give the same" in r.err
    r = run("classify", news, "-o", out, "-m", model_file, "--append")
    assert r.code == 0 and r.err.endswith("of 8 articles were there already\n")
    run("classify", news, "-o", fresh, "-m", model_file)
    assert in_order(out) == in_order(fresh) and len(in_order(out)) == 8 + 16
    assert sql(out, "PRAGMA foreign_key_check") == [] and sql(out, "SELECT finished IS NULL FROM run") == [(0,)]
    before = dump(out)
    for more in ([], ["--append"]):
        assert run("classify", news, "-o", out, "-m", model_file, *more) == Run(0, "", f"{out}: 8 of 8 articles were there already\n") and dump(out) == before


def test_a_new_file_before_one_that_was_skipped_is_refused_naming_append(run: Cli, model_file: Path, tmp_path: Path) -> None:
    (news := tmp_path / "news").mkdir()
    (news / "empty.txt").write_text("")
    (news / "f.txt").write_text("Norway left.")
    arguments = ["classify", news, "-o", tmp_path / "r.sqlite", "-m", model_file]
    assert run(*arguments).code == 3
    (news / "day.txt").write_text("Chile left.")
    r = run(*arguments)
    assert r.code == 1 and f"'f' of {news / 'f.txt'} there\n  before it {news / 'empty.txt'} was skipped: the file is empty" in r.err and "\n  --append adds it where it stands; " in r.err
    assert run(*arguments, "--append").code == 3 and articles_in(tmp_path / "r.sqlite") == 3


@pytest.mark.parametrize("change", ["text", "gone", "renamed"])
def test_a_changed_input_is_refused_with_append_too(run: Cli, model_file: Path, tmp_path: Path, change: str) -> None:
    (news := tmp_path / "news").mkdir()
    out = tmp_path / "r.sqlite"
    for n in "bcd":
        (news / f"{n}.txt").write_text(f"Norway condemned the raid of {n}.")
    run("classify", news, "-o", out, "-m", model_file)
    before = dump(out)
    (news / "a.txt").write_text("Peru left.")
    if change == "text":
        (news / "c.txt").write_text("Peru came back.")
    else:
        (news / "c.txt").rename(news / "bb.txt" if change == "renamed" else tmp_path / "c.txt")
    r = run("classify", news, "-o", out, "-m", model_file, "--append")
    said = {"text": "article 3 of the input is not the one judged before: 'c'", "gone": "'d' of", "renamed": "'d' of"}[change]
    assert r.code == 1 and said in r.err and dump(out) == before


# --------------------------------------------------------------------------- --update


def test_an_article_that_has_changed_is_judged_anew_with_update(run: Cli, model_file: Path, tmp_path: Path) -> None:
    (news := tmp_path / "news").mkdir()
    out, fresh = tmp_path / "r.sqlite", tmp_path / "fresh.sqlite"
    for n in "bcd":
        (news / f"{n}.txt").write_text(f"Norway condemned the raid of {n}.")
    assert run("classify", news, "-o", out, "-m", model_file, "--update") == Run(0, "", "")
    kept = sql(out, "SELECT * FROM article WHERE key <> 'c'")
    (news / "c.txt").write_text("Peru denied the raid. Chile left.")
    for n in "ae":
        (news / f"{n}.txt").write_text(f"Chile denied the raid of {n}.")
    r = run("classify", news, "-o", out, "-m", model_file, "--append")
    assert r.code == 1 and "(its text, title, date, source or speaker changed)" in r.err and "--update judges anew what has changed" in r.err
    said = f"{out}: 2 of 5 articles were there already\n{out}: 1 article had changed and was judged anew\n"
    assert run("classify", news, "-o", out, "-m", model_file, "--update") == Run(0, "", said)
    run("classify", news, "-o", fresh, "-m", model_file)
    assert in_order(out) == in_order(fresh) and len(in_order(out)) == 5 + 6
    assert [x[0] for x in kept] == [i for (i,) in sql(out, "SELECT id FROM article WHERE key IN ('b', 'd') ORDER BY position")], "these were not judged again"
    assert sql(out, "PRAGMA foreign_key_check") == [] and sql(out, "SELECT finished IS NULL FROM run") == [(0,)]
    before, times = dump(out), sql(out, "SELECT finished FROM run")
    for more in ([], ["--append"], ["--update"]):
        assert run("classify", news, "-o", out, "-m", model_file, *more) == Run(0, "", f"{out}: 5 of 5 articles were there already\n")
    assert (dump(out), sql(out, "SELECT finished FROM run")) == (before, times)


def test_what_the_input_has_no_more_stays_with_update_and_is_told(run: Cli, model_file: Path, tmp_path: Path) -> None:
    path, out = tmp_path / "news.jsonl", tmp_path / "r.sqlite"
    lines = [f'{{"id": "{n}", "date": "2019", "text": "Norway left port {n}."}}\n' for n in range(6)]
    path.write_text("".join(lines[:4]))
    run("classify", path, "-o", out, "-m", model_file)
    path.write_text("".join(lines[n] for n in (0, 3, 4)))
    for args in ([], ["--append"]):
        r = run("classify", path, "-o", out, "-m", model_file, *args)
        assert r.code == 1 and "--update judges anew what has changed, and keeps what is gone" in r.err
    kept = f"error: {out}: article 1 of the input is not the one judged before: '0' of {path} now, '1' of {path} there\n"
    gone = f"{out}: 2 articles are not in the input any more, and kept (first: '1' of {path})\n"
    for before in (4, 5):
        assert run("classify", path, "-o", out, "-m", model_file, "--update") == Run(0, "", f"{out}: {before} of 5 articles were there already\n{gone}")
        assert [k for (k,) in sql(out, "SELECT key FROM article ORDER BY position")] == ["1", "2", "0", "3", "4"]
        for more in ([], ["--append"]):
            r = run("classify", path, "-o", out, "-m", model_file, *more)
            assert r.code == 1 and r.err.startswith(kept) and "keeps what is gone, and is then to be given every time; " in r.err
    path.write_text("".join(lines))
    assert run("classify", path, "-o", out, "-m", model_file, "--update") == Run(0, "", f"{out}: 5 of 6 articles were there already\n")
    assert run("classify", path, "-o", out, "-m", model_file) == Run(0, "", f"{out}: 6 of 6 articles were there already\n")


@pytest.mark.parametrize("form", ["{}", '{{"text": "{}"}}\n{{"text": "Peru waited."}}\n', '[{{"text": "{}"}}]', 'text,title\n"{}",T\n'], ids=["text", "JSON lines", "JSON", "CSV"])
def test_another_night_from_a_pipe_without_ids_takes_the_place_of_none(
    run: Cli, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:  # fmt: skip
    out = tmp_path / "r.sqlite"

    def pipe(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        assert run("classify", "-", "-o", out, "-m", model_file, "--update").code == 0

    for night in ("Norway left.", "Chile denied the raid.", "Norway left."):
        pipe(form.format(night))
    texts = {text for (text,) in sql(out, "SELECT text FROM sentence")}
    assert {"Norway left.", "Chile denied the raid."} <= texts and articles_in(out) == len(texts)
    for told in ("Norway left.", "Norway left. It came back."):
        pipe(f'{{"id": "a", "text": "{told}"}}\n')
    assert sql(out, "SELECT count(*) FROM article WHERE key = 'a'") == [(1,)], "one with an id is corrected"


def test_a_further_run_of_a_pipe_is_of_another_input(run: Cli, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for text, more in (("Norway left.", ["--min-confidence", "0.9", "--append"]), ("Chile left.", ["--append"]), ("Peru left.", ["--actor", "Peru", "--update"])):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f'{{"text": "{text}", "date": "2019"}}'.encode())))
        assert run("classify", "-", "-o", tmp_path / "r.sqlite", "-m", model_file, *more) == Run(0, "", "")
    assert sql(tmp_path / "r.sqlite", "SELECT count(*) FROM run") == [(3,)]


def plain_judge(items: Iterable[Article | Skipped], finish: Callable[[Result], Rows]) -> Iterator[list[Rows]]:
    """Every sentence with one judgement that tells its text and the article's date; a batch holds two."""
    batch = []
    for x in items:
        found = tuple(
            classification.Judgement(x.id, n, 0, n, n, s, "US", (), {"view": f"{s} {x.date}"}, {"view": {"a": 1.0}}) for n, s in enumerate(x.text.split(". "))
        ) if isinstance(x, Article) else ()  # fmt: skip
        batch.append(finish(Result(x, found, x.reason if isinstance(x, Skipped) else "")))
        if len(batch) == 2:
            yield batch
            batch = []
    yield batch


def changed_archive(rng: random.Random, now: list[dict[str, str]]) -> list[dict[str, str]]:
    """Some articles edited, moved, mended and added; none goes, nor a line that could be read."""
    new = [{"id": f"{rng.random():.9f}", "text": ". ".join(rng.choices("abcdef", k=3)), "title": "", "date": "2020", "bad": rng.choice(["", "", "x"])} for _ in range(3)]
    changed = [dict(x) for x in now]
    for x in new[: rng.randint(0, 3)]:
        changed.insert(rng.choice([0, len(changed), rng.randint(0, len(changed))]), x)
    for x in rng.sample(changed, min(len(changed), rng.randint(0, 3))):
        x |= rng.choice([{"text": rng.choice(["a. b", "c. d. a"])}, {"title": "T"}, {"date": "2021"}, {"bad": ""}, {"bad": "y"} if x["bad"] else {}])
    if rng.random() < 0.3 and changed:
        changed.append(changed.pop(0))
    return changed


@pytest.mark.parametrize("named", ["by id", "by line", "by file"])
def test_an_updated_database_is_that_of_a_fresh_run(tmp_path: Path, model: Model, lexicon: Lexicon, named: str) -> None:
    rng, same = random.Random(named), replace(describe_run(model, lexicon, {}), heads=("view",))

    def items(world: list[dict[str, str]], killed: int = 0) -> Iterator[Article | Skipped]:
        for n, x in enumerate(sorted(world, key=lambda x: x["id"]) if named == "by file" else world, 1):
            given = f"{x['id']}.txt" if named == "by file" else "news.jsonl"
            key = x["id"] if named == "by id" else f"news-{n}"
            yield Skipped(f"{given}:{n}", x["bad"], given) if x["bad"] and named != "by line" else Article(key, x["text"], title=x["title"], date=x["date"], source="", input=given)
            if n == killed:
                raise KeyboardInterrupt

    def rows(path: Path) -> list[Any]:
        judged = "SELECT position, number, text, actor, view FROM judgement j JOIN sentence s ON s.id = sentence_id JOIN article a ON a.id = article_id ORDER BY 1, 2"
        return sql(path, "SELECT position, key, input, title, date, sha256, skipped FROM article ORDER BY 1") + sql(path, judged)

    for n in range(12):
        out, world = tmp_path / f"{n}.db", list[dict[str, str]]()
        for night in range(4):
            world = changed_archive(rng, world)
            if rng.random() < 0.5:
                with suppress(KeyboardInterrupt):
                    record(out, items(world, rng.randint(1, 8)), plain_judge, same, update=True)
            done = record(out, items(world), plain_judge, same, update=True)
            record(fresh := tmp_path / f"{n}-{night}.db", items(world), plain_judge, same)
            assert rows(out) == rows(fresh) and done.gone == 0 and sql(out, "PRAGMA foreign_key_check") == []
            again = record(out, items(world), plain_judge, same, update=True)
            assert (again.before, again.changed) == (again.articles, 0) and rows(out) == rows(fresh)


def interrupted_judge(items: Iterable[Article | Skipped], finish: Callable[[Result], Rows]) -> Iterator[list[Rows]]:
    """As `plain_judge`, interrupted after the first batch."""
    yield next(plain_judge(items, finish))
    raise KeyboardInterrupt


@pytest.mark.parametrize("how", ["append", "update"])
def test_what_comes_between_others_is_there_whole_or_not_at_all(tmp_path: Path, model: Model, lexicon: Lexicon, how: str) -> None:
    out, same = tmp_path / "r.db", replace(describe_run(model, lexicon, {}), heads=("view",))
    items = [Article(x, f"Norway left {x}.", input="news.jsonl") for x in "axyzbc"]
    record(out, [items[0], *items[4:]], plain_judge, same)
    before = dump(out)

    with pytest.raises(KeyboardInterrupt):
        record(out, items, interrupted_judge, same, **{how: True})
    assert dump(out) == before
    record(out, items, plain_judge, same, **{how: True})
    assert sql(out, "SELECT position, key FROM article ORDER BY position") == list(enumerate("axyzbc"))


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is POSIX")
def test_an_update_that_is_killed_is_gone_on_with(archive: Path, model_file: Path, tmp_path: Path) -> None:
    path, out = tmp_path / "news.jsonl", tmp_path / "r.sqlite"
    lines = archive.read_text("utf-8").splitlines(keepends=True)
    old = [x.replace('"text": "', '"text": "Peru left. ') if n in (3, 70) else x for n, x in enumerate(lines) if n != 5]
    path.write_text("".join(old[: 2 * BATCH]), "utf-8")
    assert subprocess.run(command(path, out, model_file), timeout=LIMIT).returncode == 0
    before = dump(out)
    path.write_text("".join(lines), "utf-8")
    arguments = command(path, out, model_file, "--update")
    kill(arguments, 2)
    assert dump(out) == before, "what has changed is replaced in one transaction"
    kill(arguments, 3 + 4)
    assert articles_in(out) == 2 * BATCH + 1 + BATCH, "what the input has grown by comes batch by batch"
    r = subprocess.run(arguments, capture_output=True, text=True, timeout=LIMIT)
    assert r.returncode == 0 and f"{out}: {3 * BATCH + 1} of {len(lines)} articles were there already\n" in r.stderr
    subprocess.run(command(path, tmp_path / "fresh.sqlite", model_file), check=True, timeout=LIMIT)
    assert in_order(out) == in_order(tmp_path / "fresh.sqlite")


# --------------------------------------------------------------------------- broken articles


def test_broken_articles_are_skipped_recorded_and_cost_no_other(run: Cli, model_file: Path, tmp_path: Path, poison: None) -> None:
    path, out = tmp_path / "a.jsonl", tmp_path / "r.sqlite"
    deep = "[" * 100_000
    path.write_text('{"id": "1", "date": "2019", "text": "Norway left."}\n{"text": \n{"id": "3"}\n{"id": "4", "date": "2019", "text": "The poison of Peru."}\n{"id": "5", "text": "Chile \\ud83d denied it."}\n' + deep + "\n")
    reasons = [
        (None,), ("not valid JSON: Expecting value: line 1 column 9 (char 8)",), ("no text; looked for text, body, content, article, maintext, full_text, fulltext, full text, story_text, content_text, content_html, seen: id; name it with --text-column (several: title+summary)",),
        ("classification failed: ValueError: no reading of this",), (None,),
    ]  # fmt: skip
    for before in ("", f"{out}: 6 of 6 articles were there already\n"):
        r = run("classify", path, "-o", out, "-m", model_file)
        assert r.code == 3 and r.err.startswith(before)
        assert [x.split(":", 1)[0] for x in r.err.removeprefix(before).splitlines()] == [f"skipped {path}", f"skipped {path}", "skipped 4", f"skipped {path}"]
    assert sql(out, "SELECT skipped FROM article ORDER BY position")[:5] == reasons
    assert sql(out, "SELECT actor, sentence FROM judgements") == [("Norway", "Norway left."), ("Chile", "Chile \ufffd denied it.")]
    r = run("classify", path, "-m", model_file)
    assert r.code == 3 and "skipped 4: classification failed: ValueError: no reading of this\n" in r.err
    assert [json.loads(x)["actor"] for x in r.out.splitlines()] == ["Norway", "Chile"]


def in_order(path: Path) -> list[Any]:
    """Articles and judgements in the order of the input, without ids."""
    found = sql(path, "SELECT position, key, input, title, date, source, sha256, skipped FROM article ORDER BY position")
    rows = "SELECT a.position, s.number, s.paragraph, s.start, s.\"end\", s.text, actor, mentions, target, stance, stance_probs, tone, tone_probs"
    return found + sql(path, f"{rows} FROM judgement j JOIN sentence s ON s.id = sentence_id JOIN article a ON a.id = article_id ORDER BY 1, 2, j.id")


@pytest.mark.parametrize("end", ["", '{"text": "Peru left."}\n'])
def test_what_can_be_read_now_takes_the_place_of_what_was_skipped(run: Cli, few: Path, model_file: Path, tmp_path: Path, end: str) -> None:
    news, late, out, fresh = tmp_path / "a.jsonl", tmp_path / "late.jsonl", tmp_path / "r.sqlite", tmp_path / "fresh.sqlite"
    inputs = [news, late] if not end else [tmp_path / "none.txt", late, news]
    news.write_text('{"id": "1", "text": "Norway left."}\n{"text": \n{"text": "Chile denied it."}\nbad\n' + end)
    arguments = ["classify", *inputs, "-m", model_file, "-o"]
    assert run(*arguments, out).code == 3 and sql(out, "SELECT count(skipped) FROM article") == [(4 if end else 3,)]
    late.write_text(few.read_text("utf-8") + "bad\n", "utf-8")
    news.write_text('{"id": "1", "text": "Norway left."}\n{"text": "Chile left."}\n{"text": "Chile denied it."}\n{"text": "Peru sued."\n' + end)
    r = run(*arguments, out)
    assert r.code == 3 and f"{out}: {5 if end else 3} of {12 if end else 10} articles were there already\n" in r.err
    run(*arguments, fresh)
    assert in_order(out) == in_order(fresh) and len(in_order(out)) > 20
    assert sql(out, "PRAGMA foreign_key_check") == [] and sql(out, "SELECT finished IS NULL FROM run") == [(0,)]
    before = dump(out)
    assert run(*arguments, out).code == 3 and dump(out) == before


@pytest.mark.parametrize("last", [True, False])
def test_what_was_skipped_and_is_mended_without_a_new_article_is_no_longer_there(run: Cli, model_file: Path, tmp_path: Path, last: bool) -> None:
    """An archive that lacked its end alone, and a bad line that was taken out, before other articles and at the end."""
    lines = [f'{{"id": "{n}", "date": "2031", "text": "Norway left port {n}."}}\n' for n in range(5)]
    packed, plain, out, fresh = tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl", tmp_path / "r.sqlite", tmp_path / "fresh.sqlite"
    whole = gzip.compress("".join(lines[2:]).encode())
    arguments = ["classify", *([plain, packed] if last else [packed, plain]), "-m", model_file, "-o"]
    packed.write_bytes(whole[:-6])
    plain.write_text(f"{lines[0]}bad\nworse\n{lines[1]}bad\n")
    assert run(*arguments, out).code == 3 and sql(out, "SELECT count(skipped) FROM article") == [(4,)]
    packed.write_bytes(whole)
    plain.write_text("".join(lines[:2]))
    assert run(*arguments, out) == Run(0, "", f"{out}: 5 of 5 articles were there already\n")
    run(*arguments, fresh)
    assert in_order(out) == in_order(fresh) and sql(out, "SELECT finished IS NULL FROM run") == [(0,)]
    before = dump(out)
    assert run(*arguments, out).code == 0 and dump(out) == before


def test_an_input_that_is_given_twice_and_mended_is_judged_once(run: Cli, model_file: Path, tmp_path: Path) -> None:
    """Its two skipped rows are alike."""
    late, read, out = tmp_path / "late.txt", tmp_path / "read.txt", tmp_path / "r.sqlite"
    read.write_text("Norway left.")
    arguments = ["classify", late, late, read, "-o", out, "-m", model_file]
    assert run(*arguments).code == 3 and articles_in(out) == 3
    late.write_text("Chile left.")
    assert run(*arguments).code == 0
    assert sql(out, "SELECT position, key, skipped FROM article ORDER BY position") == [(0, "late", None), (1, "read", None)]


def test_an_article_before_an_input_that_is_skipped_twice_is_appended(tmp_path: Path, model: Model, lexicon: Lexicon) -> None:
    out, same = tmp_path / "r.db", replace(describe_run(model, lexicon, {}), heads=("view",))
    items = [*[Skipped("late.txt", "no such file", "late.txt")] * 2, Article("b", "Peru left.", input="b.txt")]
    record(out, items, plain_judge, same)
    record(out, [Article("a", "Chile left.", input="a.txt"), *items], plain_judge, same, append=True)
    assert sql(out, "SELECT key FROM article ORDER BY position") == [(x,) for x in ("a", "late.txt", "late.txt", "b")]


def test_the_last_input_comes_batch_by_batch_once_it_can_be_read(tmp_path: Path, model: Model, lexicon: Lexicon) -> None:
    out, same = tmp_path / "r.db", replace(describe_run(model, lexicon, {}), heads=("view",))
    items = [Article("a", "Peru left.", input="a.txt"), *(Article(str(n), f"Norway left port {n}.", input="late.jsonl") for n in range(5))]
    record(out, [items[0], Skipped("late.jsonl", "no such file", "late.jsonl")], plain_judge, same)
    with pytest.raises(KeyboardInterrupt):
        record(out, items, interrupted_judge, same)
    assert sql(out, "SELECT key, skipped FROM article ORDER BY position") == [("a", None), ("0", None), ("1", None)]
    assert record(out, items, plain_judge, same).before == 3
    assert sql(out, "SELECT key FROM article ORDER BY position") == [(x,) for x in "a01234"]


def test_the_rows_of_many_skipped_go_without_a_look_through_all_sentences_for_each(tmp_path: Path, model: Model, lexicon: Lexicon) -> None:
    """Of a run that was stopped, which has no index yet."""
    known, steps = store._Known(1000, array("q", range(1, 1000, 2)), [*range(0, 1000, 2)]), list[int]()
    with closing(store._open(tmp_path / "r.db")) as db:
        number, _ = store._find_run(db, tmp_path / "r.db", describe_run(model, lexicon, {}), False)
        db.executemany("INSERT INTO article VALUES (?, ?, ?, '', '', '', '', '', '', NULL)", [(n, number, n) for n in range(1000)])
        db.executemany("INSERT INTO sentence VALUES (NULL, ?, 0, 0, 0, 0, '')", [(n,) for n in range(1, 1000, 2) for _ in range(10)])
        db.set_progress_handler(lambda: steps.append(1), 1000)
        store._settle(db, number, known)
        assert db.execute("SELECT count(*) FROM article").fetchone() == (500,)
    assert len(steps) < 1000


def test_another_input_in_the_place_of_a_skipped_line_is_refused_and_changes_nothing(run: Cli, model_file: Path, tmp_path: Path) -> None:
    path, out = tmp_path / "a.jsonl", tmp_path / "r.sqlite"
    lines = [f'{{"id": "{n}", "text": "Norway left port {n}."}}\n' for n in range(4)]
    path.write_text("".join([lines[0], "bad\n", *lines[2:]]))
    run("classify", path, "-o", out, "-m", model_file)
    before = dump(out)
    path.write_text("".join([*lines[:2], *lines[3:]]))  # what followed the bad line is gone
    r = run("classify", path, "-o", out, "-m", model_file)
    assert r.code == 1 and dump(out) == before
    assert f"article 3 of the input is not the one judged before: '3' of {path} now, '2' of {path} there\n  before it {path}:2 was skipped: not valid JSON" in r.err
    path.unlink()
    (tmp_path / "b.jsonl").write_text(lines[0])
    r = run("classify", path, tmp_path / "b.jsonl", "-o", out, "-m", model_file, "--append")  # a further input, and the old one is gone
    assert r.code == 1 and dump(out) == before
    out = tmp_path / "s.sqlite"
    assert run("classify", path, tmp_path / "b.jsonl", "-o", out, "-m", model_file).code == 3
    path.write_text("".join(lines[:1]))
    (tmp_path / "b.jsonl").unlink()
    r = run("classify", path, tmp_path / "b.jsonl", "-o", out, "-m", model_file)
    assert r.code == 1 and f"not the one judged before: '{tmp_path / 'b.jsonl'}' now, '0' of {tmp_path / 'b.jsonl'} there (it cannot be read now: cannot be read: No such file" in r.err


@pytest.mark.parametrize("mended", ["", '{"id": "1", "text": "Chile left."}\n'])
def test_an_input_that_has_grown_and_lost_a_bad_line_is_refused_and_changes_nothing(run: Cli, model_file: Path, tmp_path: Path, mended: str) -> None:
    path, out = tmp_path / "a.jsonl", tmp_path / "r.sqlite"
    lines = [f'{{"id": "{n}", "text": "Norway left port {n}."}}\n' for n in (0, 2, 3)]
    path.write_text(f"{lines[0]}bad\n{lines[1]}")
    assert run("classify", path, "-o", out, "-m", model_file).code == 3
    before, times = dump(out), sql(out, "SELECT finished FROM run")
    path.write_text(f"{lines[0]}{mended}{lines[1]}{lines[2]}")
    r = run("classify", path, "-o", out, "-m", model_file)
    assert r.code == 1 and "the input now has more, from '3' on" in r.err and (dump(out), sql(out, "SELECT finished FROM run")) == (before, times)
    assert run("classify", path, "-o", out, "-m", model_file, "--append").code == 0 and articles_in(out) == (4 if mended else 3)


def test_a_database_beside_which_nothing_can_be_written_is_told(run: Cli, model_file: Path, tmp_path: Path) -> None:
    article, out = tmp_path / "a.txt", tmp_path / "r.sqlite"
    article.write_text("Norway denied it.")
    Path(f"{out}-shm").symlink_to(tmp_path / "none" / "shm")  # as in a folder without rights, also for root
    r = run("classify", article, "-o", out, "-m", model_file)
    assert r.code == 1 and f"error: {out}: it or its folder cannot be written to: " in r.err and "make both writable" in r.err


def test_many_skipped_are_counted_not_listed(run: Cli, model_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    each = "".join(f"[{' ' * n}no\n" for n in range(150))  # a reason of its own
    path.write_text(each + '{"text": "Norway denied it.", "date": "2019"}\n')
    kept = "; a database (`stance classify ... -o NAME.sqlite`) keeps the name and reason of each"
    for more, where in (([], kept), (["-o", tmp_path / "r.sqlite"], ": SELECT key, skipped FROM article WHERE skipped IS NOT NULL")):
        r = run("classify", path, "-m", model_file, *more)
        assert r.code == 3 and len(r.err.splitlines()) == 101 and r.err.splitlines()[-1] == f"skipped 50 not named above{where}"


def test_many_skipped_alike_hide_no_other_reason(run: Cli, model_file: Path, tmp_path: Path) -> None:
    path, lines = tmp_path / "a.jsonl", ["no\n"] * 200
    lines[120], lines[160] = '{"title": "x"}\n', "[]\n"
    for end in ('{"text": "Norway denied it."}\n', ""):
        path.write_text("".join(lines) + end)
        for more in ([], ["-o", tmp_path / f"r{len(end)}.sqlite"]):
            r = run("classify", path, "-m", model_file, *more)
            told = [x for x in r.err.splitlines() if x.startswith("skipped ")]
            named = ", ".join(map(str, range(2, 101)))
            assert told[0].startswith(f"skipped 198 ({path}:1, {named} …): not valid JSON") and len(told) == 4
            assert [x.removeprefix(f"skipped {path}:").split(":")[0] for x in told[1:3]] == ["121", "161"]
            assert told[3].startswith("skipped 98 not named above")


def test_what_is_skipped_before_the_first_article_is_all_recorded(run: Cli, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, out = tmp_path / "a.jsonl", tmp_path / "r.sqlite"
    path.write_text("no\n" * 150 + '{"title": "x"}\n{"text": "Norway denied it."}\nno\n')
    monkeypatch.setattr("stance.articles.HELD", 1000)
    assert run("classify", path, "-m", model_file, "-o", out).code == 3
    wanted = [(x.id, x.input, getattr(x, "reason", None)) for x in scan_articles(path)]
    assert sql(out, "SELECT key, input, skipped FROM article ORDER BY position") == wanted and len(wanted) == 153


# --------------------------------------------------------------------------- Parquet


def test_a_folder_in_another_spelling_is_the_same_input(run: Cli, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("news").mkdir()
    Path("news/a.txt").write_text("Norway condemned the raid.", "utf-8")
    assert run("classify", "./news/", "./news/a.txt", "-o", "r.sqlite", "-m", model_file).code == 0
    for more in ((), ("--append",)):
        for names in (("news", "news//a.txt"), (tmp_path / "news", "news/../news/a.txt")):
            r = run("classify", *names, "-o", "r.sqlite", "-m", model_file, *more)
            assert r.code == 0 and "r.sqlite: 1 of 1 article was there already" in r.err
    assert run("classify", "", "-o", "r.sqlite", "-m", model_file).code == 1  # no input, not this folder
    assert sql(Path("r.sqlite"), "SELECT count(*), max(run_id) FROM article") == [(1, 1)]


def test_a_file_named_as_standard_input_is_no_input_of_another_spelling(run: Cli, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-").write_text("Norway condemned the raid.")
    for name in ("./-", "-", f"{tmp_path}/-"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Chile denied it.")))
        assert run("classify", name, "-o", "r.sqlite", "-m", model_file, "--append").code == 0
    assert sql(Path("r.sqlite"), "SELECT input, actor FROM judgements") == [("./-", "Norway"), ("-", "Chile")]


def test_parquet_holds_the_rows_of_json_lines(run: Cli, few: Path, model_file: Path, tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")  # of the extra `parquet`
    assert run("classify", few, "-o", tmp_path / "r.parquet", "-m", model_file) == Run(0, "", "")
    rows = [json.loads(x) for x in run("classify", few, "-m", model_file).out.splitlines()]
    found = pq.read_table(tmp_path / "r.parquet").to_pylist()
    same = ("article", "actor", "mentions", "stance", "tone")
    assert [[f[k] for k in same] + [f["index"], f["text"]] for f in found] == [[r[k] for k in same] + [r["sentence"]["index"], r["sentence"]["text"]] for r in rows]
    assert all(f["stance_probs"] == pytest.approx(r["stance_probs"], abs=1e-6) and f["date"] == "2019-03-04" for f, r in zip(found, rows, strict=True))
    assert [p.name for p in tmp_path.iterdir()] == ["r.parquet"]


def test_a_failed_parquet_leaves_the_old_file(model: Model, few: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")  # of the extra `parquet`
    out = tmp_path / "r.parquet"
    out.write_bytes(b"old")

    def fails() -> Iterator[Result]:
        yield Result(Article("a", "x"))
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_parquet(out, fails(), model)
    assert out.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["r.parquet"]


def test_two_that_write_one_parquet_do_not_mix(model: Model, tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")  # of the extra `parquet`
    out = tmp_path / "r.parquet"

    def results(*names: str) -> Iterator[Result]:
        for name in names:
            if len(names) == 2:
                write_parquet(out, results(name), model)
            yield Result(Article(name, "Norway condemned the raid."), tuple(classify(Article(name, "Norway condemned the raid."), model)))

    write_parquet(out, results("a", "b"), model)
    assert pq.read_table(out).column("article").to_pylist() == ["a", "b"] and [*tmp_path.iterdir()] == [out]


def test_parquet_without_pyarrow_says_what_to_install(run: Cli, few: Path, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    r = run("classify", few, "-o", tmp_path / "r.parquet", "-m", model_file)
    assert r.code == 1 and r.err == "error: writing Parquet needs the package 'pyarrow', which is not installed\n  install it with: pip install 'stance[parquet]'\n"
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StanceError):
        write_parquet(tmp_path / "x.parquet", [], None)  # type: ignore[arg-type]


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["control-c", "sigterm"])
def test_a_signal_to_two_processes_is_one_line(archive: Path, model_file: Path, tmp_path: Path, number: int, code: int) -> None:
    out = tmp_path / "r.sqlite"
    arguments = command(Path("-"), out, model_file, "-j", 2)
    with popen([*arguments[:2], "stance", *arguments[3:]], stdin=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as p:
        assert p.stdin and p.stderr
        p.stdin.write(archive.read_bytes())
        p.stdin.flush()  # and more may come: it waits
        until(lambda: p.poll() is not None or articles_in(out))
        os.killpg(p.pid, number)  # as a terminal does, and a service manager: all processes of the command
        said = p.stderr.read().decode()
        assert p.wait(60) == code and "Traceback" not in said and "run the same command again to go on" in said


def test_heads_that_share_a_column_are_refused(model: Model, lexicon: Lexicon) -> None:
    heads = tuple(replace(h, head=replace(h.head, name=name)) for h, name in zip(model.heads, ("mood", "mood_p"), strict=True))
    with pytest.raises(ModelError, match="head 'mood_p' cannot be kept in a database: the column 'mood_p' is taken"):
        describe_run(replace(model, heads=heads), lexicon, {})
