"""Articles drawn from an archive for people to label."""

from __future__ import annotations

import csv
import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, Run, write_csv

from stance.actors import pairs, read
from stance.articles import Article, read_articles
from stance.dataset import locate, read_dataset, read_table
from stance.lexicon import Lexicon
from stance.model import Model
from stance.sampling import Sample, sample, unsure

Cli = Callable[..., Run]
NATIONS = ("Norway", "Chile", "Peru", "Japan", "Kenya")


@pytest.fixture(scope="module")
def archive() -> list[Article]:
    told = [f"{a} met {b}. Rain fell all day. {a} thanked it." for a in NATIONS for b in NATIONS if a != b]
    return [Article(f"a{n}", text) for n, text in enumerate([*told, "Rain fell.", told[0]])]


def ids(drawn: Sample) -> set[str]:
    return {r.article_id for r in drawn.rows}


@pytest.mark.parametrize("wanted", [10, 12])
def test_whole_articles_are_drawn_and_just_enough(archive: list[Article], lexicon: Lexicon, wanted: int) -> None:
    drawn = sample(archive, wanted, lexicon=lexicon)
    assert drawn.read == len(archive) and drawn.articles == len(ids(drawn))
    by_article = {i: [r for r in drawn.rows if r.article_id == i] for i in ids(drawn)}
    for article in archive:
        if article.id in by_article:
            found = read(article.text, lexicon=lexicon)
            assert list(dict.fromkeys(r.text for r in by_article[article.id])) == [r.sentence.text for r in found]
            assert [r.actor for r in by_article[article.id] if r.actor] == [p.actor for r in found for p in pairs(r)]
    sizes = [sum(bool(r.actor) for r in rows) for rows in by_article.values()]
    assert drawn.pairs == sum(sizes) >= wanted > drawn.pairs - max(sizes)
    assert {r.text[r.start : r.end] for r in drawn.rows if r.start is not None} <= {*NATIONS}
    assert [r.start is None for r in drawn.rows] == [r.actor not in r.text or not r.actor for r in drawn.rows]


def test_the_same_articles_in_whatever_order_and_more_of_them_in_a_larger_sample(archive: list[Article], lexicon: Lexicon) -> None:
    shuffled = random.Random(1).sample(archive, len(archive))
    texts = [{r.text for r in sample(a, 12, lexicon=lexicon, seed=3).rows} for a in (archive, shuffled)]
    assert texts[0] == texts[1]
    assert texts[0] < {r.text for r in sample(archive, 30, lexicon=lexicon, seed=3).rows}
    assert texts[0] != {r.text for r in sample(archive, 12, lexicon=lexicon, seed=4).rows}


def test_every_article_is_drawn_as_often(archive: list[Article], lexicon: Lexicon) -> None:
    counts = dict.fromkeys((a.id for a in archive[:20]), 0)
    for seed in range(200):
        for i in ids(sample(archive[:20], 12, lexicon=lexicon, seed=seed)):
            counts[i] += 1
    mean = sum(counts.values()) / len(counts)
    assert all(0.5 * mean < n < 1.6 * mean for n in counts.values())


def test_all_is_drawn_where_there_is_less_but_no_text_twice(archive: list[Article], lexicon: Lexicon) -> None:
    drawn = sample(archive, 10_000, lexicon=lexicon)
    assert ids(drawn) == {a.id for a in archive[:20]}
    assert sample([Article("x", "Rain fell.")], 5, lexicon=lexicon).rows == sample(archive, 0, lexicon=lexicon).rows == ()


def test_a_large_sample_takes_linear_time(archive: list[Article], lexicon: Lexicon, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = sample(archive[:1], 1, lexicon=lexicon).rows
    monkeypatch.setattr("stance.sampling._rows", lambda *_: rows)
    articles = [Article(str(n), str(n)) for n in range(30_000)]
    begun = time.process_time()
    assert sample(articles, 10**6, lexicon=lexicon).articles == 30_000
    assert time.process_time() - begun < 3  # 10 and more when it looks at all that is drawn for each


def test_rows_come_back_as_they_were_read(run: Cli, tmp_path: Path, lexicon: Lexicon) -> None:
    """Labelled, the rows are pairs with the mentions that `classify` would find, carried ones too."""
    todo = tmp_path / "todo.csv"
    cable = ROOT / "examples" / "cable.jsonl"
    r = run("sample", cable, "-n", "1000", "-o", todo)
    assert r.code == 0 and "in 5 articles of 5 read" in r.err
    assert run("train", todo, "-o", tmp_path / "m.stance").code == 1
    keys = ("article_id", "sentence_id", "text", "actor", "start", "end", "date")
    rows = [{**{k: getattr(x, k) for k in keys}, "stance": "neutral" if x.actor else ""} for x in read_table(todo, unlabelled=True).rows]
    data = read_dataset(write_csv(tmp_path / "done.csv", rows))
    wanted = {(a.id, p.text, p.actor): p.mentions for a in read_articles(cable) for r in read(a.text, lexicon=lexicon, date=a.date) for p in pairs(r)}
    found = {(r.article_id, p.text, p.actor): p.mentions for r, p in zip(data.rows, data.pairs, strict=True)}
    assert found.keys() == wanted.keys()
    assert sum(found[k] == wanted[k] for k in wanted) > 0.9 * len(wanted)


def test_the_outlet_comes_along_to_be_grouped_by(run: Cli, tmp_path: Path, lexicon: Lexicon) -> None:
    todo, articles = tmp_path / "todo.csv", [Article(f"a{n}", "Norway left. Chile won.", title=f"Day {n}", source=f"Post {n % 2}") for n in range(4)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"id": a.id, "text": f"{a.text} {a.id}", "title": a.title, "source": a.source}) + "\n" for a in articles))
    assert run("sample", tmp_path / "a.jsonl", "-o", todo).code == 0
    rows = [{**r, "stance": "neutral" if r["actor"] == "Norway" else "firm"} for r in csv.DictReader(todo.open(encoding="utf-8"))]
    data = read_dataset(write_csv(tmp_path / "done.csv", [r for r in rows if r["actor"]]), heads=["stance"], group_by="source")
    assert {(r.article_id, r.title, r.source) for r in data.rows} == {(a.id, a.title, a.source) for a in articles}
    assert len(set(data.groups)) == 2
    assert run("import", tmp_path / "done.csv", "--from", "csv", "-o", tmp_path / "back.csv").code == 0
    assert {(r.article_id, r.title, r.source) for r in read_table(tmp_path / "back.csv", unlabelled=True).rows} == {(a.id, a.title, a.source) for a in articles}


def test_what_many_records_lack_is_said_in_one_line(run: Cli, tmp_path: Path) -> None:
    lines = tmp_path / "a.jsonl"
    lines.write_text('{"id": "n"}\n' * 40 + "no\n" + '{"text": "Norway left Chile."}\n')
    (tmp_path / "b.txt").write_text("")
    err = run("sample", lines, tmp_path / "b.txt", "-o", tmp_path / "todo.csv").err.splitlines()
    (many,) = (x for x in err if ": no text" in x)
    assert many.startswith(f"skipped 40 ({lines}:1, {', '.join(map(str, range(2, 41)))}): no text; looked for text")
    assert sum(x.startswith(f"skipped {lines}:41: not valid JSON") or x.endswith("b.txt: the file is empty") for x in err) == 2


def test_the_pairs_a_model_is_least_sure_of(model: Model, lexicon: Lexicon) -> None:
    verbs = ("met", "condemned", "threatened", "praised", "denied that it had shelled", "urged")  # or all would be as unsure
    archive = [Article(f"v{n}", f"{a} {verb} {b}. Rain fell all day. {b} thanked it.") for n, verb in enumerate(verbs) for a, b in [NATIONS[n % 4 :][:2]]]
    drawn = sample(archive, 18, lexicon=lexicon)
    found = unsure(drawn, 6, model, lexicon=lexicon)
    every, rows, _ = locate(drawn.rows, lexicon)
    probs = model.predict_proba(every)["stance"].max(1)
    sure = {(r.article_id, r.sentence_id, r.actor): p for r, p in zip(rows, probs, strict=True)}
    kept = [(r.article_id, r.sentence_id, r.actor) for r in found.rows if r.actor]
    assert len(kept) == len(set(kept)) == found.pairs == 6 and found.read == drawn.read
    assert sorted(sure[k] for k in kept) == sorted(sure.values())[:6]
    whole = {a.id: [s.sentence.text for s in read(a.text, lexicon=lexicon)] for a in archive}
    assert found.articles == len(ids(found))
    for i in ids(found):
        mine = [r for r in found.rows if r.article_id == i]
        texts = list(dict.fromkeys(r.text for r in mine))
        assert texts == whole[i][: len(texts)] and mine[-1].actor  # all that stands before the last, nothing behind it


def test_a_sample_of_unsure_pairs_says_what_it_is_not_for(run: Cli, tmp_path: Path, model_file: Path) -> None:
    cable = ROOT / "examples" / "cable.jsonl"
    r = run("sample", cable, "-n", "4", "--unsure", model_file, "-o", tmp_path / "todo.csv")
    assert r.code == 0 and "train on them, measure nothing on them" in r.err and "4 pairs in" in r.err
    assert sum(bool(x.actor) for x in read_table(tmp_path / "todo.csv", unlabelled=True).rows) == 4


@pytest.mark.parametrize("command", [("sample", "a.txt"), ("agree", "one.csv", "two.csv")])
def test_what_people_fill_by_hand_is_not_written_over(run: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("Norway left.", encoding="utf-8")
    for name, stance in (("one", "neutral"), ("two", "deny")):
        write_csv(Path(f"{name}.csv"), [{"text": "Norway left.", "actor": "Norway", "stance": stance}])
    assert run(*command, "-o", "todo.csv").code == 0
    filled = Path("todo.csv").read_text("utf-8") + "filled"
    Path("todo.csv").write_text(filled, encoding="utf-8")
    r = run(*command, "-o", "todo.csv")
    assert r.code == 1 and "todo.csv is there already" in r.err and Path("todo.csv").read_text("utf-8") == filled


def test_an_archive_without_actors_is_a_message(run: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Rain fell.", encoding="utf-8")
    r = run("sample", tmp_path / "a.txt", "-o", tmp_path / "todo.csv")
    assert r.code == 1 and "no actor in any of 1 article" in r.err and not (tmp_path / "todo.csv").exists()
