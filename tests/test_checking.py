"""What `stance check` finds, row by row, and what it lets pass."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import REPORTS, ROOT, Run, write_csv
from hypothesis import given
from hypothesis import strategies as st

from stance import checking
from stance.checking import Finding, Repeat, check, contradicted, repeats
from stance.dataset import Row, normalise, read_dataset
from stance.text import foreign

HEADER = "article_id,text,actor,stance,tone,split\n"
LONG = "Norway told the fishermen of the far north to come home before the storm of Friday night."
NEARLY = "Norway told the fishermen of the far north to come home before the storm of Saturday night."
Write = Callable[..., Path]


@pytest.fixture
def file(tmp_path: Path) -> Write:
    """`file(rows)` writes a labelled CSV with rows enough for two folds beside them."""

    def write(rows: str, header: str = HEADER, name: str = "d.csv") -> Path:
        path = tmp_path / name
        path.write_text(header + rows, "utf-8")
        return path

    return write


def warnings(path: Path | list[Path], *, rare: bool = False) -> list[Finding]:
    """Findings without the errors and class counts that so small a file brings along."""
    found = check(path if isinstance(path, list) else [path]).findings
    return [f for f in found if f.level == "warning" and (rare or f.kind != "rare-class")]


def test_findings_come_by_file_and_line(file: Write) -> None:
    bad = "a,Norway <b>left</b>.,Norway,neutral,neutral,\nb,Chile denied it.,Chile,neutral,stern,\nc,Peru &amp; Chile left.,Peru,neutral,neutral,\n"
    one, two = file(bad, name="b.csv"), file(bad.replace("a,", "d,").replace("b,", "e,").replace("c,", "f,"), name="a.csv")
    placed = [f.place for f in check([one, two]).findings if f.place]
    assert placed == sorted(placed, key=lambda p: (p.startswith(str(two)), int(p.rsplit(":", 1)[1]))) and len(placed) >= 6


def test_good_data_is_silent() -> None:
    assert check([REPORTS]).findings == ()


def test_the_corpus_is_silent() -> None:
    assert [f.line for f in check([ROOT / "training_data"]).findings] == []


@pytest.mark.parametrize(
    ("row", "kind", "said"),
    [
        ("a,Norway left.,Norway,neutral,hostile,", "neutral-tone", "stance of 'Norway' is neutral but tone 'hostile'; the codebook gives it neutral tone"),
        ("a,Norway <b>left</b>.,Norway,neutral,neutral,", "mark-up", "mark-up in the text ('<b>'); give plain text"),
        ("a,Norway &amp; Chile left.,Norway,neutral,neutral,", "mark-up", "mark-up in the text ('&amp;'); give plain text"),
        ("a,Norway [[left|went]].,Norway,neutral,neutral,", "mark-up", "mark-up in the text ('[['); give plain text"),
        (
            "a,Norwayâ€™s army left.,Norway,neutral,neutral,", "encoding",
            "garbled characters ('â€'): the file was once read in the wrong encoding; export it again as UTF-8",
        ),
        (
            "a,Norwegen hat die Fischer des Nordens und der Küste gewarnt.,Norway,neutral,neutral,", "language",
            "the text looks German; the features are made for English",
        ),
        ("a,The army left.,Norway,neutral,neutral,", "absent-actor", "actor 'Norway' was not found in the sentence; give start,end or the sentences before as context"),
        ("a,Norway left.,Norwegen,neutral,neutral,", "absent-actor", "actor 'Norwegen' was not found in the sentence; no alias table has it: name it with --actors, or give start,end"),
        ("a,The UK left.,Boris Johnson,neutral,neutral,", "absent-actor", "actor 'Boris Johnson' was not found in the sentence; the alias table calls it 'UK'"),
    ],
)  # fmt: skip
def test_odd_rows(file: Write, row: str, kind: str, said: str) -> None:
    path = file(row + "\nb,Chile denied it.,Chile,deny,neutral,\nc,Peru denied it.,Peru,deny,neutral,\n")
    found = [f for f in warnings(path) if f.kind != "absent-actor" or kind == "absent-actor"]
    assert found == [Finding(f"{path}:2", "warning", kind, said)]


def test_what_reading_says_has_its_kind_whatever_the_file_is_called(tmp_path: Path) -> None:
    path = tmp_path / "duplicate row.csv"
    path.write_bytes((HEADER + "a,Norway left S\u00e3o Tom\u00e9.,Norway,neutral,neutral,\n" * 2 + "b,Chile denied it.,Chile,deny,neutral,\n").encode("cp1252"))
    assert sorted(f.kind for f in warnings(path)) == ["duplicate", "encoding"]


@pytest.mark.parametrize(
    ("labels", "kind", "told"),
    [
        ("conflict Conflict peace conflict Conflict peace conflict", "label-case", {3: "'Conflict' (2 rows) differs only in case from 'conflict' (3 rows)"}),
        (
            "-1 0 -1.0 +1 1 -1 1 0,0 2 20",
            "label-number",
            {4: "'-1.0' (1 row) is the same number as '-1' (2 rows)", 5: "'+1' (1 row) is the same number as '1' (2 rows)", 9: "'0,0' (1 row) is the same number as '0' (1 row)"},
        ),
    ],
)  # fmt: skip
def test_labels_that_are_one_but_for_how_they_are_written(file: Write, labels: str, kind: str, told: dict[int, str]) -> None:
    rows = [f'{i},Norway left port {i}.,Norway,"{label}"\n' for i, label in enumerate(labels.split())]
    path = file("".join(rows), "article_id,text,actor,stance\n")
    said = [f"{path}:{n}: stance {x}, and is a label of its own; write them alike, if they are one" for n, x in told.items()]
    assert [f.line for f in check([path]).findings if f.kind == kind] == [f"warning: {x}" for x in said]
    assert sorted(read_dataset(path).warnings) == sorted(said)


@pytest.mark.parametrize(("labels", "order"), [("-2 1 0 2 -1", "-2,-1,0,1,2"), ("1,5 0,5 2", '"0,5","1,5",2'), ("0 1", ""), ("0 1 1.0", ""), ("1 2 none", "")])
def test_labels_that_are_numbers_may_be_a_scale(file: Write, labels: str, order: str) -> None:
    rows = [f'{i},Norway left port {i}.,Norway,"{label}"\n' for i, label in enumerate(labels.split())]
    path = file("".join(rows), "article_id,text,actor,view\n")
    said = f"the labels of view are numbers: if they are a scale, --order view='{order}' adds measures of how far two are apart"
    wanted = [Finding("", "warning", "order", said)] if order else []
    assert [f for f in check([path], heads=["view"]).findings if f.kind == "order"] == wanted
    assert (said in read_dataset(path, heads=["view"]).warnings) == bool(order)
    told = tuple(x.strip('"') for x in next(csv.reader([order]))) if order else labels.split()
    assert not [f for f in check([path], heads=["view"], order={"view": told}).findings if f.kind == "order"]


def typos(path: Path) -> list[str]:
    return [f.line for f in check([path], heads=["stance"]).findings if f.kind == "label-typo"]


def test_a_rare_label_that_looks_like_a_frequent_one(run: Callable[..., Run], file: Write, tmp_path: Path) -> None:
    labels = ["oppose", "support", "oppose", *["support"] * 14, "suport", "suport", "suport"]
    rows = [f"{i},Norway left port {i}.,Norway,{label}\n" for i, label in enumerate(labels)]
    path = file("".join(rows), "article_id,text,actor,stance\n")
    said = f"warning: {path}:19: stance 'suport' (3 rows) looks like 'support' (15 rows); correct it, if that is meant"
    assert typos(path) == [said]
    assert said in run("train", path, "--folds", "2", "-o", tmp_path / "m.stance").err.splitlines()
    fewer = file("".join(r for r in rows if not r.startswith("5,")), "article_id,text,actor,stance\n")
    assert typos(fewer) == []


@pytest.mark.parametrize(("often", "rare"), [("for", "far"), ("level 10", "level 11"), ("clear", "unclear"), ("positive", "negative"), ("low", "slow"), ("support", "Support")])
def test_labels_that_are_alike_but_meant(file: Write, often: str, rare: str) -> None:
    rows = [f"{i},Norway left port {i}.,Norway,{label}\n" for i, label in enumerate([rare, rare, *[often] * 20])]
    assert typos(file("".join(rows), "article_id,text,actor,stance\n")) == []


def test_another_context_inside_an_article(file: Write) -> None:
    rows = "a,Spring came.,,,Norway came.\na,He sued Peru.,Chile,accuse,Chile came.\na,It left.,Norway,neutral,Chile came.\nb,Peru left.,Peru,neutral,\nc,Peru sued.,Peru,accuse,\n"
    path = file(rows, "article_id,text,actor,stance,context\n")
    said = f"the context is not that of the first sentence of article 'a' ({path}:2), which alone is read; leave it empty, or give the row another article_id"
    assert [f for f in warnings(path) if f.kind == "context"] == [Finding(f"{path}:{n}", "warning", "context", said) for n in (3, 4)]


@pytest.mark.parametrize(
    "text",
    [
        "Norway said 3 < 4 and AT&T; R&D; and <5 would go on.",
        "The Rio de la Plata pact, said Le Monde and El Universal, was dead.",
        "Die-hard foes of the der Spiegel report said no.",
        "São Paulo's “Ação” programme cost €5.",
    ],
)
def test_good_text_passes(file: Write, text: str) -> None:
    quoted = text.replace('"', '""')
    assert [f.kind for f in warnings(file(f'a,"{quoted}",Norway,neutral,neutral,\n')) if f.kind in ("mark-up", "encoding", "language")] == []


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("La ministre des affaires étrangères a dit que les navires ne sont pas dans la zone.", "French"),
        ("El gobierno dijo que no se trata de una amenaza para los vecinos.", "Spanish"),
        ("Китай обвинил Вашингтон в нарушении международного права.", "not to be in Latin script"),
        ("Beijing accused Washington of a breach of the law.", ""),
        ("Angela Merkel met El Salvador's Bukele in Los Angeles.", ""),
        ("I don't know, and until I know I won't say so.", ""),
        ("Nie ma na to zgody, i to jest jasne.", "Polish"),
        ("1,500 km", ""),
        ("", ""),
    ],
)
def test_languages(text: str, language: str) -> None:
    assert foreign(text) == language


# --------------------------------------------------------------------------- repeats


def test_the_same_sentence_in_two_articles(file: Write) -> None:
    path = file(f"a,{LONG},Norway,demand,neutral,\nb,{LONG},Norway,demand,neutral,\n")
    assert warnings(path) == [Finding(f"{path}:3", "warning", "duplicate", f"the sentence also stands in article 'a' ({path}:2); it may straddle folds")]


def test_nearly_the_same_sentence_on_both_sides_of_a_split(file: Write) -> None:
    path = file(f"a,{LONG},Norway,demand,neutral,train\nb,{NEARLY},Norway,demand,neutral,test\n")
    said = f"nearly the same sentence (87% of the words of both) stands in article 'a' ({path}:2); a test across train and test would leak"
    assert warnings(path) == [Finding(f"{path}:3", "warning", "leak", said)]


def test_a_test_file_that_holds_a_training_article(file: Write) -> None:
    train, test = file(f"a,{LONG},Norway,demand,neutral,\n", name="train.csv"), file(f"b,{NEARLY},Norway,demand,neutral,\n", name="test.csv")
    (found,) = warnings([train, test])
    assert (found.kind, found.place) == ("leak", f"{test}:2") and f"a test across {train} and {test} would leak" in found.reason


def test_what_annotators_agree_on_and_what_they_settled_are_no_two_sides_of_a_test(file: Write) -> None:
    header, told = "article_id,sentence_id,text,actor,stance,tone\n", "it may straddle folds"
    agreed = file(f"a,1,{LONG},Norway,demand,neutral\nb,1,Norway left.,Norway,neutral,neutral\n", header, "agreed.csv")
    settled = file(f"b,2,{NEARLY},Norway,demand,neutral\n", header, "settled.csv")
    (found,) = warnings([agreed, settled])
    assert (found.kind, found.place) == ("duplicate", f"{settled}:2") and told in found.reason
    more = [file(path.read_text() + "".join(f"{a},1,{a} left.,Norway,neutral,neutral\n" for a in others), "", path.name) for path, others in ((agreed, "cd"), (settled, "ef"))]
    assert ("leak", f"{settled}:2") in [(f.kind, f.place) for f in warnings(more)], "one article in two files does not make them one side"


def test_what_files_share_is_looked_up_once() -> None:
    rows = [Row("a.csv", n, "Norway left.", "Norway", {}, article_id=str(n)) for n in range(20_000)]
    begun = time.perf_counter()
    apart = checking._apart(rows)
    built = time.perf_counter()
    assert not any(apart(rows[0], r) for r in rows[:2000])
    assert time.perf_counter() - built < built - begun


def test_a_repeated_article_is_one_finding(file: Write) -> None:
    text = [f"Norway told the fishermen of the {x} coast to come home before the storm of {y} night." for x, y in (("far", "Monday"), ("near", "Friday"), ("wild", "dark"))]
    path = file("".join(f"{a},{t},Norway,demand,neutral,\n" for a in "ab" for t in text))
    (found,) = warnings(path)
    assert found.reason == f"3 sentences of article 'b', this the first, also stand, or nearly, in article 'a' ({path}:2); it may straddle folds"


def test_an_article_on_both_sides_of_a_split(file: Write) -> None:
    path = file("a,Norway left.,Norway,neutral,neutral,train\na,Norway denied it.,Norway,deny,neutral,test\n")
    assert [f.reason for f in warnings(path)] == [f"article 'a' is in split 'test' here and in 'train' at {path}:2; keep it on one side"]


def test_an_article_in_two_files(file: Write) -> None:
    one, two = file("a,Norway left.,Norway,neutral,neutral,\n", name="1.csv"), file("a,Norway denied it.,Norway,deny,neutral,\n", name="2.csv")
    assert [f.reason for f in warnings([one, two])] == [f"article 'a' is also in {one}:2; rename one if they differ, or keep it in one file"]


@pytest.mark.parametrize(("number", "same"), [(2, True), (1, False), ("", False)])
def test_an_article_whose_parts_lie_in_two_files(tmp_path: Path, number: int | str, same: bool) -> None:
    """As those that annotators agree on and those they settled do: sentences have one text each."""
    row = {"article_id": "a", "sentence_id": 1, "text": "Norway left.", "actor": "Norway", "stance": "neutral"}
    one = write_csv(tmp_path / "1.csv", [row])
    two = write_csv(tmp_path / "2.csv", [{**row, "sentence_id": number, "text": "Norway denied it.", "stance": "deny"}])
    assert [f.kind for f in warnings([one, two])] == ([] if same else ["leak"])


def test_columns_called_otherwise_are_no_slips(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "own.csv", [{"texts": "Norway left.", "who": "Norway", "stance": "neutral", "dates": "2020-01-02"}])
    found = check([path], columns={"text": "texts", "actor": "who"}).findings
    assert [f.reason for f in found if f.kind == "column"] == ["column 'dates' is not read; did you mean 'date'?"]


def test_spans_that_were_counted_from_one(file: Write) -> None:
    header = "text,actor,stance,start,end\n"
    path = file("Then Müller left.,Müller,firm,6,11\nAnd Müller denied it.,Müller,deny,5,10\nSo Müller-led talks failed.,Müller,firm,3,9\n", header)
    (found,) = [f for f in warnings(path) if f.kind == "span"]
    said = "start,end 6,11 cut a word ('üller'), as do those of 1 further row; start counts from 0, and end is one after the last character"
    assert found.place == f"{path}:2" and found.reason == said


def test_other_labels_for_the_same_sentence(file: Write) -> None:
    path = file("a,Norway denied it.,Norway,deny,neutral,\nb,Norway denied it.,Norway,firm,neutral,\n")
    assert [f.line for f in warnings(path)] == [f"warning: {path}:3: stance of 'Norway' is 'firm', but 'deny' for the same sentence at {path}:2"]


def test_a_carried_actor_may_have_other_labels(file: Write) -> None:
    rows = "a,Norway denied it.,Norway,deny,neutral,\na,It stayed silent.,Norway,neutral,neutral,\nb,Chile left.,Chile,neutral,neutral,\nb,It stayed silent.,Chile,firm,neutral,\n"
    assert [f.kind for f in warnings(file(rows)) if f.kind == "contradiction"] == []


WORDS = st.lists(st.sampled_from([f"w{i}" for i in range(14)]), min_size=8, max_size=14)


@given(st.lists(st.tuples(WORDS, st.sampled_from("abc")), max_size=12))
def test_the_prefix_filter_misses_nothing(drawn: list[tuple[list[str], str]]) -> None:
    """Beside every pair compared with every other."""
    texts, articles = [" ".join(w) for w, _ in drawn], [a for _, a in drawn]
    sets = [set(normalise(t).split()) for t in texts]
    found = {r.later: r for r in repeats(texts, articles)}
    for i, r in found.items():
        j = r.earlier
        assert j < i and articles[i] != articles[j] and (r.similarity == 1 or len(sets[i] & sets[j]) / len(sets[i] | sets[j]) >= 0.8)
    for i in range(len(texts)):
        if texts[i] in texts[:i] or len(sets[i]) < 8:
            continue
        like = [j for j in range(i) if texts[j] not in texts[:j] and articles[i] != articles[j] and len(sets[j]) >= 8 and len(sets[i] & sets[j]) / len(sets[i] | sets[j]) >= 0.8]
        assert (found[i].earlier in like) if like else i not in found


def test_many_repeats_take_no_quadratic_time() -> None:
    texts = [f"The fishermen of the far northern coast came home before the storm of day {i}" for i in range(20_000)]
    assert len(repeats(texts, [str(i) for i in range(20_000)])) == 19_999
    assert repeats(texts[:2], ["a", "b"]) == [Repeat(1, 0, 11 / 13)]
    assert repeats(texts[:2], ["a", "a"]) == []


# --------------------------------------------------------------------------- columns and classes


def test_a_column_with_a_name_nearly_right(file: Write) -> None:
    path = file("a,Norway left.,Norway,neutral,x\n", header="articel_id,text,actor,stance,register\n")
    assert [f.line for f in warnings(path)] == [f"warning: {path}:1: column 'articel_id' is not read; did you mean 'article_id'?"]


def test_rows_without_an_article_among_others(file: Write) -> None:
    path = file("a,Norway left.,Norway,neutral,neutral,\n,Chile denied it.,Chile,deny,neutral,\n")
    assert [f.reason for f in warnings(path)] == ["1 row has no article_id, others have; each such sentence counts as an article of its own"]
    merged = file("a,Norway left.,Norway,neutral,neutral,\n,Chile denied it.,Chile,deny,neutral,\n,Peru denied all.,Peru,deny,neutral,\n")
    (said,) = [f.reason for f in warnings(merged)]
    assert said.startswith("2 rows have no article_id") and said.endswith("an article of its own; if cells of a spreadsheet were merged, fill each of their rows")


def test_a_class_too_rare_for_the_folds(file: Write) -> None:
    rows = "".join(f"n{i},Norway left town {i}.,Norway,neutral,neutral,\n" for i in range(5)) + "".join(f"d{i},Chile denied it {i}.,Chile,deny,neutral,\n" for i in range(3))
    checked = check([file(rows.replace(",neutral,neutral", ",neutral,neutral").replace("deny,neutral", "deny,stern"))])
    assert checked.failure is None
    assert [f.reason for f in checked.findings] == [
        f"class {x!r} of {h!r} is in 3 articles, 5 folds need 5; cross-validation will make 3" for h, x in (("stance", "deny"), ("tone", "stern"))
    ]


def test_groups_are_those_that_folds_will_be_of(run: Callable[..., Run], tmp_path: Path) -> None:
    said = "Chile denied before the court in The Hague all that it was accused of"
    labels = [("deny", f"{said} {n}.", "oil" if n < 4 else "fish") for n in range(5)] + [("neutral", f"Chile left town {n}.", f"t{n % 6}") for n in range(12)]
    rows = [{"article_id": f"a{n}", "text": t, "actor": "Chile", "stance": x, "targets": g} for n, (x, t, g) in enumerate(labels)]
    data = write_csv(tmp_path / "d.csv", rows)
    out, grouped = run("check", data).out, run("check", data, "--group-by", "Targets")
    assert "column 'targets' is not read; did you mean 'target'?" in out and out.count("it may straddle folds") == 4 and "class" not in out
    assert grouped.code == 0 and grouped.out.splitlines() == [
        "warning: class 'deny' of 'stance' is in 2 groups, 5 folds need 5; cross-validation will make 2",
        f"warning: {data}:6: nearly the same sentence (87% of the words of both) stands in article 'a0' ({data}:2); it may straddle folds",
    ]
    r = run("check", data, "--group-by", "topic")
    assert r.code == 1 and "no column 'topic' to group by; seen: " in r.err


# --------------------------------------------------------------------------- suspects


def test_confident_learning_by_hand() -> None:
    probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.35, 0.65], [0.45, 0.55]])
    truth = np.array([0, 0, 0, 1, 1, 1])  # thresholds: (0.9+0.8+0.1)/3 = 0.6 and (0.8+0.65+0.55)/3 = 0.667
    assert contradicted(truth, probs).tolist() == [-1, -1, 1, -1, -1, -1]


def test_a_label_is_contradicted_only_from_the_mean_probability_of_the_other_on() -> None:
    probs = np.array([[0.9, 0.1], [0.9, 0.1], [0.25, 0.75], [0.25, 0.75], [0.0, 1.0]])  # label 1 has a mean of 0.875 over its own rows
    truth = np.array([0, 0, 0, 1, 1])
    assert (contradicted(truth, probs) == -1).all()
    probs[2] = [0.125, 0.875]
    assert contradicted(truth, probs).tolist() == [-1, -1, 1, -1, -1]


def test_right_labels_are_never_contradicted() -> None:
    truth = np.arange(30) % 3
    assert (contradicted(truth, np.eye(3)[truth]) == -1).all()


def test_a_swapped_label_is_the_first_suspect(run: Callable[..., Run], tmp_path: Path) -> None:
    lines = REPORTS.read_text("utf-8").split("\n")
    at = next(i for i, x in enumerate(lines) if ",deny,neutral," in x and "denied" in x)
    path = tmp_path / "swapped.csv"
    path.write_text("\n".join([*lines[:at], lines[at].replace(",deny,neutral,", ",cooperate,warm,"), *lines[at + 1 :]]), "utf-8")
    r = run("check", path, "--suspects", "--folds", "3", "-f", "jsonl")
    assert r.code == 0
    found = [json.loads(x) for x in r.out.splitlines()]
    assert all(f["level"] == "suspect" and 0 < f["score"] < 1 for f in found)
    assert [f["score"] for f in found] == sorted((f["score"] for f in found), reverse=True)
    stance = next(f for f in found if f["kind"] == "stance")
    assert stance["place"] == f"{path}:{at + 1}" and "is 'cooperate'" in stance["reason"] and "says 'deny'" in stance["reason"]


def test_folds_too_few_are_told_once_beside_suspects(run: Callable[..., Run], file: Write) -> None:
    rows = [f"{n},Norway condemned raid {n}.,Norway,{'accuse' if n < 2 else 'neutral'},neutral,\n" for n in range(8)]
    r = run("check", file("".join(rows)), "--head", "stance", "--suspects")
    assert r.code == 0 and "5 folds need 5; cross-validation will make 2" in r.out and "warning" not in r.err.replace("1 warning, ", "")


# --------------------------------------------------------------------------- the command


def test_errors_as_json_lines(run: Callable[..., Run], file: Write, tmp_path: Path) -> None:
    path = file("a,Norway left.,Norway,neutral,neutral,\nb,Peru denied it.,Peru,deny,neutral,\nc,Peru left.,Peru,denny,neutral,\n")
    r = run("check", path, "-o", tmp_path / "found.jsonl")
    assert r.code == 1 and "1 bad row;" in r.err
    (found,) = [json.loads(x) for x in (tmp_path / "found.jsonl").read_text("utf-8").splitlines()]
    assert found == {"place": f"{path}:4", "level": "error", "kind": "data", "reason": "unknown stance 'denny'; did you mean 'deny'?", "score": None}


def test_many_rows_without_a_label_of_one_head_are_one_line(file: Write) -> None:
    """As after a forgotten settling: what all agreed on is filled."""
    rows = [f"a{n},Norway left port {n}.,Norway,{'deny' if n % 2 else ''},{'' if n % 2 else 'stern'},\n" for n in range(24)]
    path = file("".join([*rows, "b,Peru left.,Peru,,,\n"]))
    todo = "give them labels (one of its own, such as 'none', if it is asked of other rows alone), or leave them out by `stance import FILE --from csv --labelled-only`"
    assert [f.line for f in check([path]).findings] == [
        f"error: {path}:2: no label of stance, as in 11 further rows; {todo}",
        f"error: {path}:3: no label of tone, as in 11 further rows; {todo}",
        f"error: {path}:26: stance is empty for actor 'Peru'; give a label",
        f"error: {path}:26: tone is empty for actor 'Peru'; give a label",
    ]


@pytest.mark.parametrize("empty", [10, 11])
def test_many_rows_without_a_label_are_one_line(run: Callable[..., Run], file: Write, tmp_path: Path, empty: int) -> None:
    rows = ["a,Norway left.,Norway,deny,stern,\n", *(f"b,Norway left port {n}.,Norway,,,\n" for n in range(empty)), "c,Peru left.,Peru,deny,,\n"]
    path = file("".join(rows))
    r = run("check", path)
    half = f"{path}:{empty + 3}: tone is empty for actor 'Peru'; give a label"
    if empty == 10:
        assert r.err.startswith(f"error: {path}:3: stance is empty") and r.err.count("is empty") == 21 and half in r.err
    else:
        line = "no label, as in 10 further rows; give them labels, or leave them out by `stance import FILE --from csv --labelled-only`"
        assert r.err == f"error: {path}:3: {line}\n{half}\n{empty + 1} bad rows; nothing was read\n  correct them and try again\n"
        found = check([path]).findings
        assert [f.place for f in found] == [f"{path}:3", f"{path}:14"] and found[0].reason == line
    assert f"{empty + 1} bad rows;" in r.err
    run("import", path, "--from", "csv", "--labelled-only", "-o", tmp_path / "whole.csv")
    assert "is empty" not in run("check", tmp_path / "whole.csv").err


@pytest.mark.parametrize(("marked", "said"), [(0, "0 warnings"), (1, "1 warning"), (2, "2 warnings")])
def test_warnings_are_counted(run: Callable[..., Run], file: Write, marked: int, said: str) -> None:
    rows = [f"{n},Norway left {'<b>' * (n < marked)}port {n}.,Norway,{x}\n" for n, x in enumerate(["neutral", "neutral", "deny", "deny"])]
    r = run("check", file("".join(rows), "article_id,text,actor,stance\n"), "--folds", "2")
    assert r.code == 0 and r.err.startswith("4 pairs in 4 articles, ") and r.err.endswith(f": {said}\n")


def test_warnings_are_shown_beside_an_error_of_training(run: Callable[..., Run], file: Write) -> None:
    r = run("check", file("a,Norway left.,Norway,neutral,hostile,\nb,Peru left.,Peru,neutral,neutral,\n"))
    assert r.code == 1 and "neutral but tone" in r.out and "all 2 rows are 'neutral'" in r.err


def test_the_report_never_overwrites_the_data(run: Callable[..., Run], file: Write) -> None:
    path = file("a,Norway left.,Norway,neutral,neutral,\n")
    assert run("check", path, "-o", path).code == 1
    assert path.read_text("utf-8").startswith(HEADER)


def test_what_cannot_be_trained_on_is_a_finding_too(run: Callable[..., Run], file: Write) -> None:
    path = file("a,Norway left.,Norway,neutral,neutral,\nb,Peru left.,Peru,neutral,neutral,\n")
    r = run("check", path, "-f", "jsonl")
    assert r.code == 1
    assert [(f["level"], "all 2 rows are 'neutral'" in f["reason"]) for f in map(json.loads, r.out.splitlines())] == [("error", True)] * 2


def test_the_tone_without_a_stance_may_have_another_name(file: Write) -> None:
    path = file("a,Norway left.,Norway,none,calm,\nb,Peru left.,Peru,none,hostile,\nc,Chile denied it.,Chile,deny,stern,\n")
    found = check([path], neutral={"stance": "none", "tone": "calm"}).findings
    assert [(f.place, f.reason) for f in found if f.kind == "neutral-tone"] == [(f"{path}:3", "stance of 'Peru' is none but tone 'hostile'; the codebook gives it calm tone")]


def test_an_article_on_both_sides_of_a_split_is_told_once(file: Write) -> None:
    rows = ["a,Norway left.,Norway,neutral,neutral,train", *(f"a,Norway left port {n}.,Norway,neutral,neutral,test" for n in range(3))]
    path = file("\n".join(rows) + "\n")
    assert [f.place for f in warnings(path) if f.kind == "leak"] == [f"{path}:3"]


@pytest.mark.parametrize(
    ("text", "language"),
    [("Der Minister und das Parlament", "German"), ("Der Minister und Parlament", ""), ("Der Minister und das Parlament said the", ""), ("Der Minister und das Parlament mit said the", "German")],
)
def test_a_language_has_three_common_words_and_twice_those_of_english(text: str, language: str) -> None:
    assert foreign(text) == language


def test_a_carried_actor_may_have_other_labels_in_another_article(file: Write) -> None:
    rows = [f"{a},Norway met {b}.,Norway,neutral,neutral,\n{a},Both sides stayed silent.,Norway,{x},neutral,\n" for a, b, x in (("a", "Chile", "neutral"), ("b", "Peru", "firm"))]
    assert [f.line for f in warnings(file("".join(rows))) if f.kind == "contradiction"] == []
