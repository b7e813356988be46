"""Agreement, beside nltk's measures, printed examples and sums done by hand."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from conftest import ROOT, Run, write_csv
from hypothesis import given
from hypothesis import strategies as st
from nltk.metrics.agreement import AnnotationTask

from stance.agreement import agreement, cohen, coincidences, disagreement_lines, disagreements, equal_share, fleiss, krippendorff, read_annotations
from stance.dataset import read_dataset, read_table
from stance.errors import DataError, InputError
from stance.evaluation import confusion, percentiles, resample
from stance.rendering import agreement_lines

Rows = list[dict[str, object]]
TEXTS = ["Norway denied it.", "Chile left.", "Peru condemned the raid.", "Kenya said no."]
FIRST = ["deny", "neutral", "accuse", "firm"]


def annotated(path: Path, stances: list[str], **more: object) -> Path:
    """A file of one annotator: a row a text, two articles."""
    rows = [{"article_id": f"a{i // 2}", "sentence_id": i, "text": t, "actor": t.split()[0], "stance": s, **more} for i, (t, s) in enumerate(zip(TEXTS, stances, strict=True))]
    return write_csv(path, rows)


# --------------------------------------------------------------------------- measures

CODES = st.integers(2, 4).flatmap(lambda n: st.lists(st.lists(st.integers(-1, 3), min_size=n, max_size=n), min_size=2, max_size=30))


@given(CODES)
def test_alpha_is_nltks(drawn: list[list[int]]) -> None:
    codes = np.array(drawn)
    triples = [(str(a), str(u), int(x)) for u, row in enumerate(drawn) for a, x in enumerate(row) if x >= 0 and sum(v >= 0 for v in row) > 1]
    value = krippendorff(coincidences(codes, 4))
    if len({x for _, _, x in triples}) < 2:
        assert np.isnan(value)
    else:
        assert value == pytest.approx(AnnotationTask(triples).alpha())


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=40))
def test_cohens_kappa_is_nltks(drawn: list[tuple[int, int]]) -> None:
    a, b = np.array(drawn).T
    value = cohen(confusion(a, b, 4).astype(float))
    if len(set(a.tolist()) | set(b.tolist())) > 1:
        task = AnnotationTask([(who, str(i), int(x)) for who, xs in (("a", a), ("b", b)) for i, x in enumerate(xs)])
        assert value == pytest.approx(task.kappa())
    assert equal_share(coincidences(np.array(drawn), 4)) == pytest.approx((a == b).mean())


def test_krippendorffs_own_example() -> None:
    """Four observers, twelve units, missing labels (Krippendorff 2011, section C): nominal 0.743, ordinal 0.815."""
    a = [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0]
    b = [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3]
    c = [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0]
    d = [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0]
    table = coincidences(np.array([a, b, c, d]).T - 1, 5)
    assert krippendorff(table) == pytest.approx(0.743, abs=5e-4)
    assert krippendorff(table, ordinal=True) == pytest.approx(0.815, abs=5e-4)


def test_fleiss_by_hand() -> None:
    """Three raters, three units: P = (1 + 1/3 + 1/3) / 3, p = (5/9, 4/9)."""
    table = coincidences(np.array([[0, 0, 0], [0, 1, 1], [1, 1, 0]]), 2)
    by_chance = (5 / 9) ** 2 + (4 / 9) ** 2
    assert fleiss(table) == pytest.approx(((5 / 9) - by_chance) / (1 - by_chance))


def test_one_label_alone_has_no_kappa() -> None:
    table = coincidences(np.zeros((5, 2), dtype=int), 2)
    assert equal_share(table) == 1 and np.isnan(krippendorff(table)) and np.isnan(fleiss(table)) and np.isnan(cohen(table))


# --------------------------------------------------------------------------- files


def test_what_is_the_same_in_every_resample_has_no_interval(tmp_path: Path) -> None:
    rows = [{"article_id": n, "sentence_id": 0, "text": "Peru left.", "actor": "Peru", "stance": "neutral", "tone": "warm" if n else "stern"} for n in range(9)]
    files = [write_csv(tmp_path / "ann.csv", rows), write_csv(tmp_path / "bob.csv", [{**r, "stance": "deny" if r["article_id"] == 3 else "neutral"} for r in rows])]
    found = agreement(read_annotations(files))
    for e in (found["tone"].equal, found["tone"].alpha, found["stance"].classes[found["stance"].labels.index("deny")].specific):
        assert e.value in (0, 1) and e.low is e.high is None
    assert found["stance"].equal.low is not None
    deny = found["stance"].classes[found["stance"].labels.index("deny")]
    assert deny.alpha.value is not None and deny.alpha.low is None  # of one article alone


def test_two_files(tmp_path: Path) -> None:
    read = read_annotations([annotated(tmp_path / "ann.csv", FIRST), annotated(tmp_path / "bob.csv", ["deny", "neutral", "firm", "firm"])])
    a = agreement(read)["stance"]
    assert (a.annotators, a.pairs, a.articles, a.equal.value) == (("ann", "bob"), 4, 2, 0.75)
    assert a.between[0].confusion[a.labels.index("accuse")][a.labels.index("firm")] == 1
    assert (a.equal.low, a.equal.high) == (None, None)  # of two articles alone
    firm = a.classes[a.labels.index("firm")]
    assert (firm.given, firm.specific.value) == (3, pytest.approx(2 / 3))
    assert firm.alpha.value == pytest.approx(krippendorff(coincidences(np.array([[0, 0], [0, 0], [0, 1], [1, 1]]), 2)))
    assert a.fleiss is None  # for more than two


@pytest.mark.parametrize(("articles", "there"), [(4, False), (5, True)])
def test_few_articles_have_no_interval(tmp_path: Path, run: Callable[..., Run], articles: int, there: bool) -> None:
    for who, odd in (("ann", "firm"), ("bob", "deny")):
        rows = [{"article_id": f"a{i % articles}", "sentence_id": i, "text": "Norway left.", "actor": "Norway", "stance": ("deny", "firm", odd)[i % 3]} for i in range(20)]
        write_csv(tmp_path / f"{who}.csv", rows)
    files = (tmp_path / "ann.csv", tmp_path / "bob.csv")
    found = json.loads(run("agree", *files, "-f", "json").out)["heads"]["stance"]
    every = [found["equal"], found["alpha"], found["between"][0]["kappa"], *(c[k] for c in found["classes"] for k in ("specific", "alpha"))]
    assert {(e["value"] is not None, e["low"] is not None, e["high"] is not None) for e in every} == {(True, there, there)}
    assert ("(–)" in run("agree", *files).out) is not there


def test_the_interval_of_cohens_kappa_is_over_articles(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(2, size=(40, 2))
    for k, who in enumerate(("ann", "bob")):
        rows = [{"article_id": f"a{i % 6}", "sentence_id": i, "text": "Norway left.", "actor": "Norway", "view": "ab"[codes[i, k]]} for i in range(40)]
        write_csv(tmp_path / f"{who}.csv", rows)
    found = agreement(read_annotations([tmp_path / "ann.csv", tmp_path / "bob.csv"], heads=["view"]))["view"].between[0].kappa
    tables = np.array([confusion(*codes[n::6].T, 2) for n in range(6)]).astype(float)
    assert (found.value, found.low, found.high) == (cohen(tables.sum(0)), *(percentiles([cohen(t) for t in resample(tables)], 6) or ()))


def test_equal_files_agree_fully(tmp_path: Path) -> None:
    a = agreement(read_annotations([annotated(tmp_path / f"{x}.csv", FIRST) for x in "abc"]))["stance"]
    assert a.fleiss is not None
    assert {e.value for e in (a.equal, a.alpha, a.fleiss, *(t.kappa for t in a.between))} == {1.0}
    assert len(a.between) == 3


def test_three_annotators_of_whom_one_is_unfinished(tmp_path: Path) -> None:
    """Fleiss' kappa takes what all labelled, the others what two did."""
    stances = {"a": FIRST, "b": ["deny", "neutral", "firm", "firm"], "c": ["deny", "neutral", "", ""]}
    a = agreement(read_annotations([annotated(tmp_path / f"{x}.csv", s) for x, s in stances.items()]))["stance"]
    assert a.fleiss is not None and (a.fleiss.value, a.pairs, a.complete) == (1.0, 4, 2) and a.equal.value == pytest.approx(8 / 10)
    assert any(x.startswith("  Fleiss' kappa") and x.endswith(", of the 2 pairs that all labelled") for x in agreement_lines(a))


def test_measures_of_files_are_those_of_their_labels(tmp_path: Path) -> None:
    codes = np.random.default_rng(3).integers(-1, 3, size=(40, 3))
    for k, who in enumerate("abc"):
        rows = [{"article_id": f"a{i % 6}", "sentence_id": i, "text": "Norway left.", "actor": "Norway", "view": "xyz"[x] if x >= 0 else ""} for i, x in enumerate(codes[:, k])]
        write_csv(tmp_path / f"{who}.csv", rows)
    found = agreement(read_annotations([tmp_path / f"{who}.csv" for who in "abc"], heads=["view"]))["view"]
    complete = codes[(codes >= 0).all(1)]
    assert (found.pairs, found.complete) == (((codes >= 0).sum(1) > 1).sum(), len(complete)) and found.fleiss is not None
    assert found.fleiss.value == pytest.approx(fleiss(coincidences(complete, 3)))
    table = coincidences(codes, 3)
    assert (found.equal.value, found.alpha.value) == (pytest.approx(equal_share(table)), pytest.approx(krippendorff(table)))
    for t in found.between:
        a, b = codes[:, ["abc".index(t.first), "abc".index(t.second)]].T
        both = (a >= 0) & (b >= 0)
        assert t.confusion == tuple(map(tuple, confusion(a[both], b[both], 3).tolist()))


def test_a_label_of_nobody_is_not_compared(tmp_path: Path) -> None:
    files = [annotated(tmp_path / f"{x}.csv", FIRST) for x in "ab"]
    for f, label in zip(files, ("neutral", "deny"), strict=True):
        f.write_text(f.read_text() + f"a1,4,Rain fell.,,{label}\n")
    read = read_annotations(files)
    assert agreement(read)["stance"].pairs == 4 and not disagreements(read) and [r.text for r in read.context] == ["Rain fell."]


def test_two_of_three_annotators_who_share_no_pair(tmp_path: Path) -> None:
    stances = {"a": [*FIRST[:2], "", ""], "b": FIRST, "c": ["", "", *FIRST[2:]]}
    a = agreement(read_annotations([annotated(tmp_path / f"{x}.csv", s) for x, s in stances.items()]))["stance"]
    assert [(t.first, t.second, t.pairs, t.equal) for t in a.between] == [("a", "b", 2, 1.0), ("a", "c", 0, None), ("b", "c", 2, 1.0)]
    assert a.between[1].kappa.value is None and not np.any(a.between[1].confusion)


def test_annotators_of_one_file_by_column(tmp_path: Path) -> None:
    path = tmp_path / "both.csv"
    one = annotated(tmp_path / "1.csv", FIRST, annotator="ann").read_text()
    path.write_text(one + annotated(tmp_path / "2.csv", FIRST[::-1], annotator="bob").read_text().split("\n", 1)[1])
    read = read_annotations(path)
    assert read.annotators == ("ann", "bob") and len(disagreements(read)) == 4


def test_files_of_the_same_name_keep_their_folder(tmp_path: Path) -> None:
    for who in "ab":
        (tmp_path / who).mkdir()
    files = [annotated(tmp_path / who / "labels.csv", FIRST) for who in "ab"]
    assert read_annotations(files).annotators == tuple(map(str, files))


def test_sentences_without_ids_that_differ_in_signs_alone_are_two(tmp_path: Path) -> None:
    rows = "".join(f"{text},Tesla,{view},{who}\n" for who in "ab" for text, view in (("Tesla -5%", "bad"), ("Tesla +5%", "good")))
    (tmp_path / "a.csv").write_text(f"text,actor,view,annotator\n{rows}Tesla won.,Tesla,good,a\n“Tesla won”,Tesla,good,b\n", "utf-8")
    data = read_annotations(tmp_path / "a.csv", heads=["view"])
    assert [u.labels["view"] for u in data.units] == [("bad", "bad"), ("good", "good"), ("good", "good")] and data.warnings == ()


def test_without_sentence_ids_the_text_matches(tmp_path: Path) -> None:
    one, two = annotated(tmp_path / "1.csv", FIRST), annotated(tmp_path / "2.csv", FIRST, sentence_id="")
    two.write_text(two.read_text().replace("Norway denied it.", "NORWAY denied it"))
    assert agreement(read_annotations([one, two]))["stance"].pairs == 4


def test_rows_of_one_annotator_alone_are_told(tmp_path: Path, run: Callable[..., Run]) -> None:
    one, two = annotated(tmp_path / "1.csv", FIRST), annotated(tmp_path / "2.csv", FIRST)
    two.write_text("\n".join(two.read_text().split("\n")[:-2]) + "\n")
    r = run("agree", one, two)
    assert r.code == 0 and f"warning: 1 pair by one annotator only, left out: {one}:5" in r.err
    assert agreement(read_annotations([one, two]))["stance"].pairs == 3


def test_names_of_one_actor_match_unless_an_annotator_tells_them_apart(tmp_path: Path) -> None:
    one, two = annotated(tmp_path / "1.csv", FIRST), annotated(tmp_path / "2.csv", FIRST)
    one.write_text(one.read_text().replace(",Norway,", ",UK,"))
    two.write_text(two.read_text().replace(",Norway,", ",United Kingdom,"))
    read = read_annotations([one, two])
    assert read.alone == () and [u.row.actor for u in read.units] == ["UK", "Chile", "Peru", "Kenya"]
    for path in (one, two):
        path.write_text(path.read_text() + "a0,0,Norway denied it.,London,deny\na0,0,Norway denied it.,Oslo,deny\n")
    read = read_annotations([one, two])
    assert sorted(u.row.actor for u in read.units) == ["Chile", "Kenya", "London", "Oslo", "Peru", "UK"] and read.alone == ()
    one.write_text(one.read_text() + "a0,0,Norway denied it.,Great Britain,accuse\n")
    assert len(read_annotations([one, two]).alone) == 3, "which of the two is meant is not known"


def test_another_text_under_the_same_number_is_told(tmp_path: Path) -> None:
    one, two = annotated(tmp_path / "1.csv", FIRST), annotated(tmp_path / "2.csv", FIRST)
    two.write_text(two.read_text().replace("Norway denied it.", "Norway left."))
    assert read_annotations([one, two]).warnings == (f"{two}:2: the text differs from {one}:2, which has the same article_id and sentence_id",)


def test_bad_labels_and_double_rows_are_told_at_once(tmp_path: Path) -> None:
    one, two = annotated(tmp_path / "1.csv", FIRST), annotated(tmp_path / "2.csv", ["deny", "neutrall", "accuse", "firm"])
    with pytest.raises(DataError) as e:
        read_annotations([one, two])
    assert e.value.problems == (f"{two}:3: unknown stance 'neutrall'; did you mean 'neutral'?",)
    two.write_text(one.read_text() + "a0,0,Norway denied it.,Norway,firm\n")
    with pytest.raises(DataError) as e:
        read_annotations([one, two])
    assert e.value.problems == (f"{two}:6: 2 labelled 'Norway' of this sentence otherwise at {two}:2; keep one",)


def test_nothing_in_common(tmp_path: Path, run: Callable[..., Run]) -> None:
    one = annotated(tmp_path / "1.csv", FIRST)
    with pytest.raises(InputError) as e:
        read_annotations([one])
    assert e.value.message == "no sentence and actor is labelled by two annotators; annotators: 1"
    assert e.value.hint.startswith("give two files with the same article_id")
    assert run("agree", one).code == 1


def test_an_unfinished_annotator(tmp_path: Path) -> None:
    a = agreement(read_annotations([annotated(tmp_path / "1.csv", FIRST), annotated(tmp_path / "2.csv", ["deny", "", "", "firm"])]))["stance"]
    assert (a.pairs, a.equal.value) == (2, 1.0)


def test_an_annotator_who_has_not_begun(tmp_path: Path) -> None:
    with pytest.raises(InputError) as e:
        read_annotations([annotated(tmp_path / "1.csv", FIRST), annotated(tmp_path / "2.csv", [""] * 4)])
    assert e.value.message == "no sentence and actor is labelled by two annotators; annotators: 1"


def test_a_head_that_nobody_has_labelled_is_not_compared(tmp_path: Path, run: Callable[..., Run]) -> None:
    one, two = (annotated(tmp_path / f"{n}.csv", FIRST, tone="") for n in (1, 2))
    r = run("agree", one, two, "--agreed", tmp_path / "agreed.csv")
    assert r.code == 0 and r.out.startswith("stance: 4 pairs") and "tone" not in r.out
    assert "warning: no row has a label of tone: it is not compared\n" in r.err and "4 pairs on which all agree" in r.err
    assert [h.name for h in read_dataset(tmp_path / "agreed.csv", heads=["stance"]).heads] == ["stance"]


def test_own_heads(tmp_path: Path) -> None:
    for name, moods in (("1", "gbgb"), ("2", "gbgg")):
        annotated(tmp_path / f"{name}.csv", FIRST)
        rows = list(csv.DictReader((tmp_path / f"{name}.csv").open()))
        write_csv(tmp_path / f"{name}.csv", [{**r, "mood": m} for r, m in zip(rows, moods, strict=True)])
    read = read_annotations([tmp_path / "1.csv", tmp_path / "2.csv"], heads=["mood"])
    assert agreement(read)["mood"].labels == ("b", "g") and len(disagreements(read)) == 1


def test_own_heads_nobody_named(tmp_path: Path, run: Callable[..., Run]) -> None:
    files = [write_csv(tmp_path / f"{i}.csv", [{"id": 7, "text": "Norway left.", "actor": "Norway", "frame": "war", "sent": "bad", "coder": "x"}]) for i in range(2)]
    with pytest.raises(InputError) as e:
        read_annotations(files)
    assert e.value.message == "no column stance or tone; label columns here may be frame, sent: --head frame"
    r = run("export", files[0], "--to", "doccano")
    assert r.code == 0 and "warning: rows go out without labels: no column stance or tone; label columns here may be frame, sent: --head frame" in r.err
    assert "warning" not in run("export", files[0], "--to", "doccano", "--head", "frame").err


@pytest.mark.parametrize("second", ["deny", "firm"])
def test_annotators_in_a_column_of_another_name(tmp_path: Path, second: str) -> None:
    path = write_csv(tmp_path / "d.csv", [{"text": "Norway left.", "actor": "Norway", "stance": s, "coder": c} for s, c in (("deny", "ann"), (second, "bob"))])
    with pytest.raises((InputError, DataError)) as e:
        read_annotations(path)
    assert e.value.hint.endswith(f"if the column `coder` of {path} says who annotated, call it `annotator`")


def test_annotators_that_differ_in_case(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "d.csv", [{"text": "Norway left.", "actor": "Norway", "stance": "deny", "annotator": a} for a in ("Ann", "ann")])
    assert read_annotations(path).warnings == ("annotators 'Ann' and 'ann' differ only in case and count as two; write them alike if they are one",)


@pytest.mark.parametrize("wide", [False, True])
def test_labels_that_differ_in_case_are_told(tmp_path: Path, wide: bool) -> None:
    if wide:
        paths = [write_csv(tmp_path / "w.csv", [{"sentence_id": n, "text": t, "actor": t.split()[0], "a_stance": "deny", "b_stance": "Deny"} for n, t in enumerate(TEXTS)])]
    else:
        paths = [annotated(tmp_path / f"{who}.csv", [x] * 4) for who, x in (("ann", "deny"), ("bob", "Deny"))]
    said = f"{paths[0]}:2: stance 'deny' (4 rows) differs only in case from 'Deny' (4 rows), and is a label of its own; write them alike, if they are one"
    assert read_annotations(paths, heads=["stance"]).warnings == (said,)


# --------------------------------------------------------------------------- wide files


def test_a_wide_file_is_two_annotators(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "w.csv", [{"article_id": "a", "sentence_id": i, "actor": "Norway", "x_stance": "deny", "y_stance": s, "x_tone": "stern", "y_tone": "warm"} for i, s in enumerate(["deny", "firm"])])
    read = read_annotations(path)
    found = agreement(read)
    assert read.annotators == ("x", "y") and found["stance"].equal.value == 0.5 and found["tone"].equal.value == 0


@pytest.mark.parametrize("heads", [["tone", "my_tone"], ["my_tone", "tone"]])
def test_a_head_whose_name_ends_as_another_s_is_no_annotator_of_that(tmp_path: Path, heads: list[str]) -> None:
    (tmp_path / "w.csv").write_text("text,actor,a_tone,b_tone,a_my_tone,b_my_tone\nPeru left.,Peru,stern,stern,yes,no\n", "utf-8")
    data = read_annotations(tmp_path / "w.csv", heads=heads)
    assert data.annotators == ("a", "b") and data.units[0].labels == {"tone": ("stern", "stern"), "my_tone": ("yes", "no")}


def test_what_r_writes_for_no_label_is_told_of_a_wide_file(tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("text,actor,a_view,b_view\nPeru left.,Peru,pro,NA\nChile left.,Chile,NA,NA\nIran left.,Iran,pro,pro\n", "utf-8")
    said = "w.csv:2: view 'NA' is read as it stands (and in 2 further rows); if it was written for an empty cell, empty the cell or delete the row"
    assert [w.endswith(said) for w in read_annotations(tmp_path / "w.csv", heads=["view"]).warnings] == [True]


@pytest.mark.parametrize("number", ["1", ""])
def test_accents_may_be_characters_of_their_own(tmp_path: Path, number: str) -> None:
    row = f"r1,{number},José Müller left.,José Müller,für"
    forms: list[tuple[str, Literal["NFC", "NFD"]]] = [("a", "NFC"), ("b", "NFD")]
    for name, form in forms:
        rows = f"article_id,sentence_id,text,actor,view\n{row}\nr2,{number},Peru left.,Peru,gegen\n"
        (tmp_path / f"{name}.csv").write_text(unicodedata.normalize(form, rows), "utf-8")
    data = read_annotations([tmp_path / "a.csv", tmp_path / "b.csv"], heads=["view"])
    assert [u.labels["view"] for u in data.units] == [("für", "für"), ("gegen", "gegen")] and data.warnings == ()
    wide = unicodedata.normalize("NFD", "text,actor,a_view,b_view\nJosé left.,José,für,") + "für\n"
    (tmp_path / "w.csv").write_text(wide, "utf-8")
    assert [u.labels["view"] for u in read_annotations(tmp_path / "w.csv", heads=["view"]).units] == [("für", "für")]


def test_a_file_with_the_label_itself_is_not_wide(tmp_path: Path) -> None:
    row = {"text": "Norway left.", "actor": "Norway", "stance": "deny", "x_stance": "firm", "y_stance": "accuse"}
    assert read_annotations([write_csv(tmp_path / f"{who}.csv", [row]) for who in "ab"]).annotators == ("a", "b")


def test_a_wide_file_of_own_heads_nobody_named(tmp_path: Path, run: Callable[..., Run]) -> None:
    path = write_csv(tmp_path / "w.csv", [{"text": "Norway left.", "actor": "Norway", "ann_k_mood": "glad", "bob_mood": "sad"}])
    with pytest.raises(InputError, match="label columns here may be ann_k_mood, bob_mood: --head mood\n"):
        read_annotations(path)
    assert read_annotations(path, heads=["mood"]).annotators == ("ann_k", "bob")
    for command in (["export", path, "--to", "csv"], ["import", path, "--from", "csv"]):  # to these a head is a column
        assert "label columns here may be ann_k_mood, bob_mood: --head ann_k_mood\n" in run(*command).err


def test_one_column_with_a_prefix_is_no_wide_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column stance or tone; label columns here may be main_stance"):
        read_annotations(write_csv(tmp_path / "a.csv", [{"text": "Norway left.", "actor": "Norway", "main_stance": "deny"}]))


def test_a_wide_file_without_keys(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "w.csv", [{"actor": "Norway", "x_stance": "deny", "y_stance": "deny"}])
    with pytest.raises(DataError) as e:
        read_annotations(path)
    assert e.value.message == f"{path}:1: no column 'sentence_id'; seen: actor, x_stance, y_stance"


def test_a_wide_file_keeps_what_two_files_keep(tmp_path: Path, run: Callable[..., Run]) -> None:
    """Spans, targets and the sentences without an actor."""
    rows = [{"article_id": "a", "sentence_id": n, "text": t, "actor": a, "start": s, "end": e, "target": o} for n, (t, a, s, e, o) in enumerate([
        ("Norway condemned the raid.", "Norway", 0, 6, "Peru"), ("Ola Lie was hurt.", "", "", "", ""), ("It left.", "Chile", 0, 2, "Kenya"),
    ])]  # fmt: skip
    given = {"ann": ("accuse", "", "firm"), "bob": ("accuse", "", "deny")}
    files = [write_csv(tmp_path / f"{who}.csv", [{**r, "stance": x} for r, x in zip(rows, given[who], strict=True)]) for who in given]
    wide = write_csv(tmp_path / "w.csv", [{**r, "ann_stance": a, "bob_stance": b} for r, a, b in zip(rows, *given.values(), strict=True)])
    written = []
    for name, inputs in (("long", files), ("wide", [wide])):
        agreed, differ = tmp_path / f"{name}-agreed.csv", tmp_path / f"{name}-differ.csv"
        assert run("agree", *inputs, "--agreed", agreed, "-o", differ).code == 0
        written.append((agreed.read_text("utf-8"), differ.read_text("utf-8")))
    assert written[0] == written[1]
    agreed_rows, differing = (list(csv.DictReader(io.StringIO(x))) for x in written[1])
    assert [(r["text"], r["start"], r["end"], r["target"], r["stance"], r["annotator"]) for r in agreed_rows] == [
        ("Norway condemned the raid.", "0", "6", "Peru", "accuse", ""), ("Ola Lie was hurt.", "", "", "", "", "")
    ]  # fmt: skip
    assert [(r["end"], r["target"], r["ann_stance"], r["bob_stance"], r["stance"]) for r in differing] == [("2", "Kenya", "firm", "deny", "")]


def test_rows_of_a_wide_file_are_checked(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "w.csv", [{"text": "Peru left.", "actor": "Peru", "start": 0, "end": 99, "a_stance": "deny", "b_stance": "deny"}])
    with pytest.raises(DataError) as e:
        read_annotations(path)
    assert [x.split(";")[0] for x in e.value.problems] == [f"{path}:2: start,end 0,99 are outside the text of 10 characters, or hold none"]


@pytest.mark.parametrize("heads", [["m\u00e9ret"], ["me\u0301ret"], "m\u00e9ret"])
def test_a_head_of_a_wide_file_is_found_however_its_accents_are_written(tmp_path: Path, heads: list[str] | str) -> None:
    path = write_csv(tmp_path / "w.csv", [{"text": f"Peru {v}.", "actor": "Peru", "a_m\u00e9ret": "x", "b_m\u00e9ret": x} for v, x in (("left", "x"), ("won", "y"))])
    assert agreement(read_annotations(path, heads=heads))["m\u00e9ret"].equal.value == 0.5


def test_a_wide_file_in_which_one_annotator_has_a_head_more(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "w.csv", [{"text": "Peru left.", "actor": "Peru", "a_stance": "deny", "a_tone": "stern", "b_stance": "deny"}])
    assert read_annotations(path).units[0].labels == {"stance": ("deny", "deny"), "tone": ("stern", "")}


def test_the_double_reading_of_the_corpus() -> None:
    readings = read_annotations(ROOT / "training_data" / "readings")
    found = agreement(readings, draws=20)
    read_twice = {(u.row.article_id, u.row.sentence_id, u.row.actor) for u in readings.units}  # some were left out where the readers differed
    assert {(r.article_id, r.sentence_id, r.actor) for r in read_table(ROOT / "training_data").rows if r.actor} <= read_twice
    assert found["stance"].pairs == len(read_twice)
    triples = [(who, str(i), r[f"{who}_stance"]) for i, r in enumerate(csv.DictReader((ROOT / "training_data" / "readings" / "second.csv").open(encoding="utf-8"))) for who in ("first", "second")]
    assert found["stance"].alpha.value == pytest.approx(AnnotationTask(triples).alpha())
    assert found["tone"].alpha_ordinal is not None


# --------------------------------------------------------------------------- disagreements


def test_disagreements_once_settled_are_labelled_data(tmp_path: Path, run: Callable[..., Run]) -> None:
    one, two = annotated(tmp_path / "ann.csv", FIRST, tone="neutral"), annotated(tmp_path / "bob.csv", ["deny", "neutral", "firm", "accuse"], tone="neutral")
    r = run("agree", one, two, "-o", tmp_path / "d.csv")
    assert r.code == 0 and "2 pairs on which annotators disagree" in r.out
    rows = list(csv.DictReader((tmp_path / "d.csv").open(encoding="utf-8")))
    assert [(x["actor"], x["ann_stance"], x["bob_stance"], x["stance"], x["tone"]) for x in rows] == [("Peru", "accuse", "firm", "", "neutral"), ("Kenya", "firm", "accuse", "", "neutral")]
    settled = write_csv(tmp_path / "s.csv", [{**x, "stance": x["bob_stance"]} for x in rows])
    assert read_dataset(settled).labels["stance"] == ("firm", "accuse")


def test_from_two_annotators_to_training_data(tmp_path: Path, run: Callable[..., Run]) -> None:
    one = annotated(tmp_path / "ann.csv", FIRST, tone="neutral", start=0, end=5)
    two = annotated(tmp_path / "bob.csv", ["deny", "neutral", "firm", "accuse"], tone="neutral", start=0, end=5)
    agreed, disputed, settled = (tmp_path / f"{x}.csv" for x in ("agreed", "disputed", "settled"))
    r = run("agree", one, two, "-o", disputed, "--agreed", agreed)
    assert r.code == 0 and f"wrote {agreed}: 2 pairs on which all agree" in r.err and "left out" not in r.err
    assert next(csv.reader(agreed.open(encoding="utf-8"))) == ["article_id", "sentence_id", "text", "actor", "start", "end", "stance", "tone", "target", "context", "date", "title", "source", "speaker", "split", "annotator"]
    write_csv(disputed, [{**x, "stance": x["bob_stance"]} for x in csv.DictReader(disputed.open(encoding="utf-8"))])
    assert run("import", disputed, "--from", "csv", "-o", settled).code == 0
    data = read_dataset([agreed, settled])
    assert [(r.text, r.labels["stance"], r.start) for r in data.rows] == list(zip(TEXTS, ["deny", "neutral", "firm", "accuse"], [0] * 4, strict=True))
    assert data.warnings == () and len(set(data.groups)) == 2


def test_sentences_without_an_actor_stay_between_what_all_agree_on(run: Callable[..., Run], tmp_path: Path) -> None:
    told = [("Norway condemned the raid.", "Norway", "accuse"), ("Ola Lie was hurt.", "", ""), ("Chile denied it.", "Chile", "deny"), ("It left.", "Chile", "firm")]
    rows = [{"article_id": "a", "sentence_id": n, "text": t, "actor": a, "stance": s} for n, (t, a, s) in enumerate(told)]
    one, two = write_csv(tmp_path / "one.csv", rows), write_csv(tmp_path / "two.csv", [*rows[:3], {**rows[3], "stance": "neutral"}])
    agreed = tmp_path / "agreed.csv"
    assert run("agree", one, two, "--agreed", agreed).code == 0
    with agreed.open(encoding="utf-8", newline="") as f:
        assert [(r["text"], r["actor"], r["stance"]) for r in csv.DictReader(f)] == told[:3]


def test_what_is_no_agreement_is_left_out_and_told(tmp_path: Path, run: Callable[..., Run]) -> None:
    one, two = annotated(tmp_path / "1.csv", FIRST, tone=""), annotated(tmp_path / "2.csv", [*FIRST[:3], ""], tone="")
    two.write_text(two.read_text().replace("deny,", "deny,stern"))
    r = run("agree", one, two, "--agreed", tmp_path / "agreed.csv")
    assert r.code == 0 and "0 pairs on which all agree" in r.err, "one annotator's tone alone is no agreement"
    one.write_text(one.read_text().replace("deny,", "deny,stern"))
    r = run("agree", one, two, "--agreed", tmp_path / "agreed.csv")
    assert r.code == 0 and "1 pair on which all agree" in r.err and f"warning: 2 pairs left out, with a head that fewer than two have labelled; the first is {one}:3" in r.err
    assert run("agree", one, two, "--agreed", tmp_path / "x.csv", "-o", tmp_path / "x.csv").code == 2


def test_agreement_without_texts_is_no_training_data(tmp_path: Path, run: Callable[..., Run]) -> None:
    path = write_csv(tmp_path / "w.csv", [{"sentence_id": 1, "actor": "Norway", "x_stance": "deny", "y_stance": "deny"}])
    r = run("agree", path, "--agreed", tmp_path / "agreed.csv")
    assert r.code == 1 and f"{path}:2: no text, so that" in r.err and not list(tmp_path.glob("agreed*"))


def test_a_formula_in_the_disagreements_is_text(tmp_path: Path) -> None:
    one, two = annotated(tmp_path / "1.csv", FIRST), annotated(tmp_path / "2.csv", FIRST[::-1])
    for f in (one, two):
        f.write_text(f.read_text().replace("Chile left.", "=Chile left."))
    rows = list(csv.DictReader(io.StringIO("\n".join(disagreement_lines(read_annotations([one, two]))))))
    assert [r["text"] for r in rows if r["actor"] == "Chile"] == ["'=Chile left."]


def test_what_is_agreed_on_comes_back_as_it_was(tmp_path: Path, run: Callable[..., Run]) -> None:
    row = {"sentence_id": 1, "text": "''- Chile left.", "actor": "Chile", "start": 3, "end": 8, "stance": "deny"}  # the sheet's apostrophe, and its own
    files = [write_csv(tmp_path / f"{name}.csv", [row]) for name in ("ann", "bob")]
    assert run("agree", *files, "--agreed", tmp_path / "agreed.csv").code == 0
    assert run("import", tmp_path / "agreed.csv", "--from", "csv", "-o", tmp_path / "back.csv").code == 0
    for path in (files[0], tmp_path / "agreed.csv", tmp_path / "back.csv"):
        (found,) = read_dataset(path).rows
        assert (found.text, found.text[found.start : found.end]) == ("'- Chile left.", "Chile")


def test_spans_of_a_formula_come_back_settled(tmp_path: Path, run: Callable[..., Run]) -> None:
    row = {"sentence_id": 1, "text": "=Chile left.", "actor": "Chile", "start": 1, "end": 6}
    files = [write_csv(tmp_path / f"{s}.csv", [{**row, "stance": s}]) for s in ("deny", "firm")]
    assert run("agree", *files, "-o", tmp_path / "d.csv").code == 0
    (found,) = csv.DictReader((tmp_path / "d.csv").open(encoding="utf-8"))
    assert found["text"] == "'=Chile left."
    write_csv(tmp_path / "d.csv", [{**found, "stance": "deny"}])
    (row_,) = read_dataset(tmp_path / "d.csv").rows  # read without `import`: as it was, too
    assert (row_.text, row_.start, row_.end) == ("=Chile left.", 1, 6)
    assert run("import", tmp_path / "d.csv", "--from", "csv", "-o", tmp_path / "s.csv").code == 0
    (settled,) = read_dataset(tmp_path / "s.csv").rows
    assert (settled.text, settled.start, settled.end) == ("=Chile left.", 1, 6)


def test_agree_as_json(tmp_path: Path, run: Callable[..., Run]) -> None:
    r = run("agree", *[annotated(tmp_path / f"{i}.csv", FIRST) for i in range(3)], "-f", "json")
    found = json.loads(r.out)
    assert found["disagreements"] == 0 and found["alone"] == [] and found["heads"]["stance"]["fleiss"]["value"] == 1.0


def test_one_pair_in_one_article_is_told_so(tmp_path: Path, run: Callable[..., Run]) -> None:
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text("text,actor,stance\nNorway denied it.,Norway,deny\n")
    assert run("agree", tmp_path / "a.csv", tmp_path / "b.csv").out.startswith("stance: 1 pair in 1 article, labelled by a, b\n")
    assert run("evaluate", "default", tmp_path / "a.csv", "--head", "stance").out.startswith("stance: 1 pair in 1 article\n")


def test_help_says_what_a_head_is_for(run: Callable[..., Run]) -> None:
    for command, what in (("agree", "compare"), ("export", "write")):
        assert f"Label column to {what}" in " ".join(run(command, "--help").out.split())


def test_agree_as_a_table(tmp_path: Path, run: Callable[..., Run]) -> None:
    out = run("agree", *[annotated(tmp_path / f"{i}.csv", FIRST) for i in range(2)]).out
    assert "stance: 4 pairs in 2 articles, labelled by 0, 1" in out and "Cohen's kappa         1.000 (–)" in out and "rows 0, columns 1" in out


def test_each_two_of_three_annotators_are_told(tmp_path: Path) -> None:
    stances = {"a": [*FIRST[:2], "", ""], "b": FIRST, "c": ["", "", *FIRST[2:]]}
    lines = list(agreement_lines(agreement(read_annotations([annotated(tmp_path / f"{x}.csv", s) for x, s in stances.items()]))["stance"]))
    assert "  a, b: 2 pairs, Cohen's kappa 1.000 (–)" in lines and "  a, c: 0 pairs, Cohen's kappa not defined" in lines
    at = lines.index("  rows the earlier, columns the later of two")
    assert lines[at + 1].split() == [x.split()[0] for x in lines[at + 2 :]]
