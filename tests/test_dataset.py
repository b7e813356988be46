"""Labelled CSV files: what is read, and what is said of every bad row."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from conftest import write_csv

from stance.checking import check
from stance.codebook import STANCES, Head
from stance.dataset import Dataset, read_dataset, read_pairs
from stance.errors import DataError, InputError, ModelError
from stance.lexicon import load_lexicon
from stance.rendering import csv_lines
from stance.training import check_trainable

HEADER = "text,actor,stance,tone\n"
Write = Callable[..., Path]
GOOD = "Norway condemned the raid.,Norway,accuse,stern\nChile denied it.,Chile,deny,neutral\n"


@pytest.fixture
def file(tmp_path: Path) -> Write:
    def write(content: str | bytes, name: str = "data.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


def problems(path: Path, **options: object) -> list[str]:
    """The problems of a file that must be refused, without the path."""
    with pytest.raises(DataError) as e:
        read_dataset(path, **options)  # type: ignore[arg-type]
    return [p.removeprefix(f"{path}:") for p in e.value.problems]


# --------------------------------------------------------------------------- what is read


def test_rows_pairs_and_labels_go_together(reports: Dataset) -> None:
    assert len(reports) == len(reports.rows) == len(reports.pairs) == len(reports.groups) == 177
    assert all(p.actor == r.actor and p.text == r.text for p, r in zip(reports.pairs, reports.rows, strict=True))
    assert reports.labels["stance"] == tuple(r.labels["stance"] for r in reports.rows)
    assert [h.name for h in reports.heads] == ["stance", "tone"]
    assert reports.heads[0].labels == STANCES


def test_every_actor_of_the_reports_is_found(reports: Dataset) -> None:
    assert reports.warnings == ()
    assert all(p.mentions and {m.actor for m in p.mentions} == {p.actor} for p in reports.pairs)


def test_the_group_is_the_article(reports: Dataset) -> None:
    assert len(set(reports.groups)) == 60


def test_without_article_id_equal_sentences_are_one_group(file: Write) -> None:
    data = read_dataset(file(HEADER + 'Norway told Chile: no.,Norway,firm,stern\n"Norway  told CHILE: No!",Chile,neutral,neutral\nChile left.,Chile,neutral,neutral\n'))
    assert data.groups[0] == data.groups[1] != data.groups[2]


TOPICS = "article_id,text,actor,stance,topic\n" + "".join(f"a{n},Norway told Chile no {n}.,Norway,firm,{t}\n" for n, t in enumerate(("oil", "fish", "oil", "", "")))


def test_an_id_that_a_spreadsheet_made_a_decimal_is_the_same_article(file: Write) -> None:
    text = "article_id,text,actor,stance,topic\n12,Norway told Chile no.,Norway,firm,1\n12.0,Chile waits.,Chile,neutral,1.0\n13.0,Peru waits.,Peru,neutral,NA\n1.5,Oslo waits.,Norway,neutral,NA\n"
    path = file(text)
    data = read_dataset(path, group_by="topic")
    assert [r.article_id for r in data.rows] == ["12", "12", "13", "1.5"] and [r.group for r in data.rows] == ["1", "1", "NA", "NA"]
    assert data.warnings == (
        f"{path}:4: group 'NA' is read as it stands (and in 1 further row); if it was written for an empty cell, empty the cell or delete the row",
        f"{path}:3: article_id '12.0' and '12' ({path}:2) are read as one article; rename one where they differ",
    )
    assert read_dataset(file(text.replace("12,", "11,"))).warnings == ()


def test_articles_that_share_a_column_are_one_group(file: Write) -> None:
    data = read_dataset(file(TOPICS), group_by="Topic")
    assert [data.groups.index(g) for g in data.groups] == [0, 1, 0, 3, 4] and len(set(data.articles)) == 5
    assert data.take([4, 2, 0]).groups == (data.groups[4], data.groups[0], data.groups[0]) and data.take([1]).group_by == "Topic"


def test_an_article_with_rows_in_two_groups_joins_them(file: Write) -> None:
    text = "article_id,text,actor,stance,topic\na,Norway told Chile no.,Norway,firm,oil\nb,Norway waits.,Norway,neutral,fish\na,Norway told Peru no.,Norway,firm,fish\n"
    assert len(set(read_dataset(file(text), group_by="topic").groups)) == 1


def test_each_file_may_be_a_group(file: Write) -> None:
    paths = [file(HEADER + GOOD), file(HEADER + "Peru waits.,Peru,neutral,neutral\n", "other.csv")]
    data = read_dataset(paths, group_by="file")
    assert [data.groups.index(g) for g in data.groups] == [0, 0, 2] and len(set(data.articles)) == 3


def test_a_column_to_group_by_that_is_not_there(file: Write) -> None:
    with pytest.raises(DataError, match=r"no column 'topics' to group by; seen: article_id.*\n.*did you mean 'topic'"):
        read_dataset(file(TOPICS), group_by="topics")


def test_split_and_take(reports: Dataset) -> None:
    rest, held = reports.split("test")
    assert len(rest) + len(held) == len(reports) and len(held) > 20
    assert {r.split for r in held.rows} == {"test"} and "test" not in {r.split for r in rest.rows}
    assert not set(rest.groups) & set(held.groups)
    assert rest.fingerprint != held.fingerprint != reports.fingerprint
    assert reports.take(range(len(reports))).fingerprint == reports.fingerprint


def test_a_mask_is_no_row_numbers(reports: Dataset) -> None:
    with pytest.raises(TypeError, match="flatnonzero"):
        reports.take([r.split == "test" for r in reports.rows])
    with pytest.raises(TypeError, match="flatnonzero"):
        reports.take(np.array([r.split == "test" for r in reports.rows]))


def test_a_data_frame_is_no_file() -> None:
    class Frame(list[str]):
        columns = ("text", "actor")

    for reader in (read_dataset, read_pairs):
        with pytest.raises(InputError, match="given as Frame.*\n.*to_csv"):
            reader(Frame(["text", "actor"]))


@pytest.mark.parametrize("odd", [None, 7, b"a.csv", [None], io.StringIO("text,actor\n")])
def test_what_is_no_path_is_told(odd: Any) -> None:
    for reader in (read_dataset, read_pairs):
        with pytest.raises(InputError, match="data are given as .*, not as the path of a file"):
            reader(odd)


def test_the_fingerprint_is_of_the_content(file: Write) -> None:
    a, b = read_dataset(file(HEADER + GOOD)), read_dataset(file(HEADER + GOOD, "other.csv"))
    c = read_dataset(file(HEADER + GOOD.replace("accuse", "firm"), "third.csv"))
    assert a.fingerprint == b.fingerprint != c.fingerprint


@pytest.mark.parametrize(("column", "value"), [("start", "1"), ("end", "5"), ("context", "Chile came."), ("date", "2031-03-05"), ("article_id", "b"), ("actor", "Peru")])
def test_whatever_decides_a_pair_is_in_its_fingerprint(file: Write, column: str, value: str) -> None:
    cells = {"article_id": "a", "text": "Norway left.", "actor": "Norway", "stance": "neutral", "start": "0", "end": "6", "context": "Norway came.", "date": "2031-03-04"}

    def print_of(cells: dict[str, str]) -> str:
        return read_dataset(file(f"{','.join(cells)}\n{','.join(cells.values())}\n")).fingerprint

    assert print_of(cells) == print_of({**cells, "split": "test"}) != print_of({**cells, column: value})


def test_a_folder_is_all_its_csv_files(file: Write, tmp_path: Path) -> None:
    file(HEADER + GOOD, "a.csv")
    file(HEADER + "Peru left.,Peru,neutral,neutral\n", "b.csv")
    file("no data", "notes.txt")
    file("\0\0Mac OS X", "._a.csv")
    (tmp_path / "old.csv").mkdir()
    assert len(read_dataset(tmp_path)) == 3


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters(file: Write, delimiter: str) -> None:
    data = read_dataset(file((HEADER + GOOD).replace(",", delimiter)))
    assert [r.actor for r in data.rows] == ["Norway", "Chile"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_with_and_without_byte_order_mark(file: Write, encoding: str) -> None:
    data = read_dataset(file(HEADER + "Perú left.,Peru,neutral,neutral\nChile denied it.,Chile,deny,neutral\n", encoding=encoding))
    assert data.rows[0].text == "Perú left." and not any("cp1252" in w for w in data.warnings)


def test_cp1252_is_read_with_a_warning_that_names_the_line(file: Write) -> None:
    path = file(HEADER + "Chile left.,Chile,neutral,neutral\nNorway “left” Malmö.,Norway,deny,neutral\n", encoding="cp1252")
    data = read_dataset(path)
    assert data.rows[1].text == "Norway “left” Malmö."
    assert any(w.startswith(f"{path}:3: not UTF-8 (byte 0x93)") and "cp1252" in w for w in data.warnings)


def test_a_few_lines_that_are_no_utf8_do_not_garble_the_others(file: Write) -> None:
    rows = [f"Peru left Málaga {n}.,Peru,neutral,neutral\n".encode("cp1252" if n in (2, 4) else "utf-8") for n in range(5)]
    path = file(HEADER.encode() + b"".join(rows))
    with pytest.raises(InputError) as e:
        read_dataset(path)
    assert e.value.message == f"{path}:4: not UTF-8 (byte 0xe1)\n{path}:6: not UTF-8 (byte 0xe1), while 3 other lines with accents or the like are"
    assert e.value.hint == "save these lines as UTF-8 too"
    path = file(HEADER.encode() + b"".join(rows[1:]))  # as many of either: no way to tell
    assert read_dataset(path).warnings[0] == f"{path}:3: not UTF-8 (byte 0xe1); read as cp1252"


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_line_ends(file: Write, newline: str) -> None:
    assert len(read_dataset(file((HEADER + GOOD).replace("\n", newline)))) == 2


def test_a_quoted_cell_may_hold_the_delimiter_and_a_line_end(file: Write) -> None:
    path = file(HEADER + '"Norway, too,\nleft.",Norway,neutral,neutral\n' + GOOD + "Chile left.,Chile,acuse,neutral\n")
    assert [p.split(":")[0] for p in problems(path)] == ["6"]


def test_column_names_in_any_case_and_order_and_other_columns(file: Write) -> None:
    data = read_dataset(file("Note,Tone,ACTOR,Text,Stance\nx,stern,Norway,Norway condemned the raid.,accuse\ny,neutral,Chile,Chile left.,neutral\n"))
    assert data.labels == {"stance": ("accuse", "neutral"), "tone": ("stern", "neutral")}


def test_tone_may_be_absent(file: Write) -> None:
    data = read_dataset(file("text,actor,stance\nNorway condemned the raid.,Norway,accuse\nChile left.,Chile,neutral\n"))
    assert [h.name for h in data.heads] == ["stance"]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("stnace,tone", ["no column 'stance', so tone alone; did you mean 'stnace'? Rename it, or --column stance=stnace"]),
        ("stance,tones", ["no column 'tone', so stance alone; did you mean 'tones'? Rename it, or --column tone=tones"]),
        ("stance,zone", []),
        ("stance,tone_p", []),
    ],
)
def test_a_head_whose_column_is_misspelt(file: Write, columns: str, said: list[str]) -> None:
    path = file(f"text,actor,{columns}\nNorway condemned the raid.,Norway,accuse,stern\nChile left.,Chile,neutral,neutral\n")
    assert [w for w in read_dataset(path).warnings if "no column" in w] == [f"{path}:1: {x}" for x in said]
    assert read_dataset(path, heads=["stance" if "stance" in columns else "tone"]).warnings == ()


def test_the_span_gives_the_mention_of_an_actor_nobody_knows(file: Write) -> None:
    data = read_dataset(file("text,actor,stance,start,end\nThe union blamed the mine.,Miners,accuse,4,9\nThe union left.,Miners,neutral,4,9\n"))
    assert [(m.text, m.start, m.end, m.first, m.last) for m in data.pairs[0].mentions] == [("union", 4, 9, 1, 2)]
    assert data.warnings == ()


def test_a_span_holds_no_sign_that_adjoins_it(file: Write) -> None:
    data = read_dataset(file('text,actor,stance,start,end\n"The (union), of course, left.",Miners,firm,5,10\nThe union left.,Miners,neutral,4,9\n'))
    assert [data.pairs[0].reading.tokens.words[m.first : m.last] for m in data.pairs[0].mentions] == [["union"]]


def test_an_actor_nobody_knows_is_found_by_its_own_name(file: Write) -> None:
    data = read_dataset(file("text,actor,stance\nThe Hansa blamed the mine.,Hansa,accuse\nThe mine closed.,Hansa,neutral\n"))
    assert [m.text for m in data.pairs[0].mentions] == ["Hansa"]
    assert data.pairs[1].mentions == ()
    assert any("not found" in w and ":3 'Hansa'" in w for w in data.warnings)


def test_an_actor_that_the_alias_table_calls_otherwise_is_found(file: Write) -> None:
    rows = ["London left.,Great Britain", "It denied it.,Great Britain", "Paris and PRC diplomats left Beijing.,PRC", "Paris left.,france", "Iran blamed Washington.,United States",
            "Berlin left.,Angela Merkel", "It left.,PRC", "Beijing and the PRC left China.,China"]  # fmt: skip
    data = read_dataset(file("\n".join(["text,actor,stance,article_id,sentence_id", *(f"{r},neutral,{n // 2},{n}" for n, r in enumerate(rows))])))
    assert [p.actor for p in data.pairs] == [r.actor for r in data.rows] == [r.rsplit(",", 1)[1] for r in rows]
    assert [[m.text for m in p.mentions] for p in data.pairs] == [["London"], ["It"], ["PRC", "Beijing"], ["Paris"], ["Washington"], [], [], ["Beijing", "PRC", "China"]]
    assert all(m.actor == p.actor for p in data.pairs for m in p.mentions)
    (warning,) = data.warnings
    assert "2 rows whose actor was not found" in warning and "'Angela Merkel' (called 'Germany' here)" in warning


def test_only_another_name_of_one_actor_is_meant(tmp_path: Path) -> None:
    table = tmp_path / "own.csv"
    table.write_text("alias,actor,kind\nHansa,Hanse,name\nHansa,Lufthansa,name\nKrone,Nordland,name\nKrone,Krone Oy,name\nOld Krone,Krone Oy,name\nSaga,Nordland,organ\nNord,Nordland,demonym\n")
    lexicon = load_lexicon(table, extend=False)
    assert lexicon.meant(["Hansa", "Krone", "old krone", "Saga", "Nord", "Nordland", "Peru", ""]) == {"old krone": "Krone Oy", "Nord": "Nordland"}


def test_rows_that_call_an_actor_by_both_names_keep_what_is_found(file: Write) -> None:
    data = read_dataset(file("text,actor,stance\nBeijing told the PRC press.,China,neutral\nBeijing told the PRC press.,PRC,neutral\n"))
    assert [[m.text for m in p.mentions] for p in data.pairs] == [["Beijing"], ["PRC"]]


def test_context_tells_whom_a_pronoun_stands_for(file: Write) -> None:
    header = "text,actor,stance,context\n"
    data = read_dataset(file(header + "It accused Chile of theft.,Norway,accuse,Norway closed the port.\nPeru left.,Peru,neutral,\n"))
    assert [m.text for m in data.pairs[0].mentions] == ["It"]


def test_rows_of_an_article_are_its_sentences_and_one_without_actor_gives_context(file: Write) -> None:
    header = "article_id,sentence_id,text,actor,stance\n"
    data = read_dataset(file(header + "a,1,Norway closed the port.,,\na,2,It accused Chile of theft.,Norway,accuse\nb,1,Peru left.,Peru,neutral\n"))
    assert len(data) == 2
    assert [m.text for m in data.pairs[0].mentions] == ["It"]


@pytest.mark.parametrize(("text", "surface"), [('"We have waited long enough."', ""), ("He called it theft.", "He"), ("The fjord stays shut.", None)])
def test_a_labelled_actor_without_a_name_is_who_the_quote_or_pronoun_stands_for(file: Write, text: str, surface: str | None) -> None:
    quoted = text.replace('"', '""')
    data = read_dataset(
        file(
            "article_id,sentence_id,text,actor,stance\n"
            "a,1,Norway met Chile in Lima.,Norway,neutral\n"
            "a,1,Norway met Chile in Lima.,Chile,neutral\n"
            "a,2,The fair was closed.,,\n"
            f'a,3,"{quoted}",Chile,accuse\n'
            f'b,1,"{quoted}",Chile,accuse\n'
        )
    )
    assert [[(m.actor, m.text) for m in p.mentions] for p in data.pairs[2:]] == [[("Chile", surface)] if surface is not None else [], []]


def test_an_own_label_set(file: Write) -> None:
    data = read_dataset(file("text,actor,mood\nNorway smiled.,Norway,positive\nChile wept.,Chile,negative\nPeru left.,Peru,neutral\n"), heads=["mood"])
    assert data.heads == (Head("mood", ("negative", "neutral", "positive"), ordered=True),)


def test_own_labels_in_the_stance_column(file: Write) -> None:
    data = read_dataset(file("text,actor,stance\nNorway smiled.,Norway,pro\nChile wept.,Chile,contra\nPeru left.,Peru,pro\n"))
    assert data.heads == (Head("stance", ("contra", "pro")),)


def test_labels_that_are_numbers_come_by_their_value(file: Write) -> None:
    labels = ["2", "-1", "10", "-2", "x", "0,5", "0", "nan", "1 (weak)"]
    path = file("text,actor,mark\n" + "".join(f'Norway said {n} ships left.,Norway,"{x}"\n' for n, x in enumerate(labels)))
    assert read_dataset(path, heads=["mark"]).heads[0].labels == ("-2", "-1", "0", "0,5", "2", "10", "1 (weak)", "nan", "x")


def test_several_own_heads_in_the_order_given(file: Write) -> None:
    data = read_dataset(file("text,actor,b,a\nNorway smiled.,Norway,x,1\nChile wept.,Chile,y,2\n"), heads=["a", "b"])
    assert data.labels == {"a": ("1", "2"), "b": ("x", "y")}


# --------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("header", "missing", "hint"),
    [
        ("text,acter,stance", "no column 'actor'; seen: text, acter, stance", "did you mean 'acter'?"),
        ("txt,actor,stance", "no column 'text'; seen: txt, actor, stance", "did you mean 'txt'?"),
        ("text,actor,label", "no column 'stance'; seen: text, actor, label", "--head"),
        ("text", "no column 'actor', 'stance'; seen: text", "--column actor=NAME"),
    ],
)
def test_missing_columns(file: Write, header: str, missing: str, hint: str) -> None:
    path = file(header + "\nNorway left.,Norway,neutral\n")
    with pytest.raises(DataError) as e:
        read_dataset(path)
    assert e.value.message == f"{path}:1: {missing}"
    assert hint in e.value.hint and e.value.hint


def test_a_head_of_the_model_that_the_data_lack(file: Write) -> None:
    with pytest.raises(DataError, match="no column 'tone'; seen: text, actor, stance") as e:
        read_dataset(file("text,actor,stance\nNorway left.,Norway,neutral\n"), heads=["stance", "tone"])
    assert e.value.hint == "--head stance takes that alone"


def test_an_open_quotation_mark_does_not_swallow_the_rows_below(file: Write) -> None:
    rows = "Norway condemned the raid.,Norway,accuse,stern\n"
    (told,) = problems(file(HEADER + GOOD + '"' + rows + rows + rows))
    assert told == "4: a quotation mark that opens here is never closed, or only in a later row: lines 4 to 6 became one cell; close it"
    (told,) = problems(file(HEADER.replace("tone\n", "tone,note\n") + GOOD.replace("\n", ",\n") + rows[:-1] + ',"odd\n' + rows + rows))
    assert told.startswith("4: a quotation mark that opens here is never closed")


def test_a_quotation_mark_inside_a_cell_is_a_character(file: Write) -> None:
    (row,) = read_dataset(file('text,actor,stance\nThe 5" guns of Norway fired.,Norway,threaten\n')).rows
    assert (row.text, row.actor) == ('The 5" guns of Norway fired.', "Norway")


def test_a_column_that_stands_twice(file: Write) -> None:
    path = file("text,actor,stance,Stance\nNorway left.,Norway,neutral,firm\n")
    with pytest.raises(DataError) as e:
        read_dataset(path)
    assert e.value.message == f"{path}:1: column 'stance' stands 2 times in the header"


def test_the_only_head_may_be_named_alone(file: Write) -> None:
    path = file("text,actor,view\nPeru left.,Peru,pro\nChile left.,Chile,contra\nIran left.,Iran,pro\n")
    data = read_dataset(path, heads="view")
    assert [h.name for h in data.heads] == ["view"]
    assert repr(data) == "<Dataset of 3 pairs in 3 articles; view: pro 2, contra 1>" and repr(read_pairs(path)) == "<Dataset of 3 pairs in 3 articles>"


def test_a_head_named_twice_is_taken_once(file: Write) -> None:
    assert [h.name for h in read_dataset(file(HEADER + GOOD), heads=["stance", "stance"]).heads] == ["stance"]


def test_another_context_inside_an_article_is_told(file: Write) -> None:
    header = "article_id,text,actor,stance,context\n"
    path = file(header + "a,It left.,Norway,neutral,Norway came.\na,He sued.,Chile,accuse,Chile came.\na,Peru sued.,Peru,accuse,\n")
    (told,) = (w for w in read_dataset(path).warnings if "context" in w)
    assert told.startswith("1 row whose context is not that of the first sentence") and f"{path}:3;" in told


def test_the_context_of_the_first_sentence_is_read_and_others_are_told(file: Write) -> None:
    header = "article_id,sentence_id,text,actor,stance,context\n"
    path = file(header + "a,2,Peru left.,Peru,neutral,Peru closed the port.\na,1,It accused Iran of theft.,Chile,accuse,Chile closed the port.\n")
    data = read_dataset(path)
    assert [[m.text for m in p.mentions] for p in data.pairs] == [["Peru"], ["It"]]
    (told,) = (w for w in data.warnings if "context" in w)
    assert f"{path}:2;" in told


@pytest.mark.parametrize(("first", "second", "two"), [("1", "1", True), ("1", "1.0", True), ("", "", True), ("1", "2", False)])
def test_one_id_of_two_articles_in_two_files_is_told(file: Write, first: str, second: str, two: bool) -> None:
    """But not where the rows are further sentences of the same article."""
    header = "article_id,sentence_id,text,actor,stance\n"
    a, b = file(f"{header}9,{first},Norway left.,Norway,neutral\n", "a.csv"), file(f"{header}9,{second},Norway won.,Norway,firm\n", "b.csv")
    told = f"1 article_id in two files, read as one article: {b}:2 '9' (also {a}:2); rename one where they differ"
    assert read_dataset([a, b]).warnings == ((told,) if two else ())


def test_a_sentence_id_may_be_a_float_as_pandas_writes_it(file: Write) -> None:
    header = "article_id,sentence_id,text,actor,stance\n"
    text = "a,2.0,It sued.,Chile,accuse\na,1,Norway left.,Norway,neutral\na,1.0,Norway left.,Norway,neutral\na,v1.0,Peru left.,Peru,neutral\n"
    assert [r.sentence_id for r in read_dataset(file(header + text)).rows] == ["2", "1", "v1.0"]


def test_a_label_without_an_actor(file: Write) -> None:
    told = problems(file(HEADER + GOOD + "Peru sued.,,accuse,neutral\nPeru left.,,,\n"))
    assert told == ["4: stance has a label but no actor: 'accuse'; name the actor, or delete the label"]


def test_a_label_of_one_s_own_without_an_actor_may_be_the_neutral_one(file: Write) -> None:
    path = file("text,actor,view\nPeru left.,Peru,pro\nChile left.,,none\n")
    told = "3: view has a label but no actor: 'none'; name the actor, or delete the label"
    assert problems(path, heads=["view"]) == [f"{told} (--neutral 'view=none', if it says that none is taken)"]
    assert problems(path, heads=["view"], neutral={"view": "pro"}) == [told]


@pytest.mark.parametrize("rows", [10, 11])
def test_unsure_labels_of_results_are_no_labels(file: Write, rows: int) -> None:
    unsure = "".join(f"Peru left {n} times.,Peru,unsure,unsure\n" for n in range(rows)) + "Peru left.,Peru,unsure,stern\n"
    path = file(HEADER + unsure + "".join(f"Norway won {n} times.,Norway,deny,stern\n" for n in range(20)))
    both = "stance, tone 'unsure' is what results say where no label is sure enough; label the row, or delete it"
    shown = [f"{n + 2}: {both}" for n in range(10)] if rows == 10 else [f"2: {both.replace('; ', ', as in 10 further rows; ')}"]
    assert problems(path) == [*shown, f"{rows + 2}: {both.replace(', tone', '')}"]


def test_a_label_that_the_model_calls_otherwise_is_told_once(file: Write) -> None:
    path = file(HEADER + "".join(f"Peru left {n} times.,Peru,firm,{'stren' if n else 'hot'}\n" for n in range(12)))
    tones = (Head("tone", ("stern", "neutral")),)
    assert problems(path, heads=["tone"], known=tones) == [
        "2: unknown tone 'hot'; one of stern, neutral",
        "3: unknown tone 'stren', as in 10 further rows; did you mean 'stern'?",
    ]


@pytest.mark.parametrize(("who", "once", "lines"), [("", 0, 1), ("", 60, 24), ("annotator", 60, 1)])
def test_labels_of_several_annotators_in_one_file_are_told_in_one_line(file: Write, who: str, once: int, lines: int) -> None:
    rows = [f"a{n},Norway left port {n}.,Norway,{stance},{tone},{by}\n" for n in range(12) for by, stance, tone in (("ann", "deny", "stern"), ("bob", "firm", "warm"))]
    rows += [f"b{n},Peru left port {n}.,Peru,deny,stern,ann\n" for n in range(once)]
    path = file(f"article_id,text,actor,stance,tone,{who}\n" + "".join(rows))
    with pytest.raises(DataError) as e:
        read_dataset(path)
    assert e.value.message.startswith("12 bad rows") and e.value.hint.startswith("labels of several annotators go to `stance agree` first; else correct")
    assert len(e.value.problems) == lines
    one = f"{path}:3: other labels than an earlier row of the same sentence and actor, as in 11 further rows; keep one of them"
    assert (e.value.problems == (one,)) == (lines == 1)


@pytest.mark.parametrize("who", ["annotator", "note"])
def test_one_row_that_two_annotators_label_otherwise_is_for_agree(file: Write, who: str) -> None:
    path = file(f"text,actor,stance,tone,{who}\nNorway left port.,Norway,deny,stern,ann\nNorway left port.,Norway,firm,stern,bob\n")
    with pytest.raises(DataError) as e:
        read_dataset(path)
    assert e.value.hint.startswith("labels of several annotators go to `stance agree` first; else correct") == (who == "annotator")


def test_rows_of_an_actor_that_no_row_of_the_article_holds_are_all_told(file: Write) -> None:
    rows = "".join(f"a,Russia waited {n} days.,Russland,neutral,neutral\n" for n in range(3))
    rest = "b,Norway left port.,Norway,firm,stern\nb,The ship was old.,Norway,neutral,neutral\n"
    told = read_dataset(file("article_id,text,actor,stance,tone\n" + rows + rest)).warnings
    assert [w.split(" whose ")[0] for w in told if "not found in the sentence" in w] == ["3 rows"]


def test_bad_rows_are_told_in_the_order_of_files_and_lines(tmp_path: Path) -> None:
    second, first = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text(
        "text,actor,stance,tone\nOslo left.,Norway,firm,cold\nPeru left.,Peru,denny,warm\n,Peru,firm,hot\nOslo left.,Norway,deny,warm\nIran left.,Iran,,warm\n"
        + "Chile left.,Chile,firm,warm\n" * 9
    )
    second.write_text("text,actor,stance,tone\nPeru waits.,Peru,deny,warm\nPeru left us.,Peru,odd,warm\n")
    with pytest.raises(DataError, match="6 bad rows; nothing was read") as e:
        read_dataset([first, second])
    told = "\n".join(e.value.problems).replace(f"{tmp_path}/", "").replace(".csv", "")
    assert re.findall(r"^(.:\d+): (?:unknown )?(\w+)", told, re.M) == [
        ("b:2", "tone"), ("b:3", "stance"), ("b:4", "text"), ("b:5", "stance"), ("b:5", "tone"), ("b:6", "stance"), ("a:3", "stance"),
    ]  # fmt: skip


@pytest.mark.parametrize("rows", [10, 11])
def test_many_rows_that_contradict_others_may_be_of_several_annotators(file: Write, rows: int) -> None:
    labels = "".join(f"Peru left {n} times.,Peru,{stance},stern\n" for stance in ("firm", "deny") for n in range(rows))
    with pytest.raises(DataError) as e:
        read_dataset(file(HEADER + labels))
    assert ("`stance agree`" in e.value.hint) == (rows > 10)


@pytest.mark.parametrize("empty", [1, 2])
def test_merged_cells(file: Write, empty: int) -> None:
    path = file(HEADER + GOOD + "Peru left.,Peru,deny,neutral\n" + ",Peru,deny,neutral\n" * empty)
    with pytest.raises(DataError) as e:
        read_dataset(path)
    assert e.value.hint == f"correct them and try again{'; if cells of a spreadsheet were merged, fill each of their rows' if empty == 2 else ''}"


@pytest.mark.parametrize(("option", "example"), [("neutral", "{'stance': 'none'}"), ("columns", "{'actor': 'target'}"), ("order", "{'intensity': ('low', 'medium', 'high')}")])
def test_options_by_name_that_are_no_dict(file: Write, option: str, example: str) -> None:
    with pytest.raises(InputError) as e:
        read_dataset(file(HEADER + GOOD), **{option: "deny"})  # type: ignore[arg-type]
    assert (e.value.message, e.value.hint) == (f"{option} is given as str ('deny'), not as a dict", f"write {option}={example}")


def test_a_named_head_that_is_no_column(file: Write) -> None:
    with pytest.raises(DataError, match="no column 'mood'"):
        read_dataset(file(HEADER + GOOD), heads=["mood"])


def test_all_bad_rows_are_reported_at_once_with_their_lines(file: Write) -> None:
    found = problems(file(HEADER + GOOD + " ,Norway,accuse,stern\nPeru left.,Peru,acuse,stern\nPeru ate.,Peru,,stern\nPeru slept.,Peru,firm,stren\nPeru,Peru,firm,stern,x\n"))
    assert sorted(p.split(":")[0] for p in found) == ["4", "5", "6", "7", "8"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("Peru left.,Peru,acuse,stern", "unknown stance 'acuse'; did you mean 'accuse'?"),
        ("Peru left.,Peru,Accuse,stern", "unknown stance 'Accuse'; did you mean 'accuse'?"),
        ("Peru left.,Peru,zzz,stern", "unknown stance 'zzz'; one of firm, accuse, deny"),
        ("Peru left.,Peru,firm,sterm", "unknown tone 'sterm'; did you mean 'stern'?"),
        ("Peru left.,Peru,,stern", "stance is empty for actor 'Peru'"),
        (",Peru,firm,stern", "text is empty"),
        ("Peru, too, left.,Peru,firm,stern", "6 cells, the header has 4"),
    ],
)
def test_what_is_said_of_a_bad_row(file: Write, row: str, said: str) -> None:
    found = problems(file(HEADER + GOOD + row + "\n"))
    assert len(found) == 1 and found[0].startswith("4: ") and said in found[0]


@pytest.mark.parametrize(
    ("span", "said"),
    [
        ("0,99", "outside the text"), ("5,5", "or hold none; start counts from 0, and end is one after the last"), ("6,2", "or hold none"), ("a,b", "not two numbers"),
        ("3,", "not two numbers"), ("-1,4", "not two numbers"), ("1.5,4", "not two numbers"), (".0,4", "not two numbers"), ("NA,4", "leave both empty"),
    ],  # fmt: skip
)
def test_bad_spans(file: Write, span: str, said: str) -> None:
    (found,) = problems(file(f"text,actor,stance,start,end\nThe union left.,Miners,firm,{span}\nThe mine closed.,Mine,neutral,4,8\n"))
    assert found.startswith("2: ") and said in found


def test_a_span_of_a_row_without_text_is_not_told_as_well(file: Write) -> None:
    (found,) = problems(file("text,actor,stance,start,end\n ,Miners,firm,0,4\nThe mine closed.,Mine,neutral,4,8\n"))
    assert found.startswith("2: text is empty")


@pytest.mark.parametrize("span", ['4.0,9.0', '"4,0","9,0"', "4.000,9"])
def test_a_span_may_be_written_as_decimals(file: Write, span: str) -> None:
    data = read_dataset(file(f"text,actor,stance,start,end\nThe union left.,Miners,firm,{span}\nChile denied it.,Chile,deny,,\n"))
    assert [m.text for m in data.pairs[0].mentions] == ["union"]


def test_values_that_stand_for_an_empty_cell_are_told(file: Write) -> None:
    rows = "Norway left.,Norway,pro,r1\nChile left.,Chile,NA,r2\nPeru left.,Peru,NA,NaN\nIran left.,Iran,contra,r4\nIraq left.,NA,contra,r5\n"
    path = file("text,actor,view,article_id\n" + rows)
    todo = "; if it was written for an empty cell, empty the cell or delete the row"
    assert [w.removeprefix(f"{path}:") for w in read_dataset(path, heads=["view"]).warnings if "not found" not in w] == [
        f"3: view 'NA' is read as it stands (and in 1 further row){todo}", f"4: article_id 'NaN' is read as it stands{todo}",
        f"6: actor 'NA' is read as it stands{todo}",
    ]  # fmt: skip
    assert [f.kind for f in check([path], heads=["view"]).findings if f.place.endswith((":3", ":6"))] == ["missing", "missing", "absent-actor"]


def test_other_signs_of_an_empty_cell_are_told(file: Write) -> None:
    data = read_dataset(file("text,actor,view,article_id\nNorway left.,Norway,n/a,None\nChile left.,Chile,None,none\n"), heads=["view"])
    assert [w.split(": ")[1].split(" is read")[0] for w in data.warnings] == ["article_id 'None'", "view 'n/a'"]  # a label may be called None


def test_splits_that_differ_in_case_are_told(file: Write) -> None:
    path = file("text,actor,stance,split\nNorway left.,Norway,firm,test\nChile left.,Chile,firm,test\nPeru left.,Peru,firm,Test\n")
    said = "split 'Test' (1 row) differs only in case from 'test' (2 rows), and is a split of its own; write them alike, if they are one"
    assert read_dataset(path).warnings == (f"{path}:4: {said}",)


@pytest.mark.parametrize("name", ["Article ID", "article-id", "ARTICLE  ID "])
def test_names_of_columns_may_have_blanks(file: Write, name: str) -> None:
    rows = "1,Norway left.,Norway,firm\n1,Chile left.,Chile,firm\n"
    data = read_dataset(path := file(f"{name},text,actor,stance\n" + rows))
    assert data.articles == ("a:1", "a:1")
    assert read_dataset(path, columns={"article_id": name}).articles == data.articles
    assert read_dataset(file("article id,article_id,text,actor,stance\n" + rows.replace("1,", "1,2,"))).articles == ("a:2", "a:2")


def test_a_title_above_the_header_is_told(file: Write) -> None:
    with pytest.raises(DataError, match="no column 'text', 'actor'.*\n  the names of the columns stand further down; delete what is above them"):
        read_dataset(file("Second wave;;;\n;;;\n\nText;Actor;Stance;Tone\nNorway left.;Norway;firm;stern\n"))


def test_missing_values_of_r_are_empty_where_a_cell_may_be(file: Write) -> None:
    columns = ("start", "end", "context", "date", "speaker", "split", "target")
    rows = f"Norway left.,Norway,firm,x{',NA' * 7}\nNorway stayed.,Norway,firm,y,0,6,Oslo spoke.,2019,Norway,test,Chile\n"
    data = read_dataset(file(f"text,actor,stance,article_id,{','.join(columns)}\n{rows}"))
    assert data.warnings == () and [getattr(data.rows[0], c) for c in columns] == [None, None, "", "", "", "", ""]
    assert data.rows[1].speaker == "Norway"


def test_json_is_no_labelled_data(file: Write) -> None:
    for text in ('{"text": "Norway left.", "actor": "Norway"}\n', '[\n {"text": "Norway left."}]'):
        with pytest.raises(InputError, match="this is JSON, not a table\n  save it as CSV"):
            read_dataset(file(text))


def test_a_date_that_is_not_understood_is_told(file: Write) -> None:
    path = file("text,actor,stance,date\nNorway denied it.,Norway,deny,2019-04-03\nChile left.,Chile,firm,03/04/2019\nPeru left.,Peru,firm,?\nIran left.,Iran,firm,\n")
    assert read_dataset(path).warnings == (f"{path}:3: date is not understood: '03/04/2019' (and in 1 further row); write YYYY-MM-DD: either number may be the month",)
    assert [f.kind for f in check([path]).findings if f.place.endswith(":3")] == ["date"]


@pytest.mark.parametrize("name", ["José Müller", "Élodie Lefèvre", "André", "Yahoo!", "(Neos)"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_accents_may_be_characters_of_their_own(file: Write, name: str, form: Literal["NFC", "NFD"]) -> None:
    other: Literal["NFC", "NFD"] = "NFD" if form == "NFC" else "NFC"
    text, actor, column, label = (unicodedata.normalize(f, x) for f, x in [(form, f"Then {name} left."), (other, name), (other, "Räson"), (other, "für")])
    rows = f"{text},{actor},{label}\nChile left.,Chile,{unicodedata.normalize(form, 'für')}\n"
    data = read_dataset(file(f"text,actor,{column}\n{rows}"), heads=["Räson"])
    assert [m.text for m in data.pairs[0].mentions] == [unicodedata.normalize(form, name)] and data.warnings == ()
    assert data.pairs[0].actor == name and data.labels["Räson"] == ("für", "für") and data.rows[0].text == text


def test_a_part_of_a_word_is_no_name(file: Write) -> None:
    assert read_pairs(file("text,actor\nThe Neosphere left.,Neos\n")).pairs[0].mentions == ()


@pytest.mark.parametrize(("labels", "known"), [(("neutral", "neutral", "contra"), False), (("neutral", "neutral", "deny"), True), (("firm", "firm", "fimr"), True)])
def test_neutral_alone_makes_no_labels_of_the_codebook(file: Write, labels: tuple[str, ...], known: bool) -> None:
    path = file("text,actor,stance\n" + "".join(f"Peru left {n} times.,Peru,{x}\n" for n, x in enumerate(labels)))
    if "fimr" in labels:
        assert problems(path) == ["4: unknown stance 'fimr'; did you mean 'firm'?"]
    else:
        assert read_dataset(path).heads[0].labels == (("deny", "neutral") if known else ("contra", "neutral"))


def test_conflicting_labels_name_both_lines(file: Write) -> None:
    path = file(HEADER + GOOD + "Norway condemned the raid.,Norway,deny,stern\n")
    (found,) = problems(path)
    assert found.startswith("4: stance of 'Norway' is 'deny', but 'accuse' at ") and f"{path}:2" in found


def test_duplicates_are_left_out_with_a_warning(file: Write) -> None:
    path = file(HEADER + GOOD + "Norway condemned the raid.,Norway,accuse,stern\n")
    data = read_dataset(path)
    assert len(data) == 2
    assert any(w.startswith("1 duplicate row left out") and f"{path}:4" in w for w in data.warnings)


@pytest.mark.parametrize("one, other", [("Tesla -5%", "Tesla +5%"), ("Great job, Tesla 👍", "Great job, Tesla 👎"), ("Tesla won!", "Tesla won?")])
def test_sentences_that_differ_in_signs_alone_are_two(file: Write, one: str, other: str) -> None:
    for labels in ("favor,against", "favor,favor"):
        first, second = labels.split(",")
        data = read_dataset(file(f'text,actor,stance\n"{one}",Tesla,{first}\n"{other}",Tesla,{second}\nTesla left.,Tesla,against\n'))
        assert data.labels["stance"] == (first, second, "against") and data.warnings == ()
        assert data.pairs[1].reading.sentence.index == 0, "it is an article of its own"
        assert data.groups[0] == data.groups[1], "yet they come into one fold"


def test_case_blanks_and_the_way_accents_are_written_make_no_other_sentence(file: Write) -> None:
    data = read_dataset(file("text,actor,stance\nPerú  left,Norway,deny\nperu\u0301 LEFT,Norway,deny\nNorway left.,Norway,firm\n"))
    assert len(data) == 2


def test_the_same_sentence_in_two_articles_is_no_duplicate(file: Write) -> None:
    data = read_dataset(file("article_id,text,actor,stance\na,Norway left.,Norway,neutral\nb,Norway left.,Norway,firm\n"))
    assert len(data) == 2


def test_the_same_sentence_after_another_context_is_no_duplicate(file: Write) -> None:
    data = read_dataset(file("text,actor,stance,context\nIt left.,Norway,neutral,Norway came.\nIt left.,Norway,firm,Norway vowed to.\n"))
    assert data.labels["stance"] == ("neutral", "firm")


@pytest.mark.parametrize(
    ("heads", "labels", "said"),
    [
        (["mood"], "p q", "{path}:2: label 'p' of head 'mood' would have the column 'mood_p' in results, which is one of head 'mood'; rename the label"),
        (["mood"], "P q", "{path}:2: label 'P' of head 'mood' would have the column 'mood_P' in results, which is one of head 'mood'; rename the label"),
        (["mood", "mood_q"], "x q", "{path}:3: label 'q' of head 'mood' would have the column 'mood_q' in results, which is one of head 'mood_q'; rename the label"),
        (["mood", "mood_probs"], "x y", "head 'mood_probs' would have the column 'mood_probs' in results, which is one of head 'mood'; rename the head"),
        (["a", "a_b"], "c b_c", "{path}:2: label 'c' of head 'a_b' would have the column 'a_b_c' in results, which is one of label 'b_c' of head 'a'; rename the label"),
        (["Source"], "x y", "head 'Source' would have the column of its article's source in results; rename the head"),
        (["mood"], "probs q Q", ""),
    ],
)  # fmt: skip
def test_labels_and_heads_whose_columns_would_have_one_name(file: Write, heads: list[str], labels: str, said: str) -> None:
    rows = [f"Norway left port {ord(x[0])} {n}.,Norway,{','.join([x] * len(heads))}\n" for n in (1, 2) for x in labels.split()]
    path = file(f"text,actor,{','.join(heads)}\n{''.join(rows)}")
    data = read_dataset(path, heads=heads)
    if not said:
        check_trainable(data)
        return
    with pytest.raises(DataError) as e:
        check_trainable(data)
    assert e.value.problems == (said.format(path=path),) and e.value.hint == "rename and try again"
    with pytest.raises(ModelError, match="the results cannot be kept as CSV"):
        list(csv_lines([], heads={h.name: h.labels for h in data.heads}))


def test_unsure_is_no_label_to_train_on(file: Write) -> None:
    data = read_dataset(file("text,actor,view\n" + "".join(f"Peru left {n} times.,Peru,{x}\n" for n, x in enumerate(("pro", "unsure", "pro", "unsure")))), heads=["view"])
    with pytest.raises(DataError) as e:
        check_trainable(data)
    assert [p.split(":", 1)[1] for p in e.value.problems] == [
        "3: label 'unsure' of head 'view' is what results say where no label is sure enough; label these rows, or rename it"
    ]


def test_a_head_that_would_have_a_column_of_every_result(file: Write) -> None:
    with pytest.raises(DataError, match="a head cannot be called 'sentence_start'"):
        read_dataset(file("text,actor,sentence_start\nNorway left.,Norway,a\n"), heads=["sentence_start"])


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "empty"), (b" \n \n", "empty"), (b"PK\x03\x04\x00\x00\x00data\x00", "a zip"), (b"ab\x00c", "binary"), (b"\xff\xfea", "byte-order mark")]
)
def test_files_that_are_no_text(file: Write, content: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_dataset(file(content))


def test_a_header_alone_has_no_rows(file: Write) -> None:
    with pytest.raises(DataError, match="no labelled rows"):
        read_dataset(file(HEADER))


def test_a_missing_file_and_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv: cannot be read"):
        read_dataset(tmp_path / "nowhere.csv")
    with pytest.raises(InputError, match=r"no \*\.csv"):
        read_dataset(tmp_path)


def test_files_with_different_label_columns_are_refused_in_any_order(file: Write) -> None:
    both = [file(HEADER + GOOD, "a.csv"), file("text,actor,stance\nPeru left.,Peru,neutral\n", "b.csv")]
    for paths in (both, both[::-1]):
        with pytest.raises(DataError, match=r"csv:1: label columns stance.*csv has stance.*\n  name those they share with --head, or give them apart"):
            read_dataset(paths)
    assert len(read_dataset(both, heads="stance")) == 3


def test_labels_a_model_does_not_know_are_refused(file: Write) -> None:
    known = Head("stance", ("accuse", "neutral"))
    (found,) = problems(file(HEADER + GOOD), heads=["stance"], known=[known])
    assert found.startswith("3: unknown stance 'deny'")


# --------------------------------------------------------------------------- what cannot be trained on


def test_one_class(file: Write) -> None:
    data = read_dataset(file("text,actor,stance\nNorway left.,Norway,neutral\nPeru left.,Peru,neutral\n"))
    with pytest.raises(DataError) as e:
        check_trainable(data)
    assert "head 'stance': all 2 rows are 'neutral'" in e.value.problems[0]


def test_a_class_with_one_row(file: Write) -> None:
    path = file("text,actor,stance\nNorway left.,Norway,neutral\nPeru left.,Peru,neutral\nChile denied it.,Chile,deny\n")
    with pytest.raises(DataError) as e:
        check_trainable(read_dataset(path))
    assert e.value.problems[0].startswith(f"{path}:4: class 'deny' of 'stance' has 1 row in one article")


def test_a_class_in_one_article(file: Write) -> None:
    rows = "a,Norway left.,Norway,neutral\nb,Peru left.,Peru,neutral\nc,Chile denied it.,Chile,deny\nc,Peru denied it.,Peru,deny\n"
    with pytest.raises(DataError) as e:
        check_trainable(read_dataset(file("article_id,text,actor,stance\n" + rows)))
    assert "class 'deny' of 'stance' has 2 rows in one article" in e.value.problems[0]


def test_the_reports_can_be_trained_on(reports: Dataset) -> None:
    check_trainable(reports)


def test_a_table_may_call_its_columns_otherwise(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "own.csv", [{"Sentence": "Oslo condemned Maria Lie.", "Who": "Maria Lie", "actor": "x", "Label": "good", "from": 15, "to": 24}])
    given = {"text": "sentence", "actor": "WHO", "start": "from", "end": "to", "mood": "Label"}
    data = read_dataset(path, heads=["mood"], columns=given)
    assert [(r.text, r.actor, r.start, r.labels) for r in data.rows] == [("Oslo condemned Maria Lie.", "Maria Lie", 15, {"mood": "good"})]
    with pytest.raises(DataError, match=r"own\.csv:1: no column 'whom'; seen: sentence, who, actor"):
        read_dataset(path, heads=["mood"], columns={"actor": "whom"})
    with pytest.raises(DataError, match="no column is called 'articel_id' here\n  did you mean 'article_id'"):
        read_dataset(path, heads=["mood"], columns={**given, "articel_id": "who"})


def test_pairs_to_be_judged_need_no_labels_and_stay_all(tmp_path: Path) -> None:
    row = {"text": "Oslo condemned it.", "actor": "Norway", "stance": "whatever"}
    path = write_csv(tmp_path / "pairs.csv", [row, row, {**row, "actor": ""}])
    data = read_pairs(path)
    assert [r.line for r in data.rows] == [2, 3] and data.heads == () and data.labels == {}
    with pytest.raises(DataError, match="--column text=NAME, in Python columns={'text': NAME}, says .* it; needed: text, actor$"):
        read_pairs(write_csv(tmp_path / "bad.csv", [{"words": "Oslo condemned it.", "nation": "Norway"}]))


def test_an_article_that_was_sorted_or_lies_in_two_files_is_read_in_its_order(tmp_path: Path) -> None:
    told = ["Norway condemned the raid.", "It called the raid a crime.", "Chile denied it.", "It said nobody was hurt."]
    rows = [{"article_id": "a", "sentence_id": n + 8, "text": t, "actor": ("Norway", "Chile")[n // 2], "stance": "accuse"} for n, t in enumerate(told)]
    whole = read_dataset(write_csv(tmp_path / "whole.csv", rows))
    parts = [write_csv(tmp_path / "settled.csv", rows[1::2]), write_csv(tmp_path / "agreed.csv", rows[::2])]
    found = {p.text: p.mentions for p in read_dataset(parts).pairs}
    turned = {p.text: p.mentions for p in read_dataset(write_csv(tmp_path / "turned.csv", rows[::-1])).pairs}
    assert turned == found == {p.text: p.mentions for p in whole.pairs}
    assert [found[t][0].text for t in told] == ["Norway", "It", "Chile", "It"]


@pytest.mark.parametrize(("digits", "ordered"), [(30, True), (5000, False)])
def test_numbers_of_any_length_are_read(tmp_path: Path, digits: int, ordered: bool) -> None:
    """Those that Python would not read are no numbers: the rows stay in their order."""
    told = [("It called the raid a crime.", 2), ("Norway condemned the raid.", 1)]
    rows = [{"article_id": "a", "sentence_id": "9" * digits + str(n), "text": t, "actor": "Norway"} for t, n in told]
    it, _ = read_pairs(write_csv(tmp_path / "d.csv", rows)).pairs
    assert [m.text for m in it.mentions] == ["It"] * ordered
    bad = write_csv(tmp_path / "bad.csv", [{"text": "It left.", "actor": "Norway", "start": 0, "end": "9" * digits}])
    with pytest.raises(DataError, match="bad.csv:2: start,end .* are (outside the text of 8 characters|not two numbers; give both, or leave both empty)"):
        read_pairs(bad)


def test_of_many_bad_rows_the_first_hundred_are_shown(file: Write) -> None:
    """All of them are kept, and `stance check` lists them."""
    path = file(HEADER + GOOD + "Peru left.,Peru,,\n" * 300 + "Peru sued.,,accuse,neutral\n" * 150)
    with pytest.raises(DataError) as e:
        read_dataset(path)
    shown = str(e.value).split("\n")
    assert shown[:100] == list(e.value.problems[:100]) and len(e.value.problems) > 100
    assert shown[100] == f"… and {len(e.value.problems) - 100} more" and len(shown) == 103
    assert str(check([path]).failure).split("\n")[:-2] == list(e.value.problems)
