"""The corpus report: what it reads, its numbers, and the page in a browser."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT, Run, complaints, open_page

from stance import reporting
from stance.articles import Article, Skipped, read_articles
from stance.classification import classify, classify_archive
from stance.errors import InputError
from stance.evaluation import ENOUGH
from stance.lexicon import default_lexicon
from stance.model import Model, load
from stance.reporting import (
    CORRECTED,
    LISTED,
    OUTLETS,
    PERIODS,
    SENTENCES,
    WIDTH,
    corrector,
    period,
    periods,
    read_results,
    report_page,
    shares,
)
from stance.store import describe_run, record

Cli = Callable[..., Run]
EVIL = "<script>document.title='broken'</script>"


def write_results(
    path: Path, articles: Sequence[Article], model: Model, *, min_confidence: float = 0.0, skipped: Iterable[tuple[str, str]] = (), append: bool = False
) -> Path:
    """Classify the articles into a database (a further run of one with `append`)."""
    judge = partial(classify_archive, model=model, lexicon=default_lexicon(), min_confidence=min_confidence)
    items = [*articles, *(Skipped(name, reason) for name, reason in skipped)]
    run = describe_run(model, default_lexicon(), {"inputs": [a.id for a in articles]})
    record(path, items, lambda x, finish: judge(x, finish=finish), run, append=append)
    return path


@pytest.fixture(scope="module")
def articles() -> list[Article]:
    return list(read_articles(ROOT / "examples" / "cable.jsonl"))


@pytest.fixture(scope="module")
def database(model: Model, articles: list[Article], tmp_path_factory: pytest.TempPathFactory) -> Path:
    evil = Article(f"evil{EVIL}", f"Norway condemned the {EVIL} raid. Norway condemned Chile.", title=f"t{EVIL}", date="2031-05-07", source=f"s{EVIL}")
    path = tmp_path_factory.mktemp("results") / "results.sqlite"
    return write_results(path, [*articles, evil], model, min_confidence=0.5, skipped=[(f"bad{EVIL}", "the file is empty")])


# --------------------------------------------------------------------------- reading


def test_every_judgement_is_read(database: Path, articles: list[Article], model: Model) -> None:
    found = read_results(database)
    wanted = [j for a in articles for j in classify(a, model, min_confidence=0.5)]
    mine = [j for j in found.judgements if "evil" not in j.title and not j.title.startswith("t<")]
    assert [(j.text, j.actor, j.target, j.labels, j.best["stance"]) for j in mine] == [(j.text, j.actor, j.target, j.labels, j.best("stance")) for j in wanted]
    assert list(found.heads) == ["stance", "tone"] and found.skipped == [(f"bad{EVIL}", "the file is empty")]
    assert len(found.articles) == 6


def test_actors_and_dates(database: Path) -> None:
    assert {j.actor for j in read_results(database, actors=["Chile", "Peru"]).judgements} == {"Chile", "Peru"}
    assert {j.date for j in read_results(database, since="2031-03-08", until="2031-04-15").judgements} == {"2031-03-08", "2031-03-27", "2031-04-15"}
    assert {j.date for j in read_results(database, until="2031-03").judgements} == {"2031-03-04", "2031-03-08", "2031-03-27"}


def test_the_judgements_of_a_day_are_read_alone_and_what_is_alike_is_held_once(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(f"Norway condemned Chile {n} times." for n in range(20))
    articles = [Article(f"a{n}", text, date=f"2031-{n // 28 + 1:02}-{n % 28 + 1:02}") for n in range(60)]
    path = write_results(tmp_path / "r.sqlite", articles, model)
    steps, connect = Counter[str](), sqlite3.connect

    def counted(what: str, *args: Any, **options: Any) -> sqlite3.Connection:
        db = connect(*args, **options)
        db.set_progress_handler(lambda: steps.update([what]), 10)
        return db

    monkeypatch.setattr(sqlite3, "connect", partial(counted, "all"))
    js = read_results(path).judgements
    monkeypatch.setattr(sqlite3, "connect", partial(counted, "day"))
    assert [j.date for j in read_results(path, since="2031-01-09", until="2031-01-09").judgements] == ["2031-01-09"] * (len(js) // 60)
    assert steps["day"] < steps["all"] / 5
    for what in ("text", "actor", "target", "labels", "best"):
        assert len({id(getattr(j, what)) for j in js}) == len({str(getattr(j, what)) for j in js}), what


def test_outlets_are_chosen(two_outlets: Path, database: Path, run: Cli, tmp_path: Path) -> None:
    found = read_results(two_outlets, sources=["Post", "Times"], actors=["Norway"])
    assert Counter(j.source for j in found.judgements) == {"Post": ENOUGH + 1, "Times": 2 * ENOUGH} and len(found.articles) == 3 * ENOUGH + 2
    assert not found.notes and found.sources == ["Post", "Times", f"e{EVIL}"]
    assert {j.source for j in read_results([two_outlets, database], sources=["Post"]).judgements} == {"Post"}
    with pytest.raises(InputError, match=r"no article of 'Sun'; sources there: Post, Times, e<"):
        read_results(two_outlets, sources=["Post", "Sun"])
    with pytest.raises(InputError, match=r"no judgement to report from 2031 to …: 0 of 6 articles dated so"):
        read_results(two_outlets, sources=["Post"], since="2031")
    done = run("report", two_outlets, "--source", "Post", "-o", tmp_path / "r.html")
    assert done.code == 0 and "6 judgements in 6 of 6 articles" in done.err


def test_of_what_could_not_be_read_nobody_knows_the_outlet(model: Model, tmp_path: Path) -> None:
    articles = [Article("a", "Norway condemned the raid.", source="Post"), Article("b", "Norway left.", source="Times")]
    path = write_results(tmp_path / "r.sqlite", articles, model, skipped=[("bad", "the file is empty")])
    found = read_results(path, sources=["Post"])
    assert found.skipped == [("bad", "the file is empty")] and len(found.articles) == 1
    assert read_results(path, sources=["Post", "Times"]).skipped == found.skipped == read_results(path).skipped


def test_what_a_later_run_has_read_was_not_skipped_of_an_outlet_either(model: Model, tmp_path: Path) -> None:
    post, times = Article("a", "Norway left Peru.", source="Post", input="a.txt"), Article("b", "Chile denied it.", source="Times", input="b.txt")
    for n, items in enumerate([[post, Skipped("b.txt", "no such file", "b.txt")], [post, times]]):
        run = describe_run(model, default_lexicon(), {"inputs": [x.input for x in items]})
        record(tmp_path / "r.sqlite", items, lambda x, finish: classify_archive(x, model, finish=finish), run, append=n > 0)
    found = read_results(tmp_path / "r.sqlite", sources=["Post"])
    assert not found.skipped and len(found.articles) == 1


def test_articles_without_a_date_are_left_out_of_a_span_and_counted(model: Model, tmp_path: Path) -> None:
    articles = [Article("a", "Norway condemned the raid.", date="2031-01-01"), Article("b", "Norway condemned the raids.")]
    path = write_results(tmp_path / "r.sqlite", articles, model, skipped=[("bad", "the file is empty")])
    found = read_results(path, since="2031")
    assert len(found.judgements) == 1 and "Left out: 1 article without a date." in found.notes
    assert found.skipped == [("bad", "the file is empty")], "of an input that was not read nobody knows the date"
    quiet = read_results(path, since="2032")
    assert quiet.judgements == [] and quiet.notes == [
        "Left out: 1 article without a date.", "No judgement to report from 2032 to …: 0 of 2 articles dated so; those there are of 2031-01-01 to 2031-01-01.",
    ]  # fmt: skip
    assert len(read_results(path).judgements) == 2


def test_an_article_read_twice_counts_once_and_other_models_are_left_out(model: Model, tmp_path: Path) -> None:
    one, two = Article("a", "Norway condemned the raid."), Article("b", "Chile denied it.")
    other = replace(model, heads=tuple(replace(h, bias=h.bias + 1) for h in model.heads))
    path = write_results(tmp_path / "r.sqlite", [two, Article("c", "Peru left.")], other, skipped=[("bad", "the file is empty")])
    write_results(path, [one], model, append=True)
    write_results(path, [one, two], model, append=True)
    found = read_results(path)
    assert [j.actor for j in found.judgements] == ["Norway", "Chile"]
    assert found.notes == ["Left out: 1 article classified with another model."]


def test_what_a_later_run_has_read_was_not_skipped(model: Model, tmp_path: Path) -> None:
    read, late, lost = Article("a", "Norway left Peru.", input="a.txt"), Article("b", "Chile denied it.", input="b.txt"), Skipped("c.txt", "no text", "c.txt")
    for n, items in enumerate([[read, Skipped("b.txt", "no such file", "b.txt"), lost], [read, late]]):
        run = describe_run(model, default_lexicon(), {"inputs": [x.input for x in items]})
        record(tmp_path / "r.sqlite", items, lambda x, finish: classify_archive(x, model, finish=finish), run, append=n > 0)
    found = read_results(tmp_path / "r.sqlite")
    assert found.skipped == [("c.txt", "no text")] and len(found.articles) == 2


def test_an_article_that_several_other_models_classified_is_left_out_once(model: Model, tmp_path: Path) -> None:
    one, two = Article("a", "Norway condemned the raid."), Article("b", "Chile denied it.")
    for n in (3, 2, 1):
        other = replace(model, heads=tuple(replace(h, bias=h.bias + n) for h in model.heads))
        path = write_results(tmp_path / "r.sqlite", [one, two] if n > 1 else [Article("c", "Peru left Chile.")], other, append=n < 3)
    assert read_results(path).notes == ["Left out: 2 articles classified with another model."]


def renamed(model: Model, **names: str) -> Model:
    """The model with other names for its heads."""
    heads = tuple(replace(h, head=replace(h.head, name=names.get(h.head.name, h.head.name))) for h in model.heads)
    told = [{"name": h.head.name, "labels": list(h.head.labels)} for h in heads]
    report = {names.get(h, h): r for h, r in model.manifest["report"].items()}
    return replace(model, heads=heads, manifest={**model.manifest, "fingerprint": "other", "heads": told, "report": report})


def test_of_two_models_with_other_heads_the_last_is_reported(run: Cli, model: Model, tmp_path: Path) -> None:
    one, two = Article("a", "Norway condemned the raid."), Article("b", "Chile denied it.")
    path = write_results(tmp_path / "r.sqlite", [one], renamed(model, stance="frame"))
    write_results(path, [two], model, append=True)
    found = read_results(path)
    assert list(found.heads) == ["stance", "tone"] and [j.actor for j in found.judgements] == ["Chile"] and found.runs == 2
    r = run("report", path, "-o", tmp_path / "r.html")
    assert r.code == 0 and f"{path}: holds 2 runs; reported is run 2 (model {found.run['model_name']} {model.fingerprint}, begun" in r.err
    assert "heads stance, tone" in r.err


def test_an_earlier_run_is_reported_by_its_number(run: Cli, model: Model, tmp_path: Path) -> None:
    path = write_results(tmp_path / "r.sqlite", [Article("a", "Norway condemned the raid.")], model)
    write_results(path, [Article("b", "Chile denied it."), Article("c", "Peru denied it.")], renamed(replace(model, heads=model.heads[::-1]), stance="frame"), append=True)
    for more, number, left in (([], 2, 1), (["--run", 1], 1, 2)):
        r = run("report", path, "-o", tmp_path / "r.html", *more)
        assert r.code == 0 and f"holds 2 runs; reported is run {number} (model" in r.err and f"Left out: {left} article" in r.err
        assert (">Norway<" in (tmp_path / "r.html").read_text("utf-8")) == (number == 1)
    r = run("report", path, "-o", tmp_path / "r.html", "--run", 3)
    assert r.code == 1 and f"{path}: holds no run 3; there are\n  1: begun 2" in r.err and '\n  2: begun 2' in r.err and '{"inputs": ["b", "c"]}' in r.err


def test_the_model_s_first_head_is_reported_or_the_one_named(run: Cli, model: Model, tmp_path: Path) -> None:
    renamed(model, stance="position", tone="frame").save(tmp_path / "m.stance")
    path = write_results(tmp_path / "r.sqlite", [Article("a", "Norway condemned the raid.")], load(tmp_path / "m.stance"))
    title = re.compile(r"<h1>Who takes which (\w+)")
    for more, wanted in (([], ["position", "frame"]), (["--head", "frame"], ["frame", "position"])):
        assert run("report", path, "-o", tmp_path / "r.html", *more).code == 0
        page = (tmp_path / "r.html").read_text("utf-8")
        assert title.findall(page) == wanted[:1] and re.findall(r"^<li>(\w+), cross-validation", page, re.M) == wanted
        assert list(read_results(path, head=more[-1] if more else "").judgements[0].labels) == wanted
    r = run("report", path, "-o", tmp_path / "r.html", "--head", "farme")
    assert (r.code, r.err) == (1, f"error: {path}: no head 'farme'; heads there: position, frame\n  did you mean 'frame'?\n")


def test_a_run_that_was_not_finished_is_said(run: Cli, model: Model, tmp_path: Path) -> None:
    path = write_results(tmp_path / "r.sqlite", [Article("a", "Norway condemned Chile.")], model)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE run SET finished = NULL")
    r = run("report", path, "-o", tmp_path / "r.html")
    assert r.code == 0 and "note: The run was not finished" in r.err
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "The run was not finished" in page


def test_runs_with_other_settings_are_not_mixed(model: Model, tmp_path: Path) -> None:
    one, two = Article("a", "Norway condemned Chile."), Article("b", "Chile denied it.")
    path = write_results(tmp_path / "r.sqlite", [one, two], model, min_confidence=1)
    judge = partial(classify_archive, model=model, lexicon=default_lexicon(), actors=["Chile"])
    settings = {"inputs": ["b"], "actors": ["Chile"]}
    record(path, [two], lambda x, finish: judge(x, finish=finish), describe_run(model, default_lexicon(), settings), append=True)
    found = read_results(path)
    assert [(j.actor, j.title) for j in found.judgements] == [("Chile", "b")]
    assert found.notes == ["Left out: 1 article classified with other settings (--actor, --min-confidence) or aliases."]


def test_days_classified_with_a_date_each_are_counted_together(run: Cli, model_file: Path, tmp_path: Path) -> None:
    database = tmp_path / "r.sqlite"
    for day in ("2031-03-01", "2031-03-02"):
        (tmp_path / f"{day}.txt").write_text(f"Norway condemned the raid of {day}.")
        assert run("classify", tmp_path / f"{day}.txt", "--date", day, "--append", "-o", database, "-m", model_file).code == 0
    found = read_results(database)
    assert [j.date for j in found.judgements] == ["2031-03-01", "2031-03-02"] and found.notes == []
    assert run("report", database, "--to", "2031-03-01", "-o", tmp_path / "r.html").err.endswith("r.html: 1 judgement in 1 of 1 article\n")


def test_several_databases_are_reported_as_one(run: Cli, model: Model, tmp_path: Path) -> None:
    one, two, three = (Article(x, f"Norway condemned the raid of {x}. {actor} left.", title=x, date=f"2031-0{n}-01") for n, (x, actor) in enumerate((("a", "Chile"), ("b", "Peru"), ("c", "Peru")), 1))
    whole = read_results(write_results(tmp_path / "whole.sqlite", [one, two, three], model))
    paths = [write_results(tmp_path / "x.sqlite", [one, two], model), write_results(tmp_path / "y.sqlite", [two, three], model, skipped=[("d", "empty")])]
    found = read_results(paths)
    assert found.notes == ["Counted once: 1 article in more than one database."] and found.skipped == [("d", "empty")]
    assert [replace(j, article=0) for j in found.judgements] == [replace(j, article=0) for j in whole.judgements]
    assert len(set(found.articles)) == 3 and {j.article for j in found.judgements} == {*found.articles}
    assert {j.title for j in read_results(paths, actors=["Chile"]).judgements} == {"a"} and len(read_results(paths, since="2031-03").articles) == 1
    r = run("report", *paths, "-o", tmp_path / "r.html")
    assert r.code == 0 and "note: Counted once: 1 article" in r.err and r.err.endswith("r.html: 6 judgements in 3 of 3 articles\n")
    assert "x.sqlite, y.sqlite" in (tmp_path / "r.html").read_text("utf-8")
    assert run("report", *paths, "-o", paths[1]).code == 2
    with pytest.raises(InputError, match=r"x\.sqlite, .*y\.sqlite: no judgement of 'Fiji'; actors there: Chile, Norway, Peru"):
        read_results(paths, actors=["Fiji"])
    with pytest.raises(InputError, match="run 1 of 2 databases"):
        read_results(paths, run=1)


def test_databases_of_several_models_are_not_reported_as_one(model: Model, tmp_path: Path) -> None:
    articles = [Article("a", "Norway condemned Chile.")]
    other = replace(model, heads=tuple(replace(h, bias=h.bias + 1) for h in model.heads))
    paths = [write_results(tmp_path / "x.sqlite", articles, model), write_results(tmp_path / "y.sqlite", articles, other)]
    with pytest.raises(InputError) as e:
        read_results(paths)
    assert f"{paths[1]}: classified with another model" in e.value.message and model.fingerprint in e.value.message and other.fingerprint in e.value.message


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda p: None, "there is no such file"),
        (lambda p: p.write_text("text,actor\nNorway left.,Norway\n" * 50), "is no results database: file is not a database"),
        (lambda p: sqlite3.connect(p).execute("CREATE TABLE x(y)").connection.close(), "is no results database: no table run, article, sentence, judgement"),
        (lambda p: sqlite3.connect(p).execute("PRAGMA user_version = 9").connection.close(), "tables of version 9, newer than this version knows (1)"),
    ],
    ids=["missing", "text", "other database", "newer"],
)
def test_what_is_no_results_database(run: Cli, tmp_path: Path, make: Callable[[Path], Any], said: str) -> None:
    path = tmp_path / "r.sqlite"
    make(path)
    r = run("report", path, "-o", tmp_path / "r.html")
    assert r.code == 1 and f"error: {path}: {said}" in r.err and "Traceback" not in r.err and r.err.splitlines()[-1].startswith("  ")
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ("UPDATE judgement SET stance_probs = '[1]' WHERE id = 2", r"judgement 2: stance_probs is '\[1\]', not the probabilities of labels as JSON\n  was it"),
        ("UPDATE judgement SET tone_probs = '{}' WHERE id = 2", r"judgement 2: tone_probs is '{}', not the probabilities"),
        ("UPDATE judgement SET tone_probs = 'warm' WHERE id = 2", r"judgement 2: tone_probs is 'warm', not the probabilities"),
        ("UPDATE judgement SET stance_probs = NULL WHERE id = 2", r"judgement 2: stance_probs is None, not the probabilities"),
        ("UPDATE run SET manifest = '{}'", r"is no results database, or was edited: KeyError 'heads'"),
        ("UPDATE run SET settings = '[]'", r"is no results database, or was edited: AttributeError"),
        ("ALTER TABLE article DROP COLUMN sha256", r"is no results database, or was edited: KeyError 'sha256'"),
    ],
)
def test_an_edited_database_is_told(database: Path, tmp_path: Path, edit: str, said: str) -> None:
    path = copied(database, tmp_path, edit)
    with pytest.raises(InputError, match=f"r.sqlite: {said}"):
        read_results(path)


def test_edited_labels_are_counted(database: Path, tmp_path: Path) -> None:
    found = read_results(copied(database, tmp_path, "UPDATE judgement SET stance = 'scold' WHERE id = 1"))
    assert "scold" in "".join(report_page(found)) and "scold" not in "".join(report_page(read_results(database)))


def test_a_database_that_is_cut_off_or_in_use_is_told(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = copied(database, tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, timeout=0))
        with pytest.raises(InputError, match=r"r\.sqlite: in use by another program: database is locked\n  run the command again"):
            read_results(path)
    path.write_bytes(database.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=r"r\.sqlite: damaged or cut off: database disk image is malformed\n  restore a copy, or delete it"):
        read_results(path)


def test_a_stopped_run_in_a_folder_that_cannot_be_written_to_is_told(database: Path, tmp_path: Path) -> None:
    path = copied(database, tmp_path, "PRAGMA journal_mode=WAL")
    Path(f"{path}-shm").symlink_to(tmp_path / "none" / "shm")  # as in a folder without rights, also for root: SQLite cannot make this file
    with pytest.raises(InputError, match=r"r\.sqlite: left by a run that has not finished, and only read where its folder can be written to: .*\n  copy it, with r\.sqlite-wal if"):
        read_results(path)


@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE])
def test_a_full_disk_is_no_other_file(database: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """What is sorted of a large database is more than SQLite holds in memory, and there is no room where it sorts."""

    def full(*_: object) -> None:
        e = sqlite3.OperationalError("no room")
        e.sqlite_errorcode = code
        raise e

    monkeypatch.setattr(reporting, "_read", full)
    with pytest.raises(InputError, match=r"results\.sqlite: cannot be read or sorted: no room\n  SQLite sorts in /tmp or where SQLITE_TMPDIR says: make room"):
        read_results(database)


def copied(database: Path, folder: Path, *edits: str) -> Path:
    """A copy of a database that somebody has edited."""
    path = folder / "r.sqlite"
    path.write_bytes(database.read_bytes())
    with closing(sqlite3.connect(path)) as db:
        for edit in edits:
            db.execute(edit)
        db.commit()
    return path


def test_nothing_to_report(database: Path, model: Model, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"(?s)no judgement of 'Bolivie'; actors there: Bolivia.*did you mean 'Bolivia'"):
        read_results(database, actors=["Bolivie"])
    with pytest.raises(InputError, match=r"(?s)no judgement of 'Santiago'; actors there: Bolivia.*\n  it is called 'Chile' here"):
        read_results(database, actors=["Santiago"])
    with pytest.raises(InputError, match="no judgement of 'Narnia'; actors there: Bolivia"):
        read_results(database, actors=["Narnia"])
    quiet = read_results(database, since="1999", until="2000")
    assert quiet.judgements == [] and quiet.notes[-1].startswith("No judgement to report from 1999 to 2000: 0 of ")
    path = write_results(tmp_path / "e.sqlite", [Article("a", "It rained.")], model)
    with pytest.raises(InputError, match=r"no judgement to report: run 1, of \d{4}-.*, found no sentence with an actor in 1 article\n  `stance actors TEXT`"):
        read_results(path)
    with pytest.raises(InputError, match=r"run 2, of .*, holds no article\n  Left out: 1 article classified with another model.\n  `stance classify") as e:
        read_results(write_results(path, [], renamed(model, stance="frame"), append=True))
    assert "widen" not in str(e.value)
    with pytest.raises(InputError, match=r"could read none of its 1 input; bad: the file is empty\n  mend"):
        read_results(write_results(tmp_path / "s.sqlite", [], model, skipped=[("bad", "the file is empty")]))


def test_a_day_without_a_judgement_is_a_page_that_says_so(run: Cli, model: Model, tmp_path: Path) -> None:
    """A job of every day goes on, and leaves no page of another day in its place."""
    texts = {"2031-01-01": "Norway condemned the raid.", "2031-01-03": "Chile denied it.", "2031-01-04": "It rained."}
    path = write_results(tmp_path / "r.sqlite", [Article(day, text, date=day, source="Post") for day, text in texts.items()], model)
    out = tmp_path / "r.html"
    for day, more, told in (
        ("2031-01-02", [], "No judgement to report from 2031-01-02 to 2031-01-02: 0 of 3 articles dated so"),
        ("2031-01-04", [], "No judgement to report from 2031-01-04 to 2031-01-04: 1 of 3 articles dated so"),
        ("2031-01-01", ["--actor", "Chile"], "No judgement of Chile to report from 2031-01-01 to 2031-01-01: 1 of 3 articles dated so"),
        ("2031-01-02", ["--source", "Post"], "No judgement to report from 2031-01-02 to 2031-01-02: 0 of 3 articles dated so"),
    ):
        r = run("report", path, "-o", out, "--from", day, "--to", day, *more)
        assert r.code == 0 and f"note: {told}; those there are of 2031-01-01 to 2031-01-04.\n" in r.err and f"wrote {out}: 0 judgements in 0 of" in r.err
        page = out.read_text("utf-8")
        assert f"<p>{told}; those" in page and "<h2" not in page and "<nav" not in page and "Chosen: " in page and f"from {day} to {day}." in page


def test_a_span_in_which_nothing_can_be_is_refused(run: Cli, model: Model, tmp_path: Path) -> None:
    articles = [Article("a", "Norway condemned the raid.", source="Post"), Article("b", "Chile denied it.", date="2031-01-03", source="Times")]
    path = write_results(tmp_path / "r.sqlite", articles, model)
    for more, told in (
        (["--source", "Post"], "0 of 1 article dated so\n  Left out: 1 article without a date.\n  none has a date: `stance classify --column date=NAME`"),
        (["--source", "Sun"], "no article of 'Sun'; sources there: Post, Times"),
        (["--actor", "Peru"], "no judgement of 'Peru'; actors there: Chile, Norway\n"),
    ):
        r = run("report", path, "-o", tmp_path / "r.html", "--from", "2031-02", *more)
        assert r.code == 1 and told in r.err and not (tmp_path / "r.html").exists()
    with pytest.raises(InputError, match="found no sentence with Chile in 1 article\n  choose another --source"):
        read_results(path, actors=["Chile"], sources=["Post"])
    quiet = read_results(path, since="2031-02")
    assert quiet.dates == ["2031-01-03"] * 2 and quiet.judgements == []
    many = [Article(f"a{n}", f"Norway left {n}.", source=f"s{n:02}") for n in range(LISTED + 1)]
    with pytest.raises(InputError, match=f"s{LISTED - 1:02} …\n|s{LISTED - 1:02} …$"):
        read_results(write_results(tmp_path / "m.sqlite", many, model), sources=["Narnia"])


def test_the_judgements_of_an_actor_are_read_alone(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, stored = list[str](), reporting._stored
    monkeypatch.setattr(reporting, "_stored", lambda r, *more: read.append(r["actor"]) or stored(r, *more))
    assert len(read_results(database, actors=["Peru"]).judgements) == len(read) > 0 and {*read} == {"Peru"}


def test_the_page_says_what_was_chosen(run: Cli, two_outlets: Path, tmp_path: Path) -> None:
    run("report", two_outlets, "-o", tmp_path / "r.html", "--source", "Post", "--source", "Times", "--actor", "Norway")
    assert " Chosen: Norway; Post or Times.</p>" in (tmp_path / "r.html").read_text("utf-8")
    run("report", two_outlets, "-o", tmp_path / "r.html")
    assert "Chosen" not in (tmp_path / "r.html").read_text("utf-8")


def test_the_database_is_not_changed(database: Path) -> None:
    before = database.read_bytes()
    "".join(report_page(read_results(database)))
    assert database.read_bytes() == before and [p.name for p in database.parent.iterdir() if "sqlite-" in p.name] == []


# --------------------------------------------------------------------------- numbers


def test_shares_and_their_intervals() -> None:
    rng = np.random.default_rng(1)
    groups, labels = rng.integers(60, size=900), (rng.random(900) < 0.3).astype(int)
    found = shares(list(groups), list(labels), 2)
    assert found[1].value == pytest.approx(labels.mean()) and sum(s.value for s in found) == pytest.approx(1)
    low, high = found[1].low, found[1].high
    assert low is not None and high is not None and low < found[1].value < high
    assert high - low == pytest.approx(2 * 1.96 * (0.3 * 0.7 / 900) ** 0.5, rel=0.3)  # independent rows: as the binomial


def test_articles_that_agree_within_make_wider_intervals() -> None:
    groups = [i // 10 for i in range(300)]
    alike, mixed = ([g % 2 for g in groups], [i % 2 for i in range(300)])
    width = [(s.high or 0) - (s.low or 0) for s in (shares(groups, alike, 2)[1], shares(groups, mixed, 2)[1])]
    assert width[0] > 0.2 > 0.01 > width[1]


def test_few_articles_have_no_interval() -> None:
    assert all(s.low is None and s.high is None for s in shares([1, 2, 3, 4] * 5, [0, 1] * 10, 2))
    assert all(s.low is not None for s in shares(list(range(ENOUGH)), [0] * ENOUGH, 2))


def test_a_share_of_nothing_or_all_has_the_bound_of_the_rule_of_three() -> None:
    all_, none = shares(range(10), [0] * 10, 2)
    assert (none.value, none.low, none.high) == (0, 0, pytest.approx(0.2589, abs=1e-4))
    assert (all_.value, all_.low, all_.high) == (1, pytest.approx(0.7411, abs=1e-4), 1)
    fixed = shares(range(10), [0] * 10, 2, correct=lambda p, rng=None: p[::-1])
    assert fixed == [none, all_]


def manifest(confusion: list[list[int]]) -> dict[str, Any]:
    return {"report": {"stance": {"labels": ["a", "b", "c"], "confusion": confusion}}}


def test_correction_undoes_a_known_confusion() -> None:
    table = [[80, 10, 10], [30, 60, 10], [5, 15, 80]]
    correct = corrector(manifest(table), "stance", ["a", "b", "c"])
    assert correct is not None
    rates = np.array(table) / 100
    for truth in ([0.2, 0.5, 0.3], [1.0, 0.0, 0.0], [0.0, 0.1, 0.9]):
        assert correct(np.array(truth) @ rates) == pytest.approx(truth, abs=1e-6)


def test_a_confusion_known_of_few_pairs_makes_wider_intervals() -> None:
    table = np.array([[16, 2, 2], [6, 12, 2], [1, 3, 16]])
    said = [0] * 400 + [1] * 400 + [2] * 200
    wide, narrow = (shares([i % 50 for i in range(1000)], said, 3, correct=corrector(manifest((table * k).tolist()), "stance", ["a", "b", "c"])) for k in (1, 1000))
    assert [s.value for s in wide] == pytest.approx([s.value for s in narrow])
    assert all(w.high - w.low > 3 * (n.high - n.low) for w, n in zip(wide, narrow, strict=True))  # type: ignore[operator]


def test_correction_gives_shares_also_where_no_shares_fit() -> None:
    correct = corrector(manifest([[80, 10, 10], [30, 60, 10], [5, 15, 80]]), "stance", ["a", "b", "c"])
    assert correct is not None
    fixed = correct(np.array([0.0, 1.0, 0.0]))
    assert fixed.sum() == pytest.approx(1) and (fixed >= 0).all() and fixed.argmax() == 1


def test_no_correction_without_a_confusion_of_these_labels() -> None:
    assert corrector({}, "stance", ["a"]) is None
    assert corrector(manifest([[1, 0, 0], [0, 1, 0], [0, 0, 1]]), "stance", ["a", "b"]) is None
    assert corrector(manifest([[1, 0, 0], [0, 1, 0], [0, 0, 0]]), "stance", ["a", "b", "c"]) is None


@pytest.mark.parametrize(
    ("date", "by", "wanted"),
    [("2031-03-04", "month", "2031-03"), ("2031-03", "month", "2031-03"), ("2031", "month", ""), ("2031-03-04", "year", "2031"), ("2031", "year", "2031"), ("", "year", ""), ("2031-03-04", "week", "2031-03-03"), ("2031-03-03", "week", "2031-03-03"), ("2031-03", "week", ""), ("", "week", "")],
)
def test_period_of_a_date(date: str, by: str, wanted: str) -> None:
    assert period(date, by) == wanted


def test_periods_have_no_gap() -> None:
    assert periods(["2031-02", "2030-11", ""], "month") == ["2030-11", "2030-12", "2031-01", "2031-02"]
    assert periods(["2030-12-23", "2031-01-06"], "week") == ["2030-12-23", "2030-12-30", "2031-01-06"]
    assert periods(["2029", "2031"], "year") == ["2029", "2030", "2031"]
    assert periods(["", ""], "week") == []


def test_a_misprinted_date_does_not_stretch_the_charts() -> None:
    months = [f"2031-{m:02}" for m in range(1, 13)] * 20
    assert periods([*months, "0001-01", "9999-12"], "month") == months[:12]
    assert len(periods(["0001-01", "9999-12"], "month")) == PERIODS  # no way to tell which is right
    assert periods([*["2030", "2031"] * 100, "0001", "9999"], "year") == ["2030", "2031"]


# --------------------------------------------------------------------------- page


def test_every_number_leads_to_its_sentences(database: Path) -> None:
    results = read_results(database)
    shown = "".join(report_page(results, name="r.sqlite"))
    links = re.findall(r'<a href="#(d\d+)" aria-label="([^"]*): (\d+), show', shown)
    lists = dict(re.findall(r'<section id="(d\d+)".*?<ol class="quotes">(.*?)</ol>', shown, re.S))
    assert links and {a for a, _, _ in links} == set(lists)
    assert all(lists[a].count("<li>") == min(int(n), SENTENCES) for a, _, n in links)
    counted = Counter((j.actor, j.labels["stance"]) for j in results.judgements)
    assert {(t, int(n)) for _, t, n in links} >= {(f"{a}, {x}", n) for (a, x), n in counted.items() if a in ("Peru", "Chile")}


def test_a_cap_is_said(model: Model, tmp_path: Path) -> None:
    path = write_results(tmp_path / "r.sqlite", [Article(str(n), f"Norway condemned raid {n}.") for n in range(SENTENCES + 3)], model)
    assert f"the {SENTENCES} most certain of {SENTENCES + 3} sentences" in "".join(report_page(read_results(path)))


def test_the_page_says_what_it_rests_on(database: Path, model: Model) -> None:
    shown = "".join(report_page(read_results(database)))
    report = model.manifest["report"]["stance"]
    assert model.fingerprint in shown and f"stance, cross-validation: macro-F1 {report['macro_f1']:.2f}" in shown
    assert "6 articles, 2031-03-04 to 2031-05-07" in shown and "1 input skipped" in shown and "% of the labels unsure" in shown
    assert "Forman 2008" in shown
    one = read_results(database, actors=["Peru"])
    within = len({j.article for j in one.judgements})
    assert 0 < within < 6 and f"pairs of a sentence and an actor in {within} of them; 1 input skipped" in "".join(report_page(one))


def test_corrected_shares_stand_beside_those_of_many_sentences(model: Model, tmp_path: Path) -> None:
    texts = ["Norway condemned the raid.", "Norway agreed to hold talks.", "Norway denied the charge."]
    articles = [Article(str(n), " ".join(texts[i % (1 + n % 3)] for i in range(CORRECTED // ENOUGH))) for n in range(ENOUGH)]
    found = read_results(write_results(tmp_path / "r.sqlite", articles, model))
    page = "".join(report_page(found))
    assert page.count("<td>corrected</td>") == 1 and "all actors" not in page, "of the only actor, not of all actors too"
    two = replace(found, judgements=[*found.judgements, replace(found.judgements[0], actor="Peru")])
    assert re.findall(r'rowspan="2">.*?(?:</span>)?([\w ]+)</th>', "".join(report_page(two))) == ["all actors", "Norway"]
    found.judgements.pop()
    assert "<td>corrected</td>" not in "".join(report_page(found))


def test_a_model_without_scores_is_said(model: Model, tmp_path: Path) -> None:
    bare = replace(model, manifest={k: v for k, v in model.manifest.items() if k not in ("report", "held_out")})
    path = write_results(tmp_path / "r.sqlite", [Article(str(n), "Norway condemned the raid.") for n in range(9)], bare)
    shown = "".join(report_page(read_results(path)))
    assert "holds no scores" in shown and "no correction" in shown and "too few dates" in shown and "name no source" in shown


def test_charts_have_a_point_a_period_with_judgements(database: Path) -> None:
    shown = "".join(report_page(read_results(database, actors=["Peru"]), by="week"))
    (chart,) = re.findall(r'<svg role="img" aria-label="Peru, firm\..*?</svg>', shown, re.S)
    weeks = {period(j.date, "week") for j in read_results(database, actors=["Peru"]).judgements}
    assert chart.count("<circle") == len(weeks) == 4  # two articles are of one week


def test_thin_months_are_left_out_where_there_are_full_ones(model: Model, tmp_path: Path) -> None:
    full = [Article(f"{m}{n}", "Norway condemned the raid.", date=f"2031-{m:02}-{n + 1:02}") for m in (1, 2) for n in range(ENOUGH)]
    thin = [Article("x", "Norway agreed to hold talks.", date="2031-03-01")]
    shown = "".join(report_page(read_results(write_results(tmp_path / "r.sqlite", [*full, *thin], model))))
    (chart,) = re.findall(r'<svg role="img" aria-label="Norway, accuse\..*?</svg>', shown, re.S)
    assert chart.count("<circle") == 2 and chart.count("<polygon") == 1 and "2031-01: 100 % of 5 (55–100)" in chart
    assert "a month with fewer than 5 articles of the actor is left out" in shown


@pytest.fixture(scope="module")
def two_outlets(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Norway accuses in all articles of the Post and in half of those of the Times; Chile is in one; one article names no outlet."""
    texts = ["Norway condemned the raid.", "Norway agreed to hold talks."]
    post = [Article(f"p{n}", texts[0], source="Post") for n in range(ENOUGH + 1)]
    times = [Article(f"t{n}", texts[n % 2], source="Times") for n in range(2 * ENOUGH)]
    rest = [Article("w", texts[0]), Article("e", texts[0], source=f"e{EVIL}"), Article("c", "Chile denied the charge.", source="Times")]
    return write_results(tmp_path_factory.mktemp("outlets") / "r.sqlite", [*post, *times, *rest], model)


def outlet_rows(page: str) -> dict[str, list[str]]:
    """The cells of the outlets' table, without marks, by outlet."""
    table = page.split('<h2 id="outlets">')[1].split("</table>")[0]
    rows = [re.findall(r"<t[hd].*?>(.*?)</t[hd]>", r, re.S) for r in re.findall(r"<tr.*?</tr>", table, re.S)]
    plain = [[re.sub(r"<[^>]*>", " ", c).split() for c in r] for r in rows]
    return {" ".join(r[0]): [" ".join(c) for c in r[1:]] for r in plain}


def test_outlets_of_one_actor_are_compared(two_outlets: Path) -> None:
    found = read_results(two_outlets, actors=["Norway"])
    page = "".join(report_page(found))
    assert "Outlets: how each shows Norway" in page and EVIL not in page
    rows = outlet_rows(page)
    at = rows["outlet"].index("▲ accuse")
    assert {k: (v[0], v[at]) for k, v in rows.items()} == {
        "outlet": ("sentences", "▲ accuse"), "Post 6 articles": ("6", "100 61–100"), "all outlets 17 articles": ("17", rows["all outlets 17 articles"][at]),
        "Times 10 articles": ("10", rows["Times 10 articles"][at]), "e&lt;script&gt;document.title=&#39;broken&#39;&lt;/script&gt; 1 article": ("1", "100"),
    }  # fmt: skip
    mine = [j for j in found.judgements if j.source == "Times"]
    (share,) = [s for x, s in zip(found.heads["stance"], shares([j.article for j in mine], [found.heads["stance"].index(j.best["stance"]) for j in mine], 7), strict=True) if x == "accuse"]
    assert share.low is not None and share.high is not None
    assert rows["Times 10 articles"][at] == f"{100 * share.value:.0f} {100 * share.low:.0f}–{100 * share.high:.0f}" == f"50 {100 * share.low:.0f}–{100 * share.high:.0f}"
    links = re.findall(r'<a href="#(d\d+)" aria-label="(Times: Norway, accuse, 50 %): (\d+), show sentences">50</a>', page)
    assert [n for _, _, n in links] == ["5"]
    assert page.split(f'<section id="{links[0][0]}"')[1].split("</section>")[0].count("<li>") == 5
    assert list(rows)[1] == "all outlets 17 articles" and list(rows)[2] == "Times 10 articles"


def test_outlets_are_not_compared_for_several_actors_or_one_outlet(two_outlets: Path, model: Model, tmp_path: Path) -> None:
    for found in (read_results(two_outlets), read_results(two_outlets, actors=["Chile"])):
        page = "".join(report_page(found))
        assert "how each shows" not in page and "Outlets: whom they quote with which stance" in page


def test_outlets_beyond_those_shown_are_told(model: Model, tmp_path: Path) -> None:
    articles = [Article(str(n), "Norway condemned the raid.", source=f"Paper {n}") for n in range(OUTLETS + 2)]
    page = "".join(report_page(read_results(write_results(tmp_path / "r.sqlite", articles, model))))
    assert f"{OUTLETS} outlets of {OUTLETS + 2}: those with most sentences" in page and len(outlet_rows(page)) == OUTLETS + 2


def test_the_neutral_label_of_a_codebook_is_no_stance_on_the_page(model: Model, tmp_path: Path) -> None:
    heads = [replace(h, head=replace(h.head, neutral="deny")) if h.head.name == "stance" else h for h in model.heads]
    articles = [Article("a", "Norway condemned the raid. Chile denied the charge.", date="2031-01-01", source="Post"), Article("b", "Chile denied it.", date="2031-02-01")]
    page = "".join(report_page(read_results(write_results(tmp_path / "r.sqlite", articles, replace(model, heads=tuple(heads))))))
    surest = page.split('<h2 id="surest">')[1].split("</ol>")[0]
    assert "condemned" in surest and "denied" not in surest
    assert "○ deny" in page and "Norway, accuse. " in page and "Norway, deny. " not in page
    assert "Post: Norway, accuse" in page and "Post: Chile, deny" not in page


def test_the_command(run: Cli, database: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.html"
    r = run("report", database, "-o", out, "--actor", "Peru", "--from", "2031-03-05", "--to", "2031-04-30", "--by", "week")
    assert r.code == 0 and r.out == "" and f"wrote {out}: " in r.err
    page = out.read_text("utf-8")
    assert "Over time, by week" in page and page.count("<script") == 0 and "http" not in page.replace("http-equiv", "")
    assert run("report", database, "-o", out, "--by", "year").code == 0 and "Over time, by year" in out.read_text("utf-8")
    for bad in (["--by", "day"], ["--from", "soon"], ["--to", "2031-13-01"], ["--from", "2031-05-01", "--to", "2031-04"]):
        assert run("report", database, "-o", out, *bad).code == 2
    before = database.read_bytes()
    assert run("report", database, "-o", database).code == 2 and database.read_bytes() == before


# --------------------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def report(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text("".join(report_page(read_results(database), name=f"r{EVIL}", by="week")), "utf-8")
    return path


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_no_complaint_and_no_sideways_scrolling(browser: Any, report: Path, width: int, dark: bool) -> None:
    open_page(browser, report, width=width, dark=dark)
    assert complaints(browser) == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.title != "broken" and browser.execute_script("return document.scripts.length") == 0


def test_compared_outlets_make_no_complaint(browser: Any, two_outlets: Path, tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    path.write_text("".join(report_page(read_results(two_outlets, actors=["Norway"]))), "utf-8")
    open_page(browser, path, width=390)
    assert complaints(browser) == [] and browser.execute_script("return document.documentElement.scrollWidth") <= 390


def test_a_number_opens_its_sentences_and_leads_back(browser: Any, report: Path) -> None:
    open_page(browser, report)
    link = next(a for a in browser.find_elements("css selector", "td a") if "Peru, accuse" in a.get_attribute("aria-label"))
    number = int(link.text)
    section = browser.find_element("css selector", link.get_attribute("href").split("/")[-1].split("html")[-1])
    assert not section.is_displayed()
    link.click()
    assert section.is_displayed() and len(section.find_elements("tag name", "li")) == min(number, SENTENCES)
    assert "Peru: accuse" in section.text
    assert complaints(browser) == []
    section.find_element("link text", "Back to the table").click()
    assert not section.is_displayed() and browser.current_url.endswith("#counts")


def test_the_matrix_counts_who_takes_a_stance_towards_whom(database: Path) -> None:
    found = read_results(database)
    page = "".join(report_page(found)).split('<h2 id="matrix">')[1].split("</table>")[0]
    aimed = Counter((j.actor, t) for j in found.judgements if j.best["stance"] != "neutral" for t in j.target)
    cells = re.findall(r'aria-label="([^"]+) → ([^"]+): (\d+), show sentences"', page)
    assert aimed and {(a, t): int(n) for a, t, n in cells} == aimed


def test_intervals_of_corrected_shares_are_corrected_too() -> None:
    raw, turned = (shares(range(20), [0] * 15 + [1] * 5, 2, correct=correct) for correct in (None, lambda p, rng=None: p[::-1]))
    assert turned == raw[::-1] != raw


def test_charts_fill_their_width(database: Path) -> None:
    shown = "".join(report_page(read_results(database, actors=["Peru"]), by="week"))
    (chart,) = re.findall(r'<svg role="img" aria-label="Peru, firm\..*?</svg>', shown, re.S)
    across = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', chart)]
    assert across == sorted(across) and (across[0], across[-1]) == (0, WIDTH)


def test_a_page_without_a_script_admits_none(database: Path) -> None:
    assert "script-src 'none'" in "".join(report_page(read_results(database)))
