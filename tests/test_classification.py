"""Articles to judgements."""

from __future__ import annotations

import csv
import datetime
import gc
import io
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import ROOT

import stance
from stance import classification
from stance.actors import pairs, read
from stance.articles import Article
from stance.classification import BATCH, Judgement, Result, classify, classify_archive, classify_pairs
from stance.dataset import Dataset
from stance.errors import InputError
from stance.explanation import explain
from stance.lexicon import Lexicon
from stance.model import Model
from stance.rendering import csv_lines

TEXT = """Oslo closes the fjord

"We will not wait," Norwegian Foreign Minister Ine Lie said on Monday. "We have waited long enough." She accused Chile of theft.

Chile denied it.\tIt called the charge a shameless lie. Both sides agreed to meet in Lima, and the U.S. offered to host the talks.
"""


class Frame(list[str]):
    """As a data frame of pandas: it iterates over the names of its `columns`."""

    columns = ("text",)


@pytest.fixture(scope="module")
def judgements(model: Model) -> list[Judgement]:
    return list(classify(Article("a", TEXT), model))


def test_a_judgement_for_every_pair_in_order(judgements: list[Judgement]) -> None:
    wanted = [(p.reading.sentence.index, p.actor) for r in read(TEXT) for p in pairs(r)]
    assert [(j.index, j.actor) for j in judgements] == wanted and len(wanted) >= 8


def test_every_span_equals_its_text(judgements: list[Judgement]) -> None:
    for j in judgements:
        assert TEXT[j.start : j.end] == j.text
        d = j.as_dict()
        assert TEXT[d["sentence"]["start"] : d["sentence"]["end"]] == d["sentence"]["text"]
        assert d["mentions"]
        assert all(TEXT[m["start"] : m["end"]] == m["text"] for m in d["mentions"])


def test_a_hard_wrapped_text_is_judged_as_one_that_is_not(model: Model, judgements: list[Judgement]) -> None:
    wrapped = "\n".join(textwrap.fill(line, 40) for line in TEXT.replace("\t", " ").split("\n"))
    found = list(classify(Article("a", wrapped), model))
    assert all(wrapped[j.start : j.end] == j.text for j in found) and sum("\n" in j.text for j in found) >= 4
    plain = [replace(j, text=" ".join(j.text.split()), start=0, end=0) for j in (*found, *judgements)]
    assert plain[: len(found)] == plain[len(found) :]


def test_labels_are_the_most_probable_ones(judgements: list[Judgement]) -> None:
    for j in judgements:
        assert j.labels["stance"] == j.best("stance")
        assert j.confidence("stance") == max(j.probabilities["stance"].values())
        assert sum(j.probabilities["stance"].values()) == pytest.approx(1.0)


def test_a_neutral_stance_has_neutral_tone(model: Model, reports: Dataset) -> None:
    found = list(classify([p.text for p in reports.pairs], model))
    neutral = [j for j in found if j.labels["stance"] == "neutral"]
    assert neutral and {j.labels["tone"] for j in neutral} == {"neutral"}
    assert {j.labels["tone"] for j in found} > {"neutral"}


def test_a_judgement_can_be_in_a_set(model: Model, judgements: list[Judgement]) -> None:
    assert len({*judgements, *classify(Article("a", TEXT), model)}) == len(judgements)


def test_the_row_of_a_judgement(judgements: list[Judgement]) -> None:
    d = judgements[0].as_dict()
    assert list(d) == ["article", "sentence", "actor", "mentions", "target", "stance", "stance_p", "tone", "tone_p", "stance_probs", "tone_probs"]
    assert d["article"] == "a" and set(d["sentence"]) == {"index", "start", "end", "text"}
    assert d["stance_p"] == d["stance_probs"][d["stance"]]


@pytest.mark.parametrize("limit", [0.5, 0.8, 1.01])
def test_under_the_threshold_a_label_is_unsure(model: Model, judgements: list[Judgement], limit: float) -> None:
    for j, sure in zip(classify(Article("a", TEXT), model, min_confidence=limit), judgements, strict=True):
        assert (j.labels["stance"] == "unsure") is (max(j.probabilities["stance"].values()) < limit)
        assert j.probabilities == sure.probabilities and j.best("stance") == sure.labels["stance"]


def test_at_the_threshold_a_label_is_sure(model: Model, judgements: list[Judgement]) -> None:
    for sure in judgements:
        found = classify(Article("a", TEXT), model, min_confidence={"stance": sure.confidence("stance")})
        assert sure.labels["stance"] in [j.labels["stance"] for j in found if (j.index, j.actor) == (sure.index, sure.actor)]


def test_a_threshold_a_head(model: Model, judgements: list[Judgement]) -> None:
    found = list(classify(Article("a", TEXT), model, min_confidence=MappingProxyType({"stance": 1.01})))
    assert {j.labels["stance"] for j in found} == {"unsure"}
    assert "unsure" not in {j.labels["tone"] for j in found}


def test_a_tone_that_follows_from_a_neutral_stance_has_the_threshold_too(model: Model, reports: Dataset) -> None:
    texts = [p.text for p in reports.pairs]
    plain, limited = classify(texts, model), classify(texts, model, min_confidence=0.5)
    follow = [(a, b) for a, b in zip(plain, limited, strict=True) if b.labels["stance"] == "neutral" and a.confidence("tone") < 0.5]
    assert follow and {b.labels["tone"] for _, b in follow} == {"unsure"}
    none_sure = list(classify(texts, model, min_confidence={"stance": 1.01}))
    assert all(j.labels["tone"] == j.best("tone") for j in none_sure), "an unsure stance decides no tone"


def test_only_the_actors_asked_for(model: Model, judgements: list[Judgement]) -> None:
    found = list(classify(Article("a", TEXT), model, actors=["Chile"]))
    assert found == [j for j in judgements if j.actor == "Chile"] and found
    with pytest.raises(InputError, match=r"no actor 'Chilee' in the alias table\n  did you mean 'Chile'"):
        list(classify(Article("a", TEXT), model, actors=["Norway", "Chilee"]))
    with pytest.raises(InputError, match=r"no actor 'Washington'.*\n  it is called 'US' here"):
        list(classify(Article("a", TEXT), model, actors="Washington"))
    for named in ("Chile", ["Chile"], iter(["Chile"])):
        assert [j for (r,) in classify_archive([Article("a", TEXT)], model, actors=named) for j in r.judgements] == found  # type: ignore[arg-type]
    sudans = "Sudan left. South Sudan stayed."
    assert [j.actor for j in classify(sudans, model, actors="South Sudan")] == ["South Sudan"]  # a name, not any part of it


def test_an_own_lexicon(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("alias,actor,kind\nHansa League,Hansa,name\n")
    found = list(classify("The Hansa League accused Norway.", model, lexicon=stance.load_lexicon(path, extend=False)))
    assert [j.actor for j in found] == ["Hansa"]


def test_the_date_of_an_article_decides_who_is_in_office(model: Model) -> None:
    text = "Angela Merkel condemned the raid."
    assert [[j.actor for j in classify(Article("a", text, date=d), model)] for d in ("2015-03-01", "2023-03-01")] == [["Germany"], []]
    for d, found in (("01.03.2015", ["Germany"]), ("1 March 2023", []), (" ", ["Germany"])):
        article = Article("a", text, date=d)
        assert [j.actor for j in classify(article, model)] == [j.actor for (r,) in classify_archive([article], model) for j in r.judgements] == found
    ((result,),) = classify_archive([Article("a", text, date="soon")], model)
    assert [j.actor for j in result.judgements] == ["Germany"] and result.item.date == "soon"  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["", "\n\n", "The cat slept on the mat.", "...", "🙂"])
def test_texts_without_actors_have_no_judgements(model: Model, text: str) -> None:
    assert list(classify(text, model)) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"text": "Norway left."}, "given as dict"), (Frame(["text"]), "given as Frame"), (b"Norway left.", "given as bytes"), (None, "given as NoneType"),
        (io.StringIO("Norway left."), "given as StringIO"),
        (Path("a.txt"), "stance.read_articles(path)"), (["Norway left.", None], "article 2 is None (NoneType)"), ([float("nan")], "article 1 is nan (float)"),
        ([b"x" * 999], "(bytes), not a text or an Article"), (Article(7, "Norway left."), "id of article 1 is 7 (int)"),  # type: ignore[arg-type]
        ([Article("7", "Norway left.", date=datetime.date(2020, 1, 2))], "date of article 1 is datetime.date(2020, 1, 2) (date)"),  # type: ignore[arg-type]
        (["Norway left.", Article("7", "Norway left.", date="yesterday")], "date of article 2 is 'yesterday', which is not understood\n  write YYYY-MM-DD; or give ''"),
        (Article("7", "Norway left.", date="04/03/2018"), "'04/03/2018', which is not understood\n  write YYYY-MM-DD: either number may be the month"),
    ],
)  # fmt: skip
def test_what_is_no_text_is_refused(model: Model, given: Any, said: str) -> None:
    with pytest.raises(InputError) as e:
        list(classify(given, model))
    assert said in str(e.value) and len(str(e.value)) < 300


def test_what_is_refused_is_refused_before_the_first_judgement_is_asked_for(model: Model, reports: Dataset) -> None:
    given: Any = 12
    calls: list[Callable[[], object]] = [
        lambda: classify(given, model), lambda: classify([], given), lambda: classify([], model, lexicon=given), lambda: classify([], model, actors="Chilee"),
        lambda: classify([], model, min_confidence={"stanze": 1.0}), lambda: classify_pairs(given, model), lambda: classify_pairs(reports, given),
        lambda: classify_pairs(reports, model, min_confidence={"stanze": 1.0}), lambda: classify_archive([], model, actors="Chilee"),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(InputError):
            call()


def test_the_path_of_a_file_is_no_text(model: Model, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Norway left.")
    path = str(tmp_path / "a.txt")
    with pytest.raises(InputError) as e:
        list(classify(["Norway left.", path], model))
    assert str(e.value) == f"text 2 is {path!r}, the path of a file\n  files are read by stance.read_articles(path)"
    assert len(list(classify([str(tmp_path / "b.txt"), "Norway left " + 200 * "and Chile left " + ".", "Norway\0left."], model))) == 3


def test_actors_may_come_one_by_one(model: Model) -> None:
    texts = ["Norway left.", "Chile left.", "Norway left."]
    assert [j.actor for j in classify(texts, model, actors=iter(["Chile", "Norway"]))] == ["Norway", "Chile", "Norway"]  # type: ignore[arg-type]


def test_a_path_is_no_data_set(model: Model) -> None:
    for call in (stance.train, lambda x: stance.evaluate(model, x), lambda x: list(stance.classify_pairs(x, model))):
        with pytest.raises(InputError, match=r"given as str, not as a Dataset\n.*stance.read_dataset\(path\)"):
            call("x.csv")  # type: ignore[arg-type]


def test_a_path_is_no_model(reports: Dataset) -> None:
    for call in (
        lambda m: classify("Norway left.", m), lambda m: stance.classify_pairs(reports, m), lambda m: classify_archive([], m),
        lambda m: stance.evaluate(m, reports), lambda m: explain(m, reports.pairs[0]),
    ):  # fmt: skip
        with pytest.raises(InputError, match=r"given as str \('my.stance'\), not as a Model\n.*stance.load\(path\)"):
            list(call("my.stance"))  # type: ignore[arg-type]


def test_plain_texts_are_numbered(model: Model) -> None:
    assert [j.article for j in classify(["Norway left.", "Chile left."], model)] == ["text-1", "text-2"]


def test_results_do_not_depend_on_the_company(model: Model, judgements: list[Judgement]) -> None:
    others = [Article(f"o{i}", f"Peru told Kenya on day {i} to wait.") for i in range(BATCH + 5)]
    found = list(classify([*others, Article("a", TEXT)], model))
    assert [j for j in found if j.article == "a"] == judgements


def test_articles_are_read_as_they_are_needed(model: Model) -> None:
    seen = []

    def endless() -> Iterator[str]:
        while True:
            seen.append(1)
            yield "Norway left."

    assert next(classify(endless(), model)).actor == "Norway"
    assert len(seen) <= 2 * BATCH


def test_garbage_is_left_while_a_batch_is_judged_and_then_looked_for_as_before(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    scan_all = classification.scan_all
    monkeypatch.setattr(classification, "scan_all", lambda *args, **cues: seen.append(gc.isenabled()) or scan_all(*args, **cues))
    assert next(classify(TEXT, model)) and gc.isenabled() and seen == [False]
    gc.disable()
    try:
        assert list(classify(TEXT, model)) and not gc.isenabled()
    finally:
        gc.enable()
    monkeypatch.setattr(classification, "scan_all", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        list(classify(TEXT, model))
    assert gc.isenabled()


def test_threads_that_judge_at_once_leave_the_search_for_garbage_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    looked, ended = threading.Event(), threading.Event()

    def slow() -> bool:
        found = gc.isenabled()
        if not found:  # the second thread: between this and its switch the first one ends, if it can
            looked.set()
            ended.wait(0.5)
        return found

    def second() -> None:
        with classification._no_garbage():
            pass

    monkeypatch.setattr(classification, "gc", SimpleNamespace(isenabled=slow, disable=gc.disable, enable=gc.enable))
    thread = threading.Thread(target=second)
    try:
        with classification._no_garbage():
            thread.start()
            assert looked.wait(10)
        ended.set()
        thread.join()
        assert gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize("others", [0, 1, 3])
def test_an_article_that_fails_is_skipped_with_its_reason_and_costs_no_other(model: Model, poison: None, others: int) -> None:
    items = [Article("bad", "The poison of Peru."), *(Article(str(n), "Norway left.") for n in range(others))]
    (found,) = classify_archive(items, model)
    assert [r.item for r in found] == items and found[0].skipped == "classification failed: ValueError: no reading of this"
    assert [([j.actor for j in r.judgements], r.skipped) for r in found[1:]] == [(["Norway"], "")] * others


def test_one_process_or_two(model: Model, lexicon: Lexicon) -> None:
    articles = [Article(str(i), f"Norway condemned raid {i}. Chile denied it. The ministry said it would wait.") for i in range(2 * BATCH + 3)]
    one = [j.as_dict() for batch in classify_archive(articles, model, lexicon=lexicon, jobs=1) for r in batch for j in r.judgements]
    two = [j.as_dict() for batch in classify_archive(articles, model, lexicon=lexicon, jobs=2) for r in batch for j in r.judgements]
    assert one == two and len(one) >= 2 * len(articles)


def test_two_megabytes_on_one_line_take_seconds(model: Model) -> None:
    plain = "The rain fell on the harbour all night, and the men of the north mended their nets by the light of a lamp. "
    part = "Norway condemned the raid, and the ministry said that it would wait. " + 4 * plain
    text = part * (2_000_000 // len(part))
    assert "\n" not in text
    start = time.monotonic()
    count = sum(1 for _ in classify(text, model))
    assert count >= text.count("Norway")
    assert time.monotonic() - start < 90


@pytest.mark.parametrize("text", ["Norway " * 20_000, "a" * 1_000_000, "." * 300_000, "." * 100_000 + "a", '"' * 100_000, "U.S." * 50_000, "Norway, " * 2_000 + "left."], ids=["names", "letters", "stops", "stops and a letter", "quotes", "acronyms", "list"])
def test_odd_long_lines_take_seconds(model: Model, text: str) -> None:
    start = time.monotonic()
    list(classify(text, model))
    assert time.monotonic() - start < 20


# --------------------------------------------------------------------------- the package's front


def test_names_of_the_package_are_imported_when_used() -> None:
    assert all(hasattr(stance, name) for name in stance.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = stance.nothing  # type: ignore[attr-defined]


@pytest.mark.skipif(not (ROOT / "models" / "default.stance").exists(), reason="no shipped model in this tree")
def test_the_shipped_model_reads_plain_cases() -> None:
    found = {j.text: j.labels["stance"] for j in stance.classify("Ottawa condemned the arrests.\nPeru and Chile agreed to hold talks.")}
    assert found == {"Ottawa condemned the arrests.": "accuse", "Peru and Chile agreed to hold talks.": "cooperate"}


def test_half_characters_are_no_failure(model: Model) -> None:
    (judgement,) = classify("Norway condemned the \ud800 raid.", model)
    assert judgement.text == "Norway condemned the \ufffd raid."


def test_given_pairs_are_judged_in_their_order_whatever_is_scored_together(model: Model, reports: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    data = reports.split("test")[1]
    wanted = model.predict_proba(data.pairs)["stance"]
    half = float(np.median(wanted.max(1)))
    whole = list(classify_pairs(data, model, min_confidence={"stance": half}))
    assert [(j.article, j.text, j.actor) for j in whole] == [(r.article_id, r.text, r.actor) for r in data.rows]
    assert np.allclose([list(j.probabilities["stance"].values()) for j in whole], wanted, atol=1e-9)
    assert {j.labels["stance"] == "unsure" for j in whole if j.confidence("stance") < half} == {True}
    monkeypatch.setattr(classification, "PAIRS", 7)
    again = list(classify_pairs(data, model, min_confidence={"stance": half}))
    assert [j.labels for j in again] == [j.labels for j in whole]


@pytest.mark.parametrize("odd", [float("nan"), "0.5", {"stance": None}, None])
def test_a_threshold_that_is_no_number_is_refused(model: Model, odd: Any) -> None:
    with pytest.raises(InputError, match="min_confidence is .*, not a probability"):
        list(classify(Article("a", TEXT), model, min_confidence=odd))


def test_the_path_of_an_alias_table_is_no_lexicon(model: Model, tmp_path: Path) -> None:
    given: Any = "mine.csv"
    (tmp_path / "a.csv").write_text("text,actor,stance,tone\nNorway left.,Norway,neutral,neutral\n")
    calls: list[Callable[[], object]] = [
        lambda: list(classify(Article("a", TEXT), model, lexicon=given)),
        lambda: classify_archive([Article("a", TEXT)], model, lexicon=given),
        lambda: stance.read(TEXT, lexicon=given),
        lambda: stance.read_dataset(tmp_path / "a.csv", lexicon=given),
        lambda: stance.read_pairs(tmp_path / "a.csv", lexicon=given),
    ]
    for call in calls:
        with pytest.raises(InputError, match=r"given as str \('mine.csv'\), not as a Lexicon\n.*stance.load_lexicon\(path\)"):
            call()


def test_a_flat_row_of_a_judgement_is_that_of_the_csv(judgements: list[Judgement]) -> None:
    for j in judgements:
        row = j.as_row()
        (line,) = csv.DictReader(csv_lines([Result(Article("a", TEXT), (j,))]))
        assert [k for k in line if k not in ("title", "date", "source")] == list(row)
        assert {k: v for k, v in line.items() if k in row} == {k: "" if v is None else f"{v:.4f}" if isinstance(v, float) else str(v) for k, v in row.items()}
        assert (row["article_id"], row["sentence_id"], row["actor"]) == (j.article, j.index, j.actor)
        assert row["start"] is None or row["text"][row["start"] : row["end"]] in row["mentions"]


def test_a_threshold_of_a_head_that_the_model_lacks_is_refused(model: Model, reports: Dataset) -> None:
    article, typo = Article("a", TEXT), {"stanze": 1.0}
    calls: list[Callable[[], object]] = [
        lambda: list(classify(article, model, min_confidence=typo)),
        lambda: list(classify_pairs(reports, model, min_confidence=typo)),
        lambda: classify_archive([article], model, min_confidence=typo),
    ]
    for call in calls:
        with pytest.raises(InputError, match="no head 'stanze'; it has stance, tone\\n  did you mean 'stance'"):
            call()


def test_a_line_of_any_length_changes_no_other_article(model: Model, lexicon: Lexicon) -> None:
    one, other = Article("b", "Denmark thanked Norway for its help."), Article("c", "Peru urged Chile to stop.")
    long = Article("a", "Norway " + "a " * 130_000 + "condemned Sweden")
    alone = list(classify([one], model, lexicon=lexicon))
    assert alone and [j for j in classify([long, one, other], model, lexicon=lexicon) if j.article == "b"] == alone
