"""To annotation tools and back: nothing is lost, and files in the tools' own shape are understood."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from conftest import REPORTS, Run, write_csv
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stance.annotation import CONTEXT_ONLY, TOOLS, export_lines, import_file
from stance.codebook import Head
from stance.dataset import Row, Table, read_dataset, read_table
from stance.errors import DataError, InputError
from stance.tables import MISSING, PLAIN_NUMBER, composed, plain_cell, spreadsheet_cell

Cli = Callable[..., Run]

CHARACTERS = st.characters(exclude_categories=("Cs",), exclude_characters="\x00")
TEXT = st.text(CHARACTERS, min_size=1, max_size=30).filter(lambda t: t.strip()) | st.sampled_from(["=1+1", "'=x", "-a\r\nb", "@x", "\ttab", "😀 said “no”", "a,b;c\td"])
WORD = st.text(CHARACTERS, max_size=12).map(lambda x: composed(x).strip()).filter(lambda x: x.upper() not in MISSING) | st.sampled_from(["", "+49", "a:b", "=x", "'"])
LABELS = st.fixed_dictionaries({"stance": WORD, "tone": WORD, "mood": WORD})


@st.composite
def rows(draw: st.DrawFn) -> Row:
    text = draw(TEXT)
    span = sorted(draw(st.lists(st.integers(0, len(text)), min_size=2, max_size=2, unique=True))) if len(text) > 1 and draw(st.booleans()) else [None, None]
    more = {k: draw(WORD) for k in ("actor", "article_id", "sentence_id", "context", "date", "split", "target", "annotator", "title", "source")}
    return Row("f", 1, text, labels=draw(LABELS), start=span[0], end=span[1], **more)


def told(row: Row) -> dict[str, Any]:
    """All of a row that a tool must give back."""
    found = {k: v for k, v in asdict(row).items() if k not in ("file", "line")}
    found["labels"] = {h: x for h, x in row.labels.items() if x}
    return found


@pytest.mark.parametrize("tool", TOOLS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(drawn=st.lists(rows(), min_size=1, max_size=5))
def test_out_and_back_is_the_same(tool: str, drawn: list[Row], tmp_path: Path) -> None:
    heads = tuple(Head(h, tuple(sorted({r.labels[h] for r in drawn}))) for h in ("stance", "tone", "mood"))
    path = tmp_path / "x"
    path.write_text("\n".join(export_lines(Table(heads, tuple(drawn), ()), tool)) + "\n", "utf-8", newline="")
    assert list(map(told, import_file(path, tool, heads=["mood"]).rows)) == list(map(told, drawn))


@pytest.mark.parametrize("tool", TOOLS)
def test_the_reports_come_back_as_they_were(run: Cli, tmp_path: Path, tool: str) -> None:
    assert run("export", REPORTS, "--to", tool, "-o", tmp_path / "out").code == 0
    r = run("import", tmp_path / "out", "--from", tool, "-o", tmp_path / "back.csv")
    assert (r.code, r.out, r.err) == (0, "", "177 rows\n")
    assert read_dataset(tmp_path / "back.csv").fingerprint == read_dataset(REPORTS).fingerprint


@given(st.text(CHARACTERS, max_size=8) | st.sampled_from(["=1", "'=1", "''=1", "'a", "-", "\r", "\tx", "'"]))
def test_a_safe_cell_is_no_formula_and_comes_back(text: str) -> None:
    assert plain_cell(spreadsheet_cell(text)) == text
    assert not spreadsheet_cell(text).startswith(("=", "+", "-", "@", "\t", "\r")) or PLAIN_NUMBER.fullmatch(text)


@pytest.mark.parametrize("cell", ["-1", "+1", "-2.0", "+0,5"])
def test_a_plain_number_is_no_formula(cell: str) -> None:
    assert spreadsheet_cell(cell) == cell == plain_cell(cell) == plain_cell(f"'{cell}")
    assert plain_cell(spreadsheet_cell(f"'{cell}")) == f"'{cell}"
    assert spreadsheet_cell(f"{cell} for Iran") == f"'{cell} for Iran"
    assert spreadsheet_cell("-1+1") == "'-1+1" and spreadsheet_cell("-1\n") == "'-1\n"


def test_no_cell_of_the_exported_csv_is_a_formula(tmp_path: Path, run: Cli) -> None:
    path = write_csv(tmp_path / "d.csv", [{"article_id": "-a", "text": "=HYPERLINK(\"x\") said Norway", "actor": "@Norway", "stance": "deny", "target": "+1+1"}])
    lines = list(csv.reader(io.StringIO(run("export", path, "--to", "csv").out)))
    assert not [c for line in lines for c in line if c.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert {"'-a", "'@Norway", "'+1+1"} < set(lines[1])


def test_spans_hold_in_the_safe_csv_and_after_it(tmp_path: Path, run: Cli) -> None:
    row = {"text": "- So Norway denied it.", "actor": "Norway", "stance": "deny", "start": 5, "end": 11}
    path = write_csv(tmp_path / "d.csv", [row])
    assert run("export", path, "--to", "csv", "-o", tmp_path / "safe.csv").code == 0
    (safe,) = read_dataset(tmp_path / "safe.csv").rows  # read without `import`: the same
    assert (safe.text, safe.text[safe.start : safe.end]) == ("- So Norway denied it.", "Norway")
    assert run("import", tmp_path / "safe.csv", "--from", "csv", "-o", tmp_path / "back.csv").code == 0
    assert told(read_dataset(tmp_path / "back.csv").rows[0]) == told(read_dataset(path).rows[0])


# --------------------------------------------------------------------------- files in the tools' shape


def file(tmp_path: Path, content: Any, *, lines: bool = False) -> Path:
    path = tmp_path / "task.json"
    path.write_text("\n".join(map(json.dumps, content)) if lines else json.dumps(content), "utf-8")
    return path


def test_doccano_text_classification(tmp_path: Path) -> None:
    tasks = [
        {"id": 41, "text": "Norway denied it.", "label": ["stance:deny", "tone:stern"], "actor": "Norway", "article_id": "a1", "Comments": []},
        {"id": 42, "text": "Chile left.", "label": [], "actor": "Chile", "Comments": ["unsure"]},
    ]
    got = import_file(file(tmp_path, tasks, lines=True), "doccano", annotator="ann")
    assert [(r.actor, r.labels, r.article_id, r.annotator) for r in got.rows] == [("Norway", {"stance": "deny", "tone": "stern"}, "a1", "ann"), ("Chile", {}, "", "ann")]
    assert got.heads == ("stance", "tone")


def test_doccano_sequence_labelling(tmp_path: Path) -> None:
    (row,) = import_file(file(tmp_path, [{"id": 1, "text": "So Norway denied it.", "label": [[3, 9, "deny"]], "actor": "Norway"}], lines=True), "doccano").rows
    assert (row.start, row.end, row.labels, row.text[3:9]) == (3, 9, {"stance": "deny"}, "Norway")


@pytest.mark.parametrize("tool", ["doccano", "prodigy", "label-studio"])
def test_two_spans_of_one_task_are_told(tmp_path: Path, tool: str) -> None:
    def task(*spans: tuple[int, int]) -> dict[str, Any]:
        text, marked = "Norway denied it.", [{"start": a, "end": b, "label": "ACTOR", "labels": ["ACTOR"]} for a, b in spans]
        if tool == "doccano":
            return {"text": text, "actor": "Norway", "label": [[a, b, "stance:deny"] for a, b in spans]}
        if tool == "prodigy":
            other = {"start": 14, "end": 16, "label": "PRONOUN"}
            return {"text": text, "meta": {"actor": "Norway"}, "accept": ["stance:deny"], "spans": [other, *marked]}
        result = [{"type": "labels", "value": x} for x in marked]
        return {"data": {"text": text, "actor": "Norway"}, "annotations": [{"result": [*result, choice("stance", "deny")]}]}

    (row,) = import_file(file(tmp_path, [task((0, 6), (0, 6))], lines=tool != "label-studio"), tool).rows
    assert (row.start, row.end, row.labels) == (0, 6, {"stance": "deny"})
    path = file(tmp_path, [task((0, 6), (7, 13))], lines=tool != "label-studio")
    with pytest.raises(DataError) as e:
        import_file(path, tool)
    assert e.value.problems == (f"{path}:{'task ' * (tool == 'label-studio')}1: two spans: 0,6 and 7,13; keep one, of the actor",)


def test_doccano_gives_each_annotator_a_file(tmp_path: Path, run: Cli) -> None:
    for who, stance in (("ann", "deny"), ("bob", "firm")):
        task = {"id": 1, "text": "Norway denied it.", "label": [f"stance:{stance}"], "actor": "Norway", "article_id": "a", "sentence_id": "0"}
        (tmp_path / f"{who}.jsonl").write_text(json.dumps(task))
    assert run("import", tmp_path / "ann.jsonl", tmp_path / "bob.jsonl", "--from", "doccano", "-o", tmp_path / "both.csv").code == 0
    assert "1 pair on which annotators disagree" in run("agree", tmp_path / "both.csv").out


def choice(head: str, label: str) -> dict[str, Any]:
    return {"id": "k3", "from_name": head, "to_name": "text", "type": "choices", "origin": "manual", "value": {"choices": [label]}}


def test_label_studio_tasks_of_two_annotators(tmp_path: Path) -> None:
    span = {"id": "x1", "from_name": "span", "to_name": "text", "type": "labels", "origin": "manual", "value": {"start": 3, "end": 9, "text": "Norway", "labels": ["ACTOR"]}}
    task = {
        "id": 7, "data": {"text": "😀 Norway denied it.", "actor": "Norway", "article_id": "a1", "sentence_id": 4},
        "annotations": [
            {"id": 1, "completed_by": 3, "was_cancelled": False, "lead_time": 4.2, "result": [choice("stance", "deny"), choice("tone", "stern"), span]},
            {"id": 2, "completed_by": {"id": 5, "email": "bob@example.org"}, "was_cancelled": False, "result": [choice("stance", "firm")]},
            {"id": 3, "completed_by": 6, "was_cancelled": True, "result": []},
        ],
        "predictions": [], "created_at": "2024-01-01T00:00:00Z",
    }  # fmt: skip
    path = file(tmp_path, [task])
    got = import_file(path, "label-studio")
    assert [(r.annotator, r.labels) for r in got.rows] == [("3", {"stance": "deny", "tone": "stern"}), ("bob@example.org", {"stance": "firm"})]
    assert got.left_out == (f"{path}:task 1: skipped by its annotator",)
    first = got.rows[0]
    assert first.text[first.start : first.end] == "Norway" and first.sentence_id == "4"  # the browser counted the face twice


def test_prodigy_choices(tmp_path: Path) -> None:
    task = {
        "text": "Norway denied it.", "meta": {"actor": "Norway", "article_id": "a1"}, "_input_hash": 1, "_task_hash": 2, "_view_id": "choice",
        "options": [{"id": "stance:deny", "text": "stance: deny"}], "accept": ["stance:deny"], "config": {"choice_style": "multiple"},
        "answer": "accept", "_timestamp": 1_700_000_000, "_annotator_id": "news-ann", "_session_id": "news-ann", "spans": [{"start": 0, "end": 6, "label": "ACTOR", "token_start": 0, "token_end": 0}],
    }  # fmt: skip
    path = file(tmp_path, [task, {**task, "answer": "reject"}, {**task, "answer": "ignore"}], lines=True)
    got = import_file(path, "prodigy")
    (row,) = got.rows
    assert (row.actor, row.labels, row.start, row.end, row.annotator) == ("Norway", {"stance": "deny"}, 0, 6, "news-ann")
    assert got.left_out == (f"{path}:2: answered 'reject'", f"{path}:3: answered 'ignore'")


def test_the_label_studio_interface_names_what_the_tasks_hold() -> None:
    table = read_table(REPORTS)
    root = ET.fromstring("\n".join(export_lines(table, "label-studio-config")))
    assert [c.get("value") for c in root.find("Choices[@name='stance']")] == ["firm", "accuse", "deny", "demand", "threaten", "cooperate", "neutral"]  # type: ignore[union-attr]
    task = json.loads("\n".join(export_lines(table, "label-studio")))[0]
    shown = {x.get("value", "")[1:] for x in root.iter() if x.get("value", "").startswith("$")}
    assert shown <= set(task["data"])
    assert {r["from_name"] for r in task["annotations"][0]["result"]} <= {x.get("name") for x in root.iter()}


def test_unlabelled_rows_go_out_for_labelling(tmp_path: Path, run: Cli) -> None:
    path = write_csv(tmp_path / "new.csv", [{"text": "Norway denied it.", "actor": "Norway"}])
    task = json.loads(run("export", path, "--to", "prodigy").out)
    assert len(task["options"]) == 11 and "answer" not in task
    (tmp_path / "t.jsonl").write_text(json.dumps(task) + "\n" + json.dumps({**task, "accept": ["stance:deny", "tone:stern"], "answer": "accept"}))
    r = run("import", tmp_path / "t.jsonl", "--from", "prodigy", "--labelled-only")
    assert "warning: 1 row without a label of stance, tone" in r.err and "1 row\n" in r.err
    assert len(r.out.splitlines()) == 2


def test_labelled_only_leaves_out_what_lacks_a_label(tmp_path: Path, run: Cli) -> None:
    told = [("Norway denied it.", "deny", "stern"), ("Norway left.", "neutral", ""), ("Norway met Chile.", "", ""), ("Norway won.", "", "warm")]
    path = write_csv(tmp_path / "half.csv", [{"text": t, "actor": "Norway", "stance": s, "tone": x} for t, s, x in told])
    args = ["import", path, "--from", "csv", "--labelled-only", "-o", tmp_path / "back.csv"]
    assert run(*args).err == f"warning: 3 rows without a label of stance, tone (2 of them with only some), left out; the first is {path}:3\n1 row\n"
    assert [r.text for r in read_table(tmp_path / "back.csv").rows] == ["Norway denied it."]
    assert run(*args, "--head", "stance").err == f"warning: 2 rows without a label of stance, left out; the first is {path}:4\n2 rows\n"
    assert len(read_dataset(tmp_path / "back.csv", heads=["stance"])) == 2
    assert run(*args[:-3]).err.endswith("(2 of them with only some); the first is " + f"{path}:3\n4 rows\n")


def test_sentences_left_without_a_label_stay_as_context(tmp_path: Path, run: Cli) -> None:
    """A later "he" keeps whom it means; what stands behind the last label, and articles without any, are left out."""
    said = ["President Boric met the king of Norway.", "It rained.", "He condemned the raid.", "He left."]
    rows = [{"article_id": a, "sentence_id": n, "text": x, "actor": "" if n == 1 else "Chile", "stance": ""} for a in "ab" for n, x in enumerate(said)]
    rows.insert(1, {**rows[0], "actor": "Norway"})
    rows[3]["stance"] = "accuse"
    whole = write_csv(tmp_path / "todo.csv", rows)
    r = run("import", whole, "--from", "csv", "--head", "stance", "--labelled-only", "-o", tmp_path / "done.csv")
    assert r.code == 0 and r.err.endswith(f"warning: 6 rows without a label of stance, left out; the first is {whole}:2\n3 rows, 2 of them for context alone\n")
    assert [(r.text, r.actor, r.labels["stance"]) for r in read_table(tmp_path / "done.csv").rows] == [(said[0], "", ""), (said[1], "", ""), (said[2], "Chile", "accuse")]
    (pair,) = read_dataset(tmp_path / "done.csv").pairs
    assert [m.text for m in pair.mentions] == ["He"]


@pytest.mark.parametrize("tool", ["doccano", "label-studio", "prodigy"])
def test_a_task_without_an_actor_says_so_and_its_labels_are_dropped(tmp_path: Path, run: Cli, tool: str) -> None:
    rows = [{"article_id": "a", "text": "Norway denied it.", "actor": "Norway", "stance": "deny"}, {"article_id": "a", "text": "It rained."}]
    out = run("export", write_csv(tmp_path / "d.csv", [*rows, {**rows[1], "text": "It snowed."}]), "--to", tool).out
    tasks = json.loads(out) if tool == "label-studio" else [json.loads(x) for x in out.splitlines()]
    assert [(t.get("data") or t.get("meta") or t)["actor"] for t in tasks] == ["Norway", CONTEXT_ONLY, CONTEXT_ONLY]
    for key in tasks[0].keys() & {"label", "accept", "answer", "annotations"}:
        tasks[1][key] = tasks[0][key]
    r = run("import", file(tmp_path, tasks, lines=tool != "label-studio"), "--from", tool, "-o", tmp_path / "back.csv")
    assert r.err.startswith("warning: dropped the labels of 1 row without an actor (context only); the first is ") and r.err.endswith(":2\n3 rows\n")
    assert [(r.actor, r.labels) for r in read_table(tmp_path / "back.csv").rows] == [("Norway", {"stance": "deny"}), ("", {"stance": ""}), ("", {"stance": ""})]


# --------------------------------------------------------------------------- what cannot be read


def test_all_bad_tasks_are_told_at_once(tmp_path: Path) -> None:
    tasks = [
        {"text": "Norway denied it.", "label": ["stance:deny", "stance:firm"], "actor": "Norway"},
        {"label": []},
        {"text": "Norway left.", "label": "deny"},
        {"text": "x", "label": [[0, 9, "deny"]]},
    ]
    path = file(tmp_path, tasks, lines=True)
    with pytest.raises(DataError) as e:
        import_file(path, "doccano")
    assert e.value.problems == (
        f"{path}:1: two labels of 'stance': 'deny', 'firm'; keep one",
        f"{path}:2: no 'text' in it",
        f"{path}:3: label 'deny' is not a list; export a text classification or sequence labelling project",
        f"{path}:4: start,end 0,9 are outside the text of 1 characters, or hold none; start counts from 0, and end is one after the last character",
    )
    assert e.value.message == "4 bad tasks; nothing was read"


@pytest.mark.parametrize(
    ("tool", "content", "said"),
    [
        ("doccano", '{"text": ', ":1: not JSON: Expecting value"),
        ("label-studio", "[1,", ":1: not JSON: Expecting value"),
        ("label-studio", '{"data": {}}', ":1: not a list of tasks"),
        ("csv", "text,stance\nx,y\n", ":1: no column 'actor'; seen: text, stance"),
        (
            "csv", "text,actor,ann_mood,bob_mood,mood\nx,y,glad,sad,sad\n",
            ":1: no column stance or tone; label columns here may be ann_mood, bob_mood, mood: --head mood",
        ),
    ],
)
def test_not_a_file_of_the_tool(tmp_path: Path, tool: str, content: str, said: str) -> None:
    path = tmp_path / "f"
    path.write_text(content)
    with pytest.raises(InputError) as e:
        import_file(path, tool)
    assert e.value.message == f"{path}{said}" and e.value.hint


def test_a_label_without_a_head_is_told(tmp_path: Path, run: Cli) -> None:
    path = file(tmp_path, [{"text": "Norway denied it.", "label": ["deny"], "actor": "Norway"}], lines=True)
    r = run("import", path, "--from", "doccano")
    assert f"taken for a stance; the first is {path}:1: 'deny'; --head NAME" in r.err
    assert "warning" not in (r := run("import", path, "--from", "doccano", "--head", "mood")).err and ",mood," in r.out


@pytest.mark.parametrize("label", ["text:deny", "Actor:deny", "annotator:deny", ":deny"])
def test_a_label_overwrites_no_column(tmp_path: Path, label: str) -> None:
    path = file(tmp_path, [{"text": "Norway denied it.", "label": [label], "actor": "Norway"}], lines=True)
    with pytest.raises(DataError) as e:
        import_file(path, "doccano")
    assert e.value.problems[0].startswith(f"{path}:1: label {label!r}: a ")
    with pytest.raises(InputError):
        import_file(path, "doccano", heads=["text"])
    path = file(tmp_path, [{"data": {"text": "x"}, "annotations": [{"result": [choice("text", "x")]}]}])
    with pytest.raises(DataError, match="choices called 'text'"):
        import_file(path, "label-studio")


DOCCANO = {"id": 1, "text": "Norway denied it.", "label": ["stance:deny"], "actor": "Norway"}
PRODIGY = {"text": "Norway denied it.", "meta": {"actor": "Norway"}, "options": [], "accept": ["stance:deny"], "answer": "accept", "_input_hash": 1}
STUDIO = {"data": {"text": "Norway denied it.", "actor": "Norway"}, "annotations": []}


@pytest.mark.parametrize(
    ("task", "source", "said"),
    [
        (DOCCANO, "prodigy", ":1: no `accept` or `options` of prodigy in it; it looks like doccano"),
        (PRODIGY, "doccano", ":1: no `label` of doccano in it; it looks like prodigy"),
        ([STUDIO], "doccano", ":1: no `label` of doccano in it; it looks like label-studio"),
        ([DOCCANO], "label-studio", ":task 1: no `data` of label-studio in it; it looks like doccano"),
    ],
)
def test_a_file_of_another_tool(tmp_path: Path, task: Any, source: str, said: str) -> None:
    (tmp_path / "f").write_text(json.dumps(task))
    with pytest.raises(InputError) as e:
        import_file(tmp_path / "f", source)
    assert e.value.message == f"{tmp_path / 'f'}{said}" and e.value.hint == f"give --from {said.split()[-1]}"


@pytest.mark.parametrize(("source", "said"), [("prodigy", "no `accept` or `options` in it"), ("doccano", "no `label` in it")])
def test_a_record_of_no_tool(tmp_path: Path, source: str, said: str) -> None:
    path = file(tmp_path, [{"text": "Norway denied it.", "actor": "Norway"}], lines=True)
    with pytest.raises(DataError) as e:
        import_file(path, source)
    assert e.value.problems == (f"{path}:1: {said}",)


@pytest.mark.parametrize(("text", "said"), [("[" * 200_000, "brackets in brackets"), ("[" + "1" * 5000 + "]", "cannot be read: Exceeds the limit")], ids=["deep", "long"])
@pytest.mark.parametrize("source", ["doccano", "label-studio"])
def test_json_that_python_cannot_hold_is_a_message(tmp_path: Path, run: Cli, source: str, text: str, said: str) -> None:
    (tmp_path / "f").write_text(text)
    r = run("import", tmp_path / "f", "--from", source)
    assert r.code == 1 and f"{tmp_path / 'f'}:1: {said}" in r.err


def test_another_shape_inside_a_task(tmp_path: Path) -> None:
    path = file(tmp_path, [{"data": {"text": "x"}, "annotations": [{"result": [{"type": "choices", "value": {}}]}]}])
    with pytest.raises(DataError) as e:
        import_file(path, "label-studio")
    assert e.value.problems == (f"{path}:task 1: not the shape of label-studio: KeyError 'from_name'",)


def test_tools_nobody_knows(tmp_path: Path, run: Cli) -> None:
    r = run("export", REPORTS, "--to", "docano")
    assert r.code == 1 and "'docano' is not a tool that stance writes for\n  did you mean 'doccano'?" in r.err
    r = run("import", REPORTS, "--from", "brat")
    assert r.code == 1 and "one of doccano, label-studio, prodigy, csv" in r.err


@pytest.mark.parametrize("args", [["export", REPORTS, "--to", "csv", "-o"], ["export", REPORTS, "--pipeline"], ["import", REPORTS, "--from", "csv", "-o"]])
def test_a_folder_that_is_not_there(tmp_path: Path, run: Cli, args: list[Any]) -> None:
    r = run(*args, tmp_path / "nodir" / "x.csv")
    assert r.code == 2 and "there is no folder" in r.err and not (tmp_path / "nodir").exists()


def test_export_needs_one_purpose(run: Cli) -> None:
    assert run("export", REPORTS, "--to", "csv", "--pipeline", "p.joblib").code == 2
    assert run("export", REPORTS).code == 2


def test_a_head_with_a_colon_is_refused(tmp_path: Path, run: Cli) -> None:
    path = write_csv(tmp_path / "d.csv", [{"text": "Norway left.", "actor": "Norway", "a:b": "x"}])
    r = run("export", path, "--head", "a:b", "--to", "doccano")
    assert r.code == 1 and "a head called 'a:b' cannot be exported: its name holds a colon" in r.err


def test_input_is_never_overwritten(tmp_path: Path, run: Cli) -> None:
    path = write_csv(tmp_path / "d.csv", [{"text": "Norway left.", "actor": "Norway", "stance": "neutral"}])
    for option, *args in (
        ("-o", "export", path, "--to", "csv"), ("-o", "import", path, "--from", "csv"), ("--pipeline", "export", path), ("--agreed", "agree", path)
    ):  # fmt: skip
        r = run(*args, option, path)
        assert r.code == 1 and f"choose another name for {option}\n" in r.err


def test_definitions_name_the_choices_where_no_row_has_a_label(run: Cli, tmp_path: Path) -> None:
    todo = write_csv(tmp_path / "todo.csv", [{"text": "Norway left.", "actor": "Norway", "position": "", "frame": "war"}])
    told = tmp_path / "told.csv"
    told.write_text("head,label,definition\nposition,pro,for it\nposition,con,against it\nframe,peace,\n")
    heads = ("--head", "position", "--head", "frame")
    for to in ("label-studio-config", "prodigy"):
        r = run("export", todo, "--to", to, *heads, "-o", tmp_path / "out")
        assert r.code == 1 and r.err.startswith("error: nothing to choose for position: no row holds a label of it") and "--definitions FILE" in r.err
        assert not (tmp_path / "out").exists()
    config = run("export", todo, "--to", "label-studio-config", *heads, "--definitions", told).out
    choices = {c.get("name"): [x.get("value") for x in c] for c in ET.fromstring(config).iter("Choices")}
    assert choices == {"position": ["pro", "con"], "frame": ["peace", "war"]}
    task = json.loads(run("export", todo, "--to", "prodigy", *heads, "--definitions", told).out)
    assert [o["id"] for o in task["options"]] == ["position:pro", "position:con", "frame:peace", "frame:war"]
    assert run("export", todo, "--to", "doccano", *heads).code == 0
    told.write_text("head,label,definition\npositon,pro,for it\n")
    r = run("export", todo, "--to", "prodigy", *heads, "--definitions", told)
    assert r.code == 1 and f"{told}:2: no head 'positon' in the data; did you mean 'position'?" in r.err


@pytest.mark.parametrize("tool", ["doccano", "label-studio", "csv"])
def test_the_heads_given_are_columns_also_of_tasks_without_labels(run: Cli, tmp_path: Path, tool: str) -> None:
    todo = write_csv(tmp_path / "todo.csv", [{"text": "Norway left.", "actor": "Norway"}])
    heads = ("--head", "position", "--head", "frame")
    assert run("export", todo, "--to", tool, *heads, "-o", tmp_path / "tasks").code == 0
    header, row = csv.reader(run("import", tmp_path / "tasks", "--from", tool, *heads).out.splitlines())
    assert header[:8] == ["article_id", "sentence_id", "text", "actor", "start", "end", "position", "frame"] and "stance" not in header
    assert row[6:8] == ["", ""]


@pytest.mark.parametrize(("tool", "content"), [("doccano", '{"text": "Malmö denied it.", "label": ["deny"], "actor": "Sweden"}'), ("csv", "text,actor,stance\nMalmö denied it.,Sweden,deny\n")])
def test_an_export_that_is_no_utf8_is_told(run: Cli, tmp_path: Path, tool: str, content: str) -> None:
    (path := tmp_path / "tasks").write_text(content, "cp1252")
    r = run("import", path, "--from", tool)
    assert "Malmö denied it." in r.out and f"warning: {path}:{1 + content.count('text,')}: not UTF-8 (byte 0xf6); read as cp1252\n" in r.err


def test_half_characters_of_a_tool_are_replaced(run: Cli, tmp_path: Path) -> None:
    path, out = tmp_path / "d.jsonl", tmp_path / "d.csv"
    path.write_text('{"text": "Oslo \\ud800left \\ud83d\\ude42.", "label": ["stance:firm\\udc00"], "actor": "Norway"}\n')
    assert run("import", path, "--from", "doccano", "-o", out).code == 0
    assert "Oslo \ufffdleft 🙂." in out.read_text("utf-8") and "firm\ufffd" in out.read_text("utf-8")


def test_a_label_of_three_letters_is_no_span(tmp_path: Path) -> None:
    (row,) = import_file(file(tmp_path, [{"id": 1, "text": "Norway denied it.", "label": ["pro"], "actor": "Norway"}], lines=True), "doccano", heads=["view"]).rows
    assert (row.start, row.end, row.labels) == (None, None, {"view": "pro"})
