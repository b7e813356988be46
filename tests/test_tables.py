"""Labelled tables as they come: packed, with a first line for Excel, from standard input, with columns of other names."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import REPORTS, Run, write_csv

from stance.agreement import read_annotations
from stance.card import command
from stance.dataset import labelled_files, read_dataset, read_pairs
from stance.errors import DataError, InputError
from stance.model import read_manifest
from stance.tables import Record, csv_records

Cli = Callable[..., Run]
Give = Callable[[str | bytes], None]
PACK = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
ROWS = "text;actor;stance\nNorway condemned the raid.;Norway;accuse\n;Chile;deny\nPeru left.;Peru\n"


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Give:
    """`stdin(text)`: what standard input holds, once."""

    def give(text: str | bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text if isinstance(text, bytes) else text.encode())))

    return give


def excel(path: Path, mark: str = ";") -> str:
    """A comma-separated file as Excel would have it."""
    out = io.StringIO()
    with path.open(encoding="utf-8", newline="") as f:
        csv.writer(out, delimiter=mark).writerows(csv.reader(f))
    return f"sep={mark}\r\n{out.getvalue()}"


# --------------------------------------------------------------------------- packed, and `sep=;`


@pytest.mark.parametrize("packed", PACK)
@pytest.mark.parametrize("mark", [";", "|"])
def test_a_packed_table_with_a_first_line_for_excel_is_the_same(tmp_path: Path, packed: str, mark: str) -> None:
    path = tmp_path / f"d.csv{packed}"
    path.write_bytes(PACK[packed](excel(REPORTS, mark).encode()))
    data, plain = read_dataset(path), read_dataset(REPORTS)
    assert data.fingerprint == plain.fingerprint and data.pairs == plain.pairs
    assert [r.line for r in data.rows] == [r.line + 1 for r in plain.rows]
    assert labelled_files(tmp_path) == [path]


@pytest.mark.parametrize(("before", "shift"), [("", 0), ("sep=;\r\n", 1), ('"sep=;"\n', 1)])
def test_lines_are_counted_with_the_first(tmp_path: Path, before: str, shift: int) -> None:
    path = tmp_path / "d.csv"
    path.write_text(before + ROWS)
    with pytest.raises(DataError) as e:
        read_dataset(path)
    assert [p.removeprefix(f"{path}:")[:3] for p in e.value.problems] == [f"{n + shift}: " for n in (3, 4)]
    with pytest.raises(DataError, match=f"d.csv:{1 + shift}: no column 'tone'"):
        read_dataset(path, heads=["tone"])


def test_what_is_cut_off_or_holds_nothing_is_a_message(tmp_path: Path) -> None:
    path = tmp_path / "d.csv.gz"
    path.write_bytes(gzip.compress(REPORTS.read_bytes())[:-9])
    with pytest.raises(InputError, match=r"d\.csv\.gz: damaged or cut off.*\n  get the file again$"):
        read_dataset(path)
    path.write_bytes(gzip.compress(b"sep=;\n"))
    with pytest.raises(DataError, match="no column 'text', 'actor', 'stance'; seen: nothing"):
        read_dataset(path)


def test_a_quote_that_is_closed_in_a_later_row_swallows_none_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text('text,actor,stance\n"Norway left,Norway,neutral\nChile denied it",Chile,deny\n"a 12"" gun,\nhe said",Peru,deny\n')
    assert [r.text for r in read_dataset(path).rows][1:] == ['a 12" gun,\nhe said']  # right, as far as CSV goes
    path.write_text('text,actor,stance\n"Norway left,Norway,neutral\n"Chile denied it",Chile,deny\nPeru left.,Peru,neutral\n')
    with pytest.raises(DataError) as e:
        read_dataset(path)
    assert e.value.problems[0].endswith("d.csv:2: a quotation mark that opens here is never closed, or only in a later row: lines 2 to 3 became one cell; close it")


def test_a_quote_that_closes_inside_a_cell_is_not_lost_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    rows = ['"We will not yield," Norway said.', r'"Norway said \"no\" to Chile"', "Peru's 12\" gun fired.", '"Peru said ""no"""', 'Peru said "no".']
    path.write_text("text,actor,stance\n" + "".join(f"{x},{'Peru' if 'Peru' in x else 'Norway'},deny\n" for x in rows))
    with pytest.raises(DataError) as e:
        read_dataset(path)
    said = 'a quotation mark closes before its cell ends, and is lost; double ("") those of a text, and put it in quotation marks'
    assert e.value.problems == (f"{path}:2: {said}", f"{path}:3: {said}")


def test_records() -> None:
    assert list(csv_records(io.StringIO(""))[1]) == [Record(1, [])]
    mark, records = csv_records(io.StringIO('sep=\t\na\tb\n\n1\t"2\n3"\n4\t"5\n', newline=""))
    assert mark == "\t" and [(r.line, r.cells, bool(r.fault)) for r in records] == [(2, ["a", "b"], False), (4, ["1", "2\n3"], False), (6, ["4", "5\n"], True)]


# --------------------------------------------------------------------------- standard input, read once


@pytest.mark.parametrize(
    "args",
    ["check -", "train - --folds 2 -o m.stance", "evaluate - --folds 2", "evaluate MODEL - --end-to-end", "predict - -m MODEL --prefix m_", "export - --to doccano", "import - --from csv"],
)
def test_a_table_from_standard_input(run: Cli, stdin: Give, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model_file: Path, args: str) -> None:
    """It is there once: whoever reads it again finds nothing."""
    monkeypatch.chdir(tmp_path)
    words: list[object] = [model_file if a == "MODEL" else a for a in args.split()]
    stdin(REPORTS.read_bytes())
    piped = run(*words)
    assert piped.code == 0 and piped == run(*(REPORTS if w == "-" else w for w in words))
    stdin("text,actor,stance,tone\nNorway left.,Norway\n")
    r = run(*words)
    assert r.code == 1 and "-:2: row has 2 cells, the header 4" in r.err


def test_train_warns_of_cues_that_are_no_utf_8(run: Cli, tmp_path: Path) -> None:
    cues = tmp_path / "cues.csv"
    cues.write_bytes("phrase,label,kind,weight\ndémarche,nonsense,verb,3\n".encode("cp1252"))
    r = run("train", REPORTS, "--cues", cues, "-o", tmp_path / "m.stance")
    assert r.code == 1 and r.err.startswith(f"warning: {cues}:2: not UTF-8 (byte 0xe9); read as cp1252\nerror: ")


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("a.xlsx", b"PK\x03\x04\x14", "this is a zip, as .xlsx, .docx, .odt and .epub are, not text\n  save it as CSV (UTF-8)"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1", "this is an old Office file (.doc, .xls), not text\n  save it as CSV (UTF-8)"),
        ("a.bin", b"ab\0c", "this is a binary file, not text\n  save it as CSV (UTF-8)"),
    ],
)
def test_what_is_no_table_is_told(run: Cli, tmp_path: Path, name: str, raw: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(raw)
    r = run("train", tmp_path / name, "-o", tmp_path / "m.stance")
    assert r.code == 1 and r.err == f"error: {tmp_path / name}: {said}\n"


@pytest.mark.parametrize("args", ["evaluate REPORTS MODEL", "train MODEL", "predict MODEL", "classify MODEL"])
def test_a_model_in_the_place_of_data_is_told(run: Cli, model_file: Path, args: str) -> None:
    r = run(*({"REPORTS": REPORTS, "MODEL": model_file}.get(a, a) for a in args.split()))
    assert r.code == 1 and f"{model_file}: this is a model, not text\n  the model is named before the data" in r.err


def test_definitions_from_standard_input(run: Cli, stdin: Give, tmp_path: Path) -> None:
    todo = write_csv(tmp_path / "todo.csv", [{"text": "Norway left.", "actor": "Norway", "position": ""}])
    stdin("sep=;\nhead;label;definition\nposition;pro;for it\n")
    task = json.loads(run("export", todo, "--to", "prodigy", "--head", "position", "--definitions", "-").out)
    assert [o["id"] for o in task["options"]] == ["position:pro"]
    stdin("sep=;\nhead;label;definition\nposition;;for it\n")
    assert "-:3: no label ''" in run("export", todo, "--to", "prodigy", "--head", "position", "--definitions", "-").err


def test_predict_gives_the_first_line_back(run: Cli, tmp_path: Path, model_file: Path) -> None:
    path, out = tmp_path / "d.csv", tmp_path / "out.csv"
    path.write_text("sep=|\ntext|actor\nNorway condemned the raid.|Norway\n")
    assert run("predict", path, "-m", model_file, "-o", out).code == 0
    first, header, row = out.read_text("utf-8").splitlines()
    assert first == "sep=|" and header.startswith("text|actor|stance|stance_p|") and row.startswith("Norway condemned the raid.|Norway|")
    assert len(read_pairs(out)) == 1 and run("predict", tmp_path, "-m", model_file).code == 2


# --------------------------------------------------------------------------- columns and heads


@pytest.fixture
def coded(tmp_path: Path) -> Path:
    """Two annotators in one file, its columns of other names; `actor` is something else."""
    return write_csv(tmp_path / "c.csv", [{"Sentence": "Norway left.", "who": "Norway", "actor": "?", "position": x, "coder": c} for x, c in (("deny", "ann"), ("firm", "bob"))])


COLUMNS = ("--column", "text=sentence", "--column", "actor=who", "--column", "stance=position")


def test_columns_of_other_names_for_agreement_and_tools(run: Cli, coded: Path) -> None:
    found = json.loads(run("agree", coded, *COLUMNS, "--column", "annotator=coder", "-f", "json").out)
    assert found["heads"]["stance"]["annotators"] == ["ann", "bob"] and found["disagreements"] == 1
    tasks = run("export", coded, *COLUMNS, "--to", "doccano").out.splitlines()
    assert json.loads(tasks[0]) == {"text": "Norway left.", "label": ["stance:deny"], "actor": "Norway"}
    first, _ = csv.DictReader(run("import", coded, "--from", "csv", *COLUMNS, "--column", "annotator=coder").out.splitlines())
    assert (first["text"], first["actor"], first["stance"], first["annotator"]) == ("Norway left.", "Norway", "deny", "ann")
    for args in (["agree"], ["export", "--to", "doccano"], ["import", "--from", "csv"]):
        assert "no column 'nobody'; seen: sentence, who" in run(args[0], coded, *args[1:], "--column", "actor=nobody").err
    assert run("import", coded, "--from", "doccano", *COLUMNS).code == 2


def test_columns_of_a_wide_file(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "w.csv", [{"id": 1, "who": "Norway", "x_stance": "deny", "y_stance": "firm"}])
    (unit,) = read_annotations(path, columns={"actor": "who", "sentence_id": "id"}).units
    assert (unit.row.actor, unit.row.sentence_id, unit.labels["stance"]) == ("Norway", "1", ("deny", "firm"))
    path.write_text("text,actor,x_stance,y_stance\nNorway left.,Norway,deny\n")
    with pytest.raises(DataError, match="w.csv:2: row has 3 cells, the header 4"):
        read_annotations(path)


def test_the_card_says_which_column_held_what_and_what_is_neutral(run: Cli, tmp_path: Path) -> None:
    path, model = tmp_path / "d.csv", tmp_path / "m.stance"
    path.write_text(REPORTS.read_text("utf-8").replace(",actor,", ',"who, or what",', 1).replace("stance,", "frame,", 1))
    given = ("--column", "actor=who, or what", "--column", "stance=frame", "--neutral", "stance=deny")
    assert run("train", path, "--head", "stance", *given, "--folds", "2", "-o", model).code == 0
    words = shlex.split(command(read_manifest(model), "m.stance"))
    at = words.index("--column")
    assert words[at : at + 6] == list(given)
    assert "  columns: actor=who, or what, stance=frame\n" in run("info", model).out


def test_import_needs_the_head_it_is_given(run: Cli, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "d.csv", [{"text": "Norway left.", "actor": "Norway", "mood": "calm"}])
    r = run("import", path, "--from", "csv", "--head", "mod")
    assert r.code == 1 and f"{path}:1: no column 'mod'; seen: text, actor, mood\n  did you mean 'mood'?" in r.err
    assert ",mood," in run("import", path, "--from", "csv", "--head", "mood").out


def test_import_of_a_row_that_has_lost_cells(run: Cli, tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("text,actor,stance\nNorway, too, left.,Norway,neutral\n")
    assert f"{path}:2: 5 cells, the header has 3" in run("import", path, "--from", "csv").err


@pytest.mark.parametrize("command", [("sample", "d.csv", "-o"), ("import", "d.csv", "--from", "csv", "-o"), ("agree", "d.csv", "-o"), ("agree", "d.csv", "--agreed")])
@pytest.mark.parametrize("name", ["x.json", "x"])
def test_labelled_data_is_written_to_csv_alone(run: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], name: str) -> None:
    monkeypatch.chdir(tmp_path)
    write_csv(Path("d.csv"), [{"text": "Norway left.", "actor": "Norway", "stance": s, "annotator": a} for s, a in (("deny", "ann"), ("firm", "bob"))])
    r = run(*command, name)
    assert r.code == 2 and f"{name}: labelled data is CSV" in r.err and not Path(name).exists()
    assert run(*command, "x.csv").code == 0 and Path("x.csv").exists()


@pytest.mark.parametrize("head", ["target", "Text", "annotator", " "])
def test_a_head_to_fill_overwrites_no_column(run: Cli, tmp_path: Path, head: str) -> None:
    (tmp_path / "a.txt").write_text("Norway left.")
    r = run("sample", tmp_path / "a.txt", "--head", head, "-o", tmp_path / "todo.csv")
    assert r.code == 1 and "name another label column with --head" in r.err and not (tmp_path / "todo.csv").exists()
    assert run("sample", tmp_path / "a.txt", "--head", "mood", "--head", "mood").out.startswith("article_id,sentence_id,text,actor,start,end,mood,target,")
