"""Articles from every kind of input."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import json
import lzma
import os
import re
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import fields, replace
from email.message import Message
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import pytest

from stance.articles import SHOWN, Article, Shown, Skipped, input_bytes, read_articles, scan_articles
from stance.dataset import read_dataset
from stance.errors import InputError, StanceWarning
from stance.markdown import without_tags

Put = Callable[..., Path]
PAGE = """<!DOCTYPE html><html><head><title>Oslo closes the fjord</title><meta property="article:published_time" content="2019-03-04"></head>
<body><nav>Home | Sport | Weather</nav><article><h1>Oslo closes the fjord</h1>{}</article><footer>All rights reserved</footer></body></html>""".format("".join(
    f"<p>Norway closed the fjord to trawlers on day {n} and told the crews to wait for the inspectors in the harbour.</p>" for n in range(6)
))


@pytest.fixture
def put(tmp_path: Path) -> Put:
    def write(name: str, content: str | bytes, encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


def only(path: Path | str, **options: str) -> Article:
    (article,) = read_articles(path, **options)
    return article


def reason(path: Path | str, **options: str) -> str:
    """Why an input is skipped."""
    (item,) = scan_articles(path, **options)
    assert isinstance(item, Skipped)
    return item.reason


@pytest.fixture
def warned(recwarn: pytest.WarningsRecorder) -> Callable[[], list[str]]:
    """`warned()`: what was warned of since it was last asked."""
    warnings.simplefilter("always", StanceWarning)

    def since() -> list[str]:
        found = [str(w.message) for w in recwarn if issubclass(w.category, StanceWarning)]
        recwarn.clear()
        return found

    return since


# --------------------------------------------------------------------------- formats


@pytest.mark.parametrize("text", ["Oslo left.\n", "Oslo left.\r\n\r\nIt waited. ", "  Oslo\tleft", "Perú y Ærø 🙂"])
def test_a_text_file_is_its_text_unchanged(put: Put, text: str) -> None:
    assert only(put("a.txt", text)) == Article("a", text)


def test_a_byte_order_mark_is_no_part_of_the_text(put: Put) -> None:
    assert only(put("a.txt", "Oslo left.", "utf-8-sig")).text == "Oslo left."


def test_cp1252_is_read_with_a_warning(put: Put, warned: Callable[[], list[str]]) -> None:
    path = put("a.txt", "First line.\nMalmö “left”.", "cp1252")
    assert only(path).text == "First line.\nMalmö “left”."
    assert warned() == [f"{path}:2: not UTF-8 (byte 0xf6); read as cp1252"]


def test_a_json_object(put: Put) -> None:
    record = {"id": 7, "title": "Fjord", "Date": "2019-03-04T10:00:00Z", "outlet": "Gazette", "body": "Oslo left."}
    assert only(put("a.json", json.dumps(record))) == Article("7", "Oslo left.", title="Fjord", date="2019-03-04", source="Gazette")


def test_a_json_list(put: Put) -> None:
    found = list(read_articles(put("a.json", json.dumps([{"text": "One."}, {"text": "Two.", "id": "x"}]))))
    assert [(a.id, a.text) for a in found] == [("a-1", "One."), ("x", "Two.")]


@pytest.mark.parametrize("path", ["hits.hits", "response.docs", "data.entries"])
def test_the_list_may_be_in_an_object_of_the_answer(put: Put, path: str) -> None:
    """Elasticsearch has each record in `_source`, beside its `_id`; so has a line of its dump."""
    outer, inner = path.split(".")
    hit = {"_id": "x", "_source": {"text": "Oslo left.", "date": "2024-03-01"}}
    for file in (put("a.json", json.dumps({"took": 1, outer: {"total": {"value": 1}, inner: [hit]}})), put("b.jsonl", json.dumps(hit))):
        assert only(file) == Article("x", "Oslo left.", date="2024-03-01")
    assert only(file, text_column="_source.text", columns={"id": "_id"}) == only(file)
    own = put("own.json", json.dumps({"_id": "x", "_source": {"ID": 7, "text": "Oslo left."}}))
    assert only(own) == Article("7", "Oslo left.") and only(own, columns={"id": "_id"}).id == "x"
    for n, other in enumerate(({"id": "x", "_source": {"name": "Gazette"}}, {"_id": "x", "_source": "Gazette"})):
        assert only(put(f"c{n}.json", json.dumps({"text": "Oslo left.", **other}))) == Article("x", "Oslo left.", source="Gazette")


@pytest.mark.parametrize("beside", [{"hits": []}, {"response": {"items": []}}])
def test_an_empty_list_beside_that_of_the_articles_is_none(put: Put, beside: dict[str, Any]) -> None:
    assert only(put("a.json", json.dumps({"articles": [{"text": "Oslo left."}], **beside}))).text == "Oslo left."


def test_a_field_of_an_object_can_be_named(put: Put) -> None:
    record = {"id": {"$oid": "5f"}, "title": {"rendered": "Fjord"}, "date": {"$date": {"$numberLong": "1520121600000"}}, "meta": {"Outlet": {"Full": "Gazette"}}}
    path = put("a.jsonl", json.dumps({**record, "content": {"rendered": "<p>Oslo left.</p>"}}))
    found = next(read_articles(path, text_column="content.rendered", columns={"source": "meta.outlet.full"}))
    assert found == Article("5f", "Oslo left.", title="Fjord", date="2018-03-04", source="Gazette")
    assert next(read_articles(path, text_column="title.rendered+content.rendered")).text == "Fjord\n\nOslo left."
    assert only(put("b.jsonl", '{"meta.text": "Oslo left."}'), text_column="meta.text").text == "Oslo left."
    inside = put("c.json", '{"article": {"body": "Oslo left.", "published": "2019"}}')  # `article` may hold an id, but not where it holds the text
    assert only(inside, text_column="article.body", columns={"date": "article.published"}) == Article("c", "Oslo left.", date="2019")


def test_an_article_that_an_api_cut_off_is_told(put: Put, warned: Callable[[], list[str]]) -> None:
    path = put("a.jsonl", '{"date": "2019", "content": "Oslo left. Rome… [+1204 chars]"}\n{"date": "2019", "content": "Oslo stayed [+1 chars], it said."}\n')
    list(read_articles(path))
    assert len(said := warned()) == 1 and said[0].startswith(f"1 of 2 articles ends in `[+N chars]` (first: 'a-1' of {path}:1)")


def test_front_matter_of_a_text(put: Put) -> None:
    """Its lines stay: it is no Markdown."""
    found = only(put("a.txt", '---\r\ntitle: "Fjord"\r\ndate: 2018-03-04\r\nsitename: Gazette\r\n---\r\n\r\nOslo *left*\r\nRome stayed.'))
    assert found == Article("a", "Oslo *left*\nRome stayed.", title="Fjord", date="2018-03-04", source="Gazette")


@pytest.mark.parametrize(
    "text",
    [
        "---\nOslo left.\n---\nRome waited.",
        "---\nMR. PRICE: Oslo left.\n---\nRome waited.",
        "---\nPRICE: Oslo left.\n---\nRome waited.",
        "Body, mind\nOslo left, then stayed.",
        "[] Oslo left.",
        "{} Oslo left.",
        '{"We left", Oslo said} Rome stayed.',
        '["We left", said Oslo.] Rome stayed.',
    ],
)
def test_a_text_that_begins_as_another_format_is_a_text(put: Put, text: str) -> None:
    assert only(put("a.txt", text)).text == text


@pytest.mark.parametrize("field", ["articles", "Results", "docs"])
def test_the_answer_of_an_api_is_the_list_in_it(put: Put, field: str) -> None:
    answer = {"status": "ok", "totalResults": 2, field: [{"content": "Oslo left.", "publishedAt": "2024-03-01T00:00:00Z"}, {"title": "No text"}], "links": ["x"]}
    found = list(scan_articles(put("news.json", json.dumps(answer, indent=1))))
    assert isinstance(found[0], Article) and (found[0].id, found[0].text, found[0].date) == ("news-1", "Oslo left.", "2024-03-01")
    assert isinstance(found[1], Skipped) and found[1].name.endswith("news.json#2") and len(found) == 2


@pytest.mark.parametrize("record", [{"text": "Oslo left.", "items": [{"text": "Peru"}]}, {"data": [{"text": "Peru"}], "docs": [{"text": "Peru"}]}, {"data": ["Peru"]}])
def test_an_object_with_a_text_or_several_lists_is_one_article(put: Put, record: dict[str, Any]) -> None:
    (found,) = scan_articles(put("news.json", json.dumps(record)))
    assert found.id == "news" if "text" in record else isinstance(found, Skipped) and "no text: 'data' holds a list; give one object an article" in found.reason


def test_json_lines_with_blank_lines(put: Put) -> None:
    found = list(read_articles(put("a.jsonl", '{"text": "One."}\n\n{"text": "Two."}\n')))
    assert [(a.id, a.text) for a in found] == [("a-1", "One."), ("a-3", "Two.")]


def test_json_lines_are_read_one_by_one(put: Put) -> None:
    articles = read_articles(put("a.jsonl", '{"text": "One."}\nnot json\n'))
    assert next(articles).text == "One."
    with pytest.raises(InputError, match=r"a\.jsonl:2: not valid JSON(?s:.*)\n  .*scan_articles yields it as Skipped and goes on$"):
        next(articles)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv(put: Put, delimiter: str) -> None:
    rows = [["id", "date", "text"], ["x", "2019-03-04", "Oslo left."], ["y", "", "Lima stayed."]]
    found = list(read_articles(put("a.csv", "\n".join(delimiter.join(r) for r in rows))))
    assert [(a.id, a.date, a.text) for a in found] == [("x", "2019-03-04", "Oslo left."), ("y", "", "Lima stayed.")]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a"])
def test_the_first_line_of_excel_is_no_header(put: Put, name: str) -> None:
    """`sep=;` says the delimiter, whatever else the header holds; lines are counted with it."""
    table = 'sep=;\r\nid;text;a,b,c,d\r\nx;"Oslo; left, now.";\r\ny;Lima stayed.;1;2\r\n'
    path = put(name, gzip.compress(table.encode()) if name.endswith(".gz") else table)
    found, skipped = scan_articles(path)
    assert isinstance(found, Article) and (found.id, found.text) == ("x", "Oslo; left, now.")
    assert isinstance(skipped, Skipped) and skipped.name == f"{path}:4"


def test_the_text_column_can_be_named(put: Put) -> None:
    assert only(put("a.csv", "story,text\nOslo left.,nothing\n"), text_column="Story").text == "Oslo left."
    assert only(put("a.json", '{"story": "Oslo left.", "text": "x"}'), text_column="story").text == "Oslo left."


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a"])
def test_a_column_without_a_name_is_not_the_text(put: Put, name: str) -> None:
    """pandas (`to_csv`) and R (`write.csv`) number the rows in one."""
    table = '"","date","text"\n"1",2019-03-04,"Oslo left."\n'
    found = only(put(name, gzip.compress(table.encode()) if name.endswith(".gz") else table))
    assert (found.text, found.date) == ("Oslo left.", "2019-03-04")


def test_missing_values_of_r_are_empty_cells(put: Put, warned: Callable[[], list[str]]) -> None:
    path = put("a.csv", 'date,source,text\nNA, na ,"Oslo left."\n2019,Gazette,NA\n2019,Gazette,"Rome stayed."\n')
    found = list(scan_articles(path))
    assert found[::2] == [Article("a-2", "Oslo left."), Article("a-4", "Rome stayed.", date="2019", source="Gazette")]
    assert found[1] == Skipped(f"{path}:3", "the text is empty") and not warned()


def test_the_columns_can_be_named(put: Put, warned: Callable[[], list[str]]) -> None:
    names = {"text": "Volltext", "source": "Zeitung", "title": "Überschrift", "id": "Nr", "date": "Tag"}
    wanted = Article("7", "Oslo left.", title="Oslo geht", date="2024-03-01", source="FAZ")
    row = {"Nr": 7, "Zeitung": "FAZ", "Überschrift": "Oslo geht", "Tag": "2024-03-01", "Volltext": "Oslo left.", "source": "x", "title": "y", "id": "z", "date": "2020"}
    table = put("a.csv", "\n".join(",".join(map(str, x)) for x in (row, row.values())))
    for path in (table, put("a.json", json.dumps(row)), put("a.jsonl", json.dumps(row)), put("a.md", "---\nNr: 7\nZeitung: FAZ\nTag: 2024-03-01\n---\nOslo left.")):
        found = next(read_articles(path, columns=names))
        assert replace(found, title=wanted.title if path.suffix == ".md" else found.title) == wanted
    assert not warned()
    with pytest.raises(InputError, match=r"no column zeitun; seen: nr, zeitung, überschrift, .*\n  did you mean 'zeitung'"):
        list(read_articles(table, columns={"text": "volltext", "source": "Zeitun"}))
    with pytest.raises(InputError, match=r"articles have no actor\n  a column can be given for id, title"):
        list(read_articles(table, columns={"actor": "Land"}))
    list(read_articles(put("b.jsonl", '{"text": "Lima stayed.", "date": "2019"}\n'), columns={"source": "Zeitung"}))
    assert warned() == ["none of 1 article tells a source in 'zeitung'; look at the names of its fields"]


@pytest.mark.parametrize("header", ["text,Text", "text,published_at,published_at", "text,ID,id", "text,Zeitung,zeitung"])
def test_a_column_that_stands_twice_is_refused(tmp_path: Path, header: str) -> None:
    (tmp_path / "a.csv").write_text(f"{header}{',x' * (2 - header.count(','))}\nIran denied it.,2019-01-01,2020-01-01\n", "utf-8")
    with pytest.raises(InputError, match=r"column '\w+' stands 2 times in the header\n  rename or delete all but one"):
        list(read_articles([tmp_path / "a.csv"], columns={"source": "zeitung"} if "Zeitung" in header else {}))
    (tmp_path / "a.csv").write_text("text,note,note\nIran denied it.,a,b\n", "utf-8")
    assert [a.text for a in read_articles([tmp_path / "a.csv"])] == ["Iran denied it."], "one that is not read does no harm"



def test_html_gives_the_body_of_the_article(put: Put) -> None:
    pytest.importorskip("lxml_html_clean")  # of the extra `html`
    article = only(put("a.html", PAGE))
    assert "Norway closed the fjord to trawlers on day 3" in article.text
    assert "Weather" not in article.text and "<p>" not in article.text
    assert (article.title, article.date) == ("Oslo closes the fjord", "2019-03-04")


def test_tables_of_web_pages_are_left_out_and_counted(put: Put, warned: Callable[[], list[str]]) -> None:
    pytest.importorskip("lxml_html_clean")  # of the extra `html`
    table = "<table><tr><{0}>Country</{0}></tr><tr><td>Peru stayed away from all of the talks</td></tr></table></article>"
    pages = [put(f"{x}.html", PAGE.replace("</article>", table.format(x))) for x in ("td", "th")]
    assert not any("Peru" in a.text for a in read_articles([*pages, put("c.html", PAGE.replace("Sport", "Sports"))]))
    told = "1 of 3 articles is a web page with tables, which are left out (first: 'th' of "
    assert f"{told}{pages[1]}); write out as text what of them is to be read" in warned()


def test_html_without_trafilatura_is_skipped_and_says_what_to_install(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    page, text = put("a.html", PAGE), put("b.txt", "Norway condemned the raid.")
    skipped, article = scan_articles([page, text])
    assert isinstance(skipped, Skipped) and re.search(r"(?s)trafilatura.*stance\[html\]", skipped.reason)
    assert isinstance(article, Article) and article.id == "b"


def test_an_empty_path_is_not_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("Norway condemned the raid.")
    (item,) = scan_articles("")
    assert isinstance(item, Skipped) and "empty path" in item.reason


def test_articles_of_one_name_in_two_folders_have_two_ids(tmp_path: Path) -> None:
    for year in ("2023", "2024"):
        (tmp_path / year).mkdir()
        (tmp_path / year / "a.txt").write_text(f"Norway condemned the raid of {year}.")
        (tmp_path / year / "b.json").write_text('[{"text": "Peru waited."}]')
    ids = [x.id for x in scan_articles(tmp_path)]
    assert ids == ["2023/a", "2023/b-1", "2024/a", "2024/b-1"]
    assert [x.id for x in scan_articles(tmp_path / "2023" / "a.txt")] == ["a"]


def test_a_csv_row_with_too_many_cells_is_skipped(put: Put) -> None:
    """Commas without quotes: the text would end at the first."""
    items = list(scan_articles(put("c.csv", "id,text\n1,\"France waited,\n\nthen left.\"\n2,France accused Italy, and expelled the envoy.\n3,Spain thanked Italy.\n")))
    assert [x.id for x in items if isinstance(x, Article)] == ["1", "3"]
    (bad,) = (x for x in items if isinstance(x, Skipped))
    assert bad.name.endswith("c.csv:5") and bad.reason == "3 cells, the header has 2; put quotes round a cell that holds the delimiter, or name every column in the header"


def test_empty_rows_of_a_spreadsheet_are_no_articles(put: Put) -> None:
    items = list(scan_articles(put("e.csv", "id;text;x\n;;\n;Norway left.;\n; ;\n7;;\n")))
    assert [(x.id, x.reason if isinstance(x, Skipped) else x.text) for x in items] == [("e-3", "Norway left."), (items[1].id, "the text is empty")]


def test_a_csv_quote_that_is_never_closed_swallows_no_rows_in_silence(put: Put) -> None:
    items = list(scan_articles(put("q.csv", 'id,text\n1,Norway waited.\n2,"France accused Italy.\n3,Spain thanked Italy.\n')))
    assert isinstance(items[0], Article) and len(items) == 2
    assert isinstance(items[1], Skipped) and items[1].name.endswith("q.csv:3") and "never closed" in items[1].reason
    whole = list(scan_articles(put("r.csv", 'id,text\n1,a 12" gun\n2,Norway waited.\n')))
    assert [x.id for x in whole] == ["1", "2"], "a lone mark inside a cell opens nothing"
    last = list(scan_articles(put("s.csv", 'id,text\n1,a 12" gun\n2,"Norway waited.\nChile left."\n')))
    assert [x.id for x in last] == ["1", "2"] and isinstance(last[1], Article) and last[1].text == "Norway waited.\nChile left."


@pytest.mark.parametrize(
    ("rows", "kept", "bad"),
    [
        ('1,"Oslo left.\n2,"Rome waited."\n3,"Lima left."\n', ["3"], [2]),
        ('1,"Oslo left.\n2,Rome waited.\n3,Lima "left" early.\n4,Bern left.\n', ["4"], [2]),
        ('1,"Oslo left.\n2,a 12" gun in Rome\n3,Lima left.\n', ["3"], [2]),
        ('\n1,a 12" gun\n\n2,"Oslo\n\nleft."\n', ["1", "2"], []),
    ],
    ids=["before quoted rows", "before a quoted word", "closed inside a cell", "empty lines"],
)
def test_a_stray_quote_in_any_row_of_a_csv_merges_no_articles_in_silence(put: Put, rows: str, kept: list[str], bad: list[int]) -> None:
    path = put("q.csv", "id,text\n" + rows)
    items = list(scan_articles(path))
    assert [x.id for x in items if isinstance(x, Article)] == kept
    assert [x.name for x in items if isinstance(x, Skipped)] == [f"{path}:{n}" for n in bad]
    assert all("never closed" in x.reason for x in items if isinstance(x, Skipped))


def test_a_page_without_article(put: Put) -> None:
    pytest.importorskip("lxml_html_clean")  # of the extra `html`
    assert "no article text" in reason(put("a.html", "<html><body></body></html>"))


def test_a_folder_is_all_its_articles_in_order(put: Put, tmp_path: Path) -> None:
    put("b.txt", "Two.")
    put("a.txt", "One.")
    put("sub/c.json", '{"text": "Three."}')
    put("notes.js", "no")
    put(".hidden.txt", "no")
    put(".ipynb_checkpoints/a.txt", "no")
    assert [a.text for a in read_articles(tmp_path)] == ["One.", "Two.", "Three."]


def test_what_a_folder_holds_beside_articles_is_told(put: Put, tmp_path: Path, warned: Callable[[], list[str]]) -> None:
    for name in ("in/a.txt", "in/b.jpg", "in/sub/c.css", "in/d.CSS", "in/.e.pdf", "other/f.pdf"):
        put(name, "Oslo left.")
    assert [x.id for x in scan_articles(tmp_path / "in")] == ["a"]
    assert warned() == ["files of other types left out: .css (2), .jpg (1); convert to text what is to be read"]
    assert "no articles in this folder, only .pdf (1)" in reason(tmp_path / "other")


def test_what_may_hold_articles_in_a_folder_and_is_not_read_is_skipped(put: Put, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put("in/a.txt", "Oslo left.")
    for name, content in {"a.pdf": b"%PDF-1.7 x", "b.zip": b"PK\x03\x04", "c.docx": b"PK\x03\x04", "d.tar.gz": b"\x1f\x8b", "e.XML": b"<?xml version='1.0'?><rss/>"}.items():
        put(f"in/{name}", content)
    (tmp_path / "in" / "f.7z").write_bytes(b"7z\xbc\xaf")
    (tmp_path / "in" / "g.jsonl.zst").write_bytes(b"\x28\xb5\x2f\xfd\x00")
    (tmp_path / "in" / "h.parquet").write_bytes(b"PAR1\x15\x00")
    put("in/i.eml", "Subject: News\n\nOslo left.")
    put("in/j.rss", "<rss><item>Oslo left.</item></rss>")
    found = [x for x in scan_articles(tmp_path / "in") if isinstance(x, Skipped)]
    assert [(Path(x.name).name, x.reason.split("\n  ")) for x in found] == [
        ("a.pdf", ["this is a PDF, not text", "unpack it first, or convert it to text (.txt), JSON lines or CSV"]),
        ("b.zip", ["an archive is not read", "unpack it"]),
        ("c.docx", ["this is a zip, as .xlsx, .docx, .odt and .epub are, not text", "unpack it first, or convert it to text (.txt), JSON lines or CSV"]),
        ("d.tar.gz", ["an archive is not read", "unpack it"]),
        ("e.XML", ["this is XML, not text", "convert it to text (.txt), JSON lines or CSV"]),
        ("f.7z", ["an archive is not read", "unpack it"]),
        ("g.jsonl.zst", ["this is Zstandard data, not text", "unpack it first, or convert it to text (.txt), JSON lines or CSV"]),
        ("h.parquet", ["this is Parquet, not text", "unpack it first, or convert it to text (.txt), JSON lines or CSV"]),
        ("i.eml", ["mail is not read", "convert it to text (.txt), JSON lines or CSV with text, title, date and source"]),
        ("j.rss", ["this is XML, not text", "convert it to text (.txt), JSON lines or CSV"]),
    ]
    assert [x.id for x in scan_articles(tmp_path / "in") if isinstance(x, Article)] == ["a"], "the PDF of its name takes no id away"
    assert capsys.readouterr().err == "" and input_bytes([tmp_path / "in"]) == len("Oslo left.")


def test_no_two_files_of_a_run_share_an_id(put: Put, tmp_path: Path) -> None:
    for name in ("p/a/x.txt", "p/a/x.txt.gz", "p/a/y.txt", "p/b/x.txt", "p/b/y.jsonl", "q/b/x.txt"):
        put(name, gzip.compress(name.encode()) if name.endswith(".gz") else json.dumps({"text": name}) if "jsonl" in name else name)
    given = [tmp_path / x for x in ("p/a", "p/b", "q/b")]
    ids = ["x", "x.txt.gz", "y", "b/x", "b/y-1", "q/b/x"]
    assert [x.id for x in scan_articles(given)] == ids
    assert [x.id for x in scan_articles(given[:1])] == ids[:3], "what comes later changes no id"
    assert [x.id for x in scan_articles([given[0] / "x.txt", given[1] / "x.txt", *given])] == ["x", "b/x", "x.txt.gz", "y", "b/y-1", "q/b/x"]


MARKDOWN = """---
title: "Fjord: closed"
date: 2019-03-04
tags:
  - sea
---
# Oslo **closes** the fjord #

Norway closed the [fjord](https://x.org/a_(b) "map") to *trawlers*,
said my_file_name.[^1] 5 * 3 &amp; [sic]
2024. was a year. ![Map](map.png)

Chile protests
--------------
- It was `theft`,
  _they_ said.
    1. An \\*item\\*

> Peru
> waited.<br>

```python
x = 1
```
    y = 2

| a | b |
|---|---|

* * *
<!-- note -->
[ref]: https://x.org
[^1]: A [note][ref].
"""


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_markdown_is_read_as_prose(put: Put, line_end: str) -> None:
    article = only(put("a.md", MARKDOWN.replace("\n", line_end), "utf-8-sig"))
    assert article.text.split("\n\n") == [
        "Oslo closes the fjord",
        "Norway closed the fjord to trawlers, said my_file_name. 5 * 3 & [sic] 2024. was a year.",
        "Chile protests", "It was theft, they said.", "An *item*", "Peru waited.", "A note.",
    ]  # fmt: skip
    assert (article.id, article.title, article.date) == ("a", "Fjord: closed", "2019-03-04")


def test_a_rule_at_the_top_of_markdown_is_no_front_matter(put: Put) -> None:
    assert only(put("a.md", "---\nOslo left.\n\n---\nRome waited.")).text == "Oslo left.\n\nRome waited."


@pytest.mark.parametrize("text", ["*a " * 30_000, "[" * 50_000, "<!--" * 30_000, "# a" + " " * 30_000 + "b"], ids=["stars", "brackets", "comments", "blanks"])
def test_odd_markdown_takes_no_square_of_time(put: Put, text: str) -> None:
    start = time.process_time()
    only(put("a.md", text + "."))
    assert time.process_time() - start < 3


def test_json_lines_under_another_name_and_with_other_line_ends_inside(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = '{"text": "One\u2028left."}\n{"text": "Two."}\n'
    for name in ("a.json", "a"):
        assert [a.text for a in read_articles(put(name, lines))] == ["One\u2028left.", "Two."]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\n" + lines.encode())))
    assert [a.text for a in read_articles("-")] == ["One\u2028left.", "Two."]


def test_a_file_named_as_standard_input_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Rome waited.")))
    Path("-").write_text("Oslo left.")
    assert [(a.input, a.text) for a in read_articles(["./-", "-"])] == [("./-", "Oslo left."), ("-", "Rome waited.")]


def test_fields_of_json_that_are_no_text(put: Put) -> None:
    line = '{"text": "Oslo left.", "id": 7, "title": NaN, "date": null, "source": {"id": null, "name": "Gazette"}}'
    assert only(put("a.jsonl", line)) == Article("7", "Oslo left.", source="Gazette")
    line = '{"text": "Oslo left.", "id": 7, "source": ["Gazette", {"name": "Post"}, null], "speaker": ["NOR"], "title": []}'
    assert only(put("b.jsonl", line)) == Article("7", "Oslo left.", source="Gazette, Post", speaker="NOR")
    assert only(put("c.jsonl", '{"text": "Oslo left.", "ID": 7, "id": 7, "Title": NaN, "title": NaN}')) == Article("7", "Oslo left.")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Oslo <b>left</b>.</p><p>&quot;We won&#39;t\nstay,&quot; it&nbsp;said.</p>", "Oslo left.\n\n\"We won't stay,\" it said."),
        ("Oslo left.<br>Rome<br/>stayed.<script>if (a<b) {}</script>", "Oslo left.\n\nRome\n\nstayed."),
        ('<h2 class="x">Oslo</h2>\n<figure><img src="a.jpg"><figcaption>Peru</figcaption></figure><ul><li>It left.</li></ul>', "Oslo\n\nIt left."),
        ('Oslo <a href="x">left</a>.\nRome &amp; Peru stayed.', "Oslo left.\nRome & Peru stayed."),
        ("Oslo left\n\n<h2>Why</h2>\nIt was\nlate\n \nRome stayed.", "Oslo left\n\nWhy\n\nIt was late\n\nRome stayed."),
        ("&lt;p&gt;Oslo left.&lt;/p&gt;&lt;p&gt;R&amp;#233;ne &amp;amp; Rome stayed.&lt;/p&gt;", "Oslo left.\n\nRéne & Rome stayed."),
        ("<p>Oslo <!-- an\n\nadvert -->left.</p>", "Oslo left."),
        ("Malm&ouml; paid 5&euro;.", "Malmö paid 5€."),
        ("&lt;p&gt;Oslo left.&lt;/p&gt;&lt;p&gt;&amp;quot;No,&amp;quot; Rome said.&lt;/p&gt;", 'Oslo left.\n\n"No," Rome said.'),
        (f"<p>Oslo left.</p><!-- {'x' * 9000} --><style>{'p {} ' * 9000}</style><p>Rome stayed.</p>", "Oslo left.\n\nRome stayed."),
        (f"<nav>Home<p>Oslo {'left ' * 9000}.</p></nav>", f"Home\n\nOslo {'left ' * 9000}."),
    ],
)
def test_tags_in_a_field_are_left_out_and_told(put: Put, warned: Callable[[], list[str]], html: str, text: str) -> None:
    path = put("a.jsonl", f'{json.dumps({"content": html})}\n{json.dumps({"content": "a < b & c > d, AT&T"})}\n')
    assert [x.text for x in read_articles(path)] == [text, "a < b & c > d, AT&T"]
    assert only(put("b.jsonl", '{"title": "Oslo&#8217;s <i>raid</i>", "text": "Oslo left."}')) == Article("b-1", "Oslo left.", title="Oslo’s raid")
    assert f"1 of 2 articles holds tags of HTML (first: 'a-1' of {path}:1), which are left out; offsets count in what remains" in warned()


@pytest.mark.parametrize("html", ["<nav>" * 60_000, "<figure ></figure " * 5_000, "<nav ></nav>" * 5_000], ids=["open", "half closed", "closed"])
def test_odd_html_takes_no_square_of_time(html: str) -> None:
    start = time.process_time()
    assert without_tags(f"{html}<p>Oslo left.</p>").endswith("Oslo left.")
    assert time.process_time() - start < 1


def test_a_page_saved_as_text_is_read_as_a_page(put: Put) -> None:
    pytest.importorskip("trafilatura")
    assert only(put("a.txt", PAGE)).text == only(put("b.html", PAGE)).text


@pytest.mark.parametrize("name", ["a.csv", "a.json", "-"])
def test_fields_that_are_read_together(put: Put, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    table = "title,Summary\nOslo left,It was late.\nRome stayed,\n"
    path = put("a.json" if name == "a.json" else "a.csv", json.dumps(list(csv.DictReader(io.StringIO(table)))) if name == "a.json" else table)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    found = list(scan_articles("-" if name == "-" else path, text_column="Title+Summary"))
    assert [(x.title, x.text) for x in found if isinstance(x, Article)] == [("Oslo left", "Oslo left\n\nIt was late."), ("Rome stayed", "Rome stayed")]
    assert "no column note; seen: title, summary" in reason(put("b.csv", table), text_column="title+note")
    assert only(put("c.csv", "id,a+b\n1,Oslo left.\n"), text_column="a+b").text == "Oslo left."


def test_a_field_that_is_read_with_another_and_is_not_there_is_told(put: Put, warned: Callable[[], list[str]]) -> None:
    path = put("a.jsonl", '{"title": "Oslo left", "summary": "It was <b>late</b>."}\n{"title": "Rome stayed", "summary": null}\n')
    assert [x.text for x in read_articles(path, text_column="title+summary")] == ["Oslo left\n\nIt was late.", "Rome stayed"]
    said = "has no field 'summary' (first: 'a-2' of {0}:2), and is read without it; look at the name, as --text-column gives it"
    assert f"1 of 2 articles {said.format(path)}" in warned()
    assert [x.text for x in read_articles(path, text_column="title+sumary")] == ["Oslo left", "Rome stayed"]
    assert any(x.startswith("2 of 2 articles have no field 'sumary' (first: 'a-1' of") for x in warned())
    assert len(list(read_articles(path, text_column="title+lead, summary"))) == 2
    assert any(x.startswith("2 of 2 articles have no field 'lead, summary' (first: 'a-1' of") for x in warned())


def test_a_json_feed(put: Put) -> None:
    feed = {"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "content_text": "Oslo left."}, {"id": "2", "content_html": "<p>Rome stayed.</p>"}]}
    assert [x.text for x in read_articles(put("a.json", json.dumps(feed)))] == ["Oslo left.", "Rome stayed."]


def test_a_date_for_what_has_none(put: Put) -> None:
    path = put("a.jsonl", '{"text": "One.", "date": "2019-03-04"}\n{"text": "Two."}\n')
    assert [x.date for x in scan_articles(path, date="2020-01-01") if isinstance(x, Article)] == ["2019-03-04", "2020-01-01"]


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ("Oslo left.", ["Oslo left."]),
        ('{"text": "Oslo left."}', ["Oslo left."]),
        ('[{"text": "One."}, {"text": "Two."}]', ["One.", "Two."]),
        ('{"text": "One."}\n{"text": "Two."}\n', ["One.", "Two."]),
        ("[Oslo] left, said the envoy.", ["[Oslo] left, said the envoy."]),
        ('id,text\n7,"Oslo left, early."\n8,Rome waited.\n', ["Oslo left, early.", "Rome waited."]),
        ("Text, body and soul\nOslo left.", ["Text, body and soul\nOslo left."]),
    ],
    ids=["text", "json", "json list", "json lines", "text in brackets", "table", "text with commas"],
)
def test_standard_input_is_recognised_by_its_content(monkeypatch: pytest.MonkeyPatch, content: str, texts: list[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.encode())))
    assert [a.text for a in read_articles("-")] == texts


def test_several_inputs_in_the_order_given(put: Put) -> None:
    assert [a.id for a in read_articles([put("b.txt", "Two."), put("a.txt", "One.")])] == ["b", "a"]


# --------------------------------------------------------------------------- what cannot be read


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", b"", "empty"),
        ("a.txt", b" \n ", "empty"),
        ("a.txt", b"GIF89a\x00\x01\x00", "binary"),
        ("a.json", b"{", "not valid JSON"),
        ("a.json", b"3", "a JSON object is needed, not int"),
        ("a.json", b'{"headline": "x"}', "no text; looked for text, body"),
        ("a.json", b'{"text": "  "}', "the text is empty"),
        ("a.json", b'{"text": 5}', "no text; looked for text"),
        ("a.json", b'{"id": {"0": 1}, "text": {"0": "Oslo left."}}', "no text: 'text' holds an object; give one object an article, its text a string"),
        ("a.json", b'{"Text": ["Oslo left."]}', "no text: 'text' holds a list; give one object an article, its text a string (in pandas: to_json(orient='records'));"),
        ("a.jsonl", b"\n\n", "empty"),
        *((name, b"\xef\xbb\xbf", "empty") for name in ("a.txt", "a.csv", "a.json", "a.jsonl", "a.html")),
        ("b.txt", b"\xff\xfe", "empty"),
        ("b.jsonl", b"\xff\xfe", "empty"),
        ("a.csv", b"txt,id\nx,y\n", "did you mean 'txt'? name it with --text-column"),
        ("a.csv", b"words,id\nx,y\n", "seen: words, id\n  name it with --text-column (several: title+summary)"),
        ("a.csv", b"title,summary\nx,y\n", "seen: title, summary\n  name it with --text-column (several: title+summary)"),
        ("a.json", b'{"title": "x", "text": "<p> </p>"}', "the text is empty"),
        ("a.docx", b"PK\x03\x04", "this is a zip, as .xlsx, .docx, .odt and .epub are, not text\n  unpack it first, or convert it to text"),
        ("a.pdf", b"%PDF-1.4 left", "this is a PDF"),
        ("a.txt", b"\x1f\x8b\x08", "name it .gz"),
        ("a.xml", b"<?xml version='1.0'?><p>Oslo left.</p>", "this is XML"),
        ("a.xml", b"<nitf><p>Oslo left.</p></nitf>", "this is XML"),
        ("a.txt", b"\n<rss version='2.0'><item>Oslo left.</item></rss>", "this is XML"),
        ("a", b"<feed xmlns='http://www.w3.org/2005/Atom'><entry>Oslo left.</entry></feed>", "this is XML"),
        ("a.md", b"---\ntitle: Fjord\n---\n", "the text is empty"),
        ("a.json", b'{"content": null, "title": "x"}', "the text is empty"),
        ("a.json", b'{"Text": "Oslo left.", "text": "Rome stayed."}', "the fields 'Text' and 'text' have one name, as case does not count"),
        ("a.json", b'{"columns": ["text"], "index": [0], "data": [["Oslo left."]]}', "no text: 'columns' holds a list; give one object an article"),
        ("a.json", b'{"0": {"text": "Oslo left."}}', "no text: '0' holds an object; give one object an article"),
        ("a.json", b'{"id": 1, "fields": {"bodyText": "Oslo left."}}', "seen: id, fields.bodyText; name it with --text-column"),
        ("a.json", b'{"a": "x", "tags": []}', "no text; looked for text"),
        ("a.txt", "id\ttext\r\n1\tOslo left.\r\n".encode("utf-16"), "this is a table, not the text of an article\n  give it the suffix .csv"),
        ("a", b'["Oslo left."]', "a JSON object is needed, not str"),
        ("a.txt", b'[{\n  "text": "Oslo left."', "this is JSON, not the text of an article"),
        ("a.txt", b'{"text": "Oslo left."}\n{"text": "Rome stayed."}\n', "this is JSON, not the text of an article\n  give it the suffix .jsonl"),
        ("a.txt", b"1 of 2 DOCUMENTS\n\nOslo left.\n\n  2 of 2 DOCUMENTS\r\n\nRome stayed.\n", "several articles in one file, as LexisNexis gives them"),
        ("a.txt", b"Fjord\n\nBody\n\nOslo left.\n\nEnd of Document\n\nAlps\n\nBody\n\nRome stayed.\n\nEnd of Document\r\n", "as LexisNexis gives them"),
        (
            "a.txt", b"HD  Fjord\nTD  Oslo left.\nAN  Document LBA0000020240502ek52000a1\nHD  Alps\nTD  Rome stayed.\n\nDocument DIEWEL0020240503ek5300qz2\n",
            "several articles in one file, as Factiva gives them",
        ),
        ("a.csv", b'id,text\n"1",7,"Oslo left."\n', "3 cells, the header has 2; put quotes round a cell that holds the delimiter, or name every column"),
    ],
)
def test_inputs_that_are_skipped_say_why(put: Put, name: str, content: bytes, said: str) -> None:
    path = put(name, content)
    assert said in reason(path)
    with pytest.raises(InputError, match=name):
        list(read_articles(path))


def test_a_missing_file_and_an_empty_folder(tmp_path: Path) -> None:
    assert "cannot be read" in reason(tmp_path / "nowhere.txt")
    assert "cannot be read" in reason(tmp_path / "nowhere.jsonl")
    assert "no articles in this folder" in reason(tmp_path)


def test_a_table_without_a_suffix_may_hold_long_articles(put: Put) -> None:
    csv.field_size_limit(131_072)  # as Python begins
    path = put("a.dat", f"id,text\na,{'Oslo left. ' * 13_000}\nb,Peru left.\n")
    assert [x.id for x in scan_articles(path)] == ["a", "b"]


def test_inputs_that_hold_no_article_are_told(put: Put, warned: Callable[[], list[str]]) -> None:
    none = [put("a.json", "[]"), put("b.json", '{"status": "error", "articles": []}'), put("c.csv", "id,text\n")]
    assert [x.id for x in scan_articles([*none, put("d.txt", "Oslo left.")])] == ["d"]
    assert warned() == [f"no article in 3 inputs (first: {none[0]}): an empty list, or a header without rows"]


def test_one_bad_input_does_not_stop_the_rest(put: Put, tmp_path: Path) -> None:
    found = list(scan_articles([put("a.txt", "One."), tmp_path / "nowhere.txt", put("b.jsonl", '{"text": "Two."}\n{\n{"text": "Three."}\n')]))
    assert [x.text if isinstance(x, Article) else "skipped" for x in found] == ["One.", "skipped", "Two.", "skipped", "Three."]
    assert [x.name for x in found if isinstance(x, Skipped)] == [str(tmp_path / "nowhere.txt"), f"{tmp_path / 'b.jsonl'}:2"]


def test_a_page_that_cannot_be_fetched_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> None:
        raise URLError("no route")

    monkeypatch.setattr("urllib.request.urlopen", offline)
    assert "cannot be fetched" in reason("https://stance.invalid/a.html")


@pytest.mark.parametrize(
    ("told", "encoding"),
    [
        ("text/html; charset=windows-1250", "cp1250"), ("text/html; charset=UTF-16LE", "utf-16-le"), ("text/html", "utf-8"),
        ("text/html; charset=windows-1250", "utf-8"), ("text/html; charset=windows-1250", "utf-16"),  # which their bytes tell
        *[(f"text/html; charset={x}", "cp1252") for x in ("iso-8859-1", "nonsense", "utf-8", "us-ascii", "hex")],
    ],
)  # fmt: skip
def test_a_page_is_read_in_the_charset_that_its_server_tells(monkeypatch: pytest.MonkeyPatch, warned: Callable[[], list[str]], told: str, encoding: str) -> None:
    name = "Dvořák" if encoding != "cp1252" else "“Sørensen”"
    page, headers = io.BytesIO(PAGE.replace("the crews", name).encode(encoding)), Message()
    headers["Content-Type"] = told
    answer = SimpleNamespace(read=page.read, headers=headers)
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: nullcontext(answer))
    assert f"told {name} to wait" in only("https://stance.invalid/a.html").text
    doubtful = encoding == "cp1252" and "iso" not in told
    assert warned() == ["https://stance.invalid/a.html:2: not UTF-8 (byte 0x93); read as cp1252"] * doubtful


def test_json_lines_that_are_no_utf8_are_told_once(put: Put, warned: Callable[[], list[str]]) -> None:
    path = put("a.jsonl", '{"text": "Oslo left.", "date": "2019"}\n{"text": "Malmö left.", "date": "2019"}\n{"text": "Växjö left."}\n', "cp1252")
    assert [a.text for a in read_articles(path)][1:] == ["Malmö left.", "Växjö left."]
    assert warned() == [f"{path}:2: not UTF-8 (byte 0xf6); read as cp1252"]


def test_an_address_that_is_none_does_not_stop_the_rest(put: Put) -> None:
    skipped, read = scan_articles(["https://stance.invalid/a b.html", put("a.txt", "One.")])
    assert isinstance(skipped, Skipped) and skipped.reason.startswith("cannot be fetched: URL can't contain control characters")
    assert isinstance(read, Article)


# --------------------------------------------------------------------------- archives


@pytest.mark.parametrize("large", [False, True])
def test_bytes_of_cp1252_among_utf8_garble_nothing_else(put: Put, warned: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch, large: bool) -> None:
    monkeypatch.setattr("stance.articles.WHOLE", 0 if large else 1 << 20)
    told = ["Malmö “left” Perú.", "Łódź left too.", "Málaga left."]
    path = put("a.csv", b"text\n" + "\n".join(told[:2]).encode() + b"\n" + told[2].encode("cp1252"))
    assert [a.text for a in read_articles(path)] == told
    assert f"{path}:4: not UTF-8 (byte 0xe1); read as cp1252" in warned()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_large_table_is_read_row_by_row_and_just_the_same(put: Put, monkeypatch: pytest.MonkeyPatch, warned: Callable[[], list[str]], encoding: str) -> None:
    rows = "".join(f'x{n};"Malmö left.\nIt ""waited"" {n}."\r\n' for n in range(3000))
    path = put("a.csv", "id;text\r\n" + rows, encoding)
    whole = list(scan_articles(path))
    told = warned()
    monkeypatch.setattr("stance.articles.WHOLE", 0)
    read: list[int] = []
    assert list(scan_articles(path, seen=read.append)) == whole and len(whole) == 3000 and whole[7] == Article("x7", 'Malmö left.\nIt "waited" 7.')
    assert warned() == told and ("cp1252" in "".join(told)) is (encoding == "cp1252")
    assert sum(read) == path.stat().st_size and len(read) > 2


def test_a_large_table_may_have_a_character_across_the_end_of_its_head(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stance.articles.WHOLE", 0)
    for shift in range(3):
        (article,) = scan_articles(put("a.csv", f"id,text\n{'x' * shift}1,{'ö' * 40000}\n", "utf-8-sig"))
        assert isinstance(article, Article) and article.text == "ö" * 40000


@pytest.mark.parametrize(("mark", "encoding"), [(codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be")])
@pytest.mark.parametrize(("name", "text"), [("a.txt", "Malmö left."), ("a.jsonl", '{"text": "Malmö left."}\n\n'), ("a.csv", "id,text\n1,Malmö left.\n")])
def test_a_text_in_utf_32(put: Put, monkeypatch: pytest.MonkeyPatch, mark: bytes, encoding: str, name: str, text: str) -> None:
    monkeypatch.setattr("stance.articles.WHOLE", 10)
    assert only(put(name, mark + text.encode(encoding))).text == "Malmö left."


def test_hundreds_of_lists_in_one_another_tell_nothing_and_cost_no_article(put: Put) -> None:
    deep = put("a.json", '{"text": "Oslo left.", "title": ' + "[" * 900 + "]" * 900 + ', "source": [["Post"], "Sun"]}')
    found = [*read_articles([deep, put("b.txt", "Oslo left.")])]
    assert [(x.id, x.text, x.title, x.source) for x in found] == [("a", "Oslo left.", "", "Post, Sun"), ("b", "Oslo left.", "", "")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_json_lines_in_utf_16(put: Put, encoding: str) -> None:
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    path = put("a.jsonl", (mark + '{"text": "Malmö left."}\n\n{"text": "Rome \u010a\u0a0d waited."}\n').encode(encoding))
    read: list[int] = []
    assert [x.text for x in scan_articles(path, seen=read.append) if isinstance(x, Article)] == ["Malmö left.", "Rome \u010a\u0a0d waited."]
    assert sum(read) == path.stat().st_size


def test_a_line_that_cannot_be_read_names_its_place_once(put: Put) -> None:
    path = put("a.jsonl", b'{"text": "Oslo left."}\n{"text": "\x00"}\n')
    (bad,) = (x for x in scan_articles(path) if isinstance(x, Skipped))
    assert bad.name == f"{path}:2" and bad.reason == "this is a binary file, not text"


def test_a_large_table_that_is_none(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stance.articles.WHOLE", 0)
    assert "no column text" in reason(put("a.csv", "txt;id\nx;y\n"), text_column="text")
    assert "binary" in reason(put("b.csv", b"GIF89a\x00\x01\x00"))


def test_json_lines_on_standard_input_are_read_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(io.RawIOBase):
        lines = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            self.lines += 1
            line = b'{"text": "Oslo left."}\n'
            buffer[: len(line)] = line
            return len(line)

    source = Endless()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(source)))
    found = read_articles("-")
    assert [next(found).id for _ in range(3)] == ["stdin-1", "stdin-2", "stdin-3"] and source.lines < 1000


PACK = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
LINES = "".join(f'{{"id": {n}, "text": "Malmö left {n * n * 7919}."}}\n' for n in range(8_000))  # several buffers of what is packed


@pytest.mark.parametrize("packed", sorted(PACK))
@pytest.mark.parametrize(("name", "content"), [
    ("a.jsonl", LINES.encode()), ("a.jsonl", LINES[:500].encode("utf-16")), ("a.csv", "id,text\n1,Malmö left.\n".encode("cp1252")),
    ("a.csv", ("id;text\n" + "1;Malmö left.\n" * 9000).encode()), ("a.txt", b"Oslo left."), ("a.json", b'[{"text": "Oslo left."}]'), ("a", LINES.encode()),
])  # fmt: skip
def test_a_packed_file_is_read_as_it_was_before(put: Put, name: str, content: bytes, packed: str) -> None:
    plain, path = put(name, content), put(name + packed, PACK[packed](content))
    read: list[int] = []
    assert list(scan_articles(path, seen=read.append)) == [replace(x, name=x.name.replace("a.jsonl", "a.jsonl" + packed)) if isinstance(x, Skipped) else x for x in scan_articles(plain)]
    assert sum(read) == input_bytes([path]) == path.stat().st_size


@pytest.mark.parametrize("packed", sorted(PACK))
def test_a_damaged_archive_is_skipped_after_what_could_be_read(put: Put, packed: str) -> None:
    raw = PACK[packed](LINES.encode())
    for content in (b"Oslo left.", raw[: len(raw) // 2], raw[:-1], raw[:99] + bytes(b ^ 255 for b in raw[99:200]) + raw[200:]):
        path = put("a.jsonl" + packed, content)
        *before, last = scan_articles(path)
        assert isinstance(last, Skipped) and last.name == str(path) and "damaged or cut off" in last.reason
        assert [x.id for x in before] == [str(n) for n in range(len(before))]
        assert "damaged or cut off" in reason(put("a.txt" + packed, content))


@pytest.mark.parametrize("packed", sorted(PACK))
def test_streams_behind_one_another_are_all_read_and_others_told(put: Put, packed: str) -> None:
    one, two = (PACK[packed](f'{{"text": "{x}"}}\n'.encode()) for x in ("Oslo left.", "Rome stayed."))
    for between in (b"", bytes(8)):
        assert [x.text for x in read_articles(put("a.jsonl" + packed, one + between + two + between))] == ["Oslo left.", "Rome stayed."]
    for behind in (b"junk", b"x" + two[1:], two[:-9]):
        first, *_, last = scan_articles(put("a.jsonl" + packed, one + behind))
        assert isinstance(first, Article) and isinstance(last, Skipped) and "damaged or cut off" in last.reason


def test_an_article_knows_its_input_and_progress_its_size(put: Put, tmp_path: Path) -> None:
    one, two = put("in/a.txt", "One."), put("in/b.jsonl", '{"text": "Two."}\n{\n')
    read: list[int] = []
    found = list(scan_articles([tmp_path / "in", tmp_path / "nowhere.txt"], seen=read.append))
    assert [x.input for x in found] == [str(one), str(two), str(two), str(tmp_path / "nowhere.txt")]
    assert sum(read) == input_bytes([tmp_path / "in", tmp_path / "nowhere.txt"]) == one.stat().st_size + two.stat().st_size
    assert input_bytes([one, "-"]) is None and input_bytes(["https://stance.invalid/a.html"]) is None


@pytest.mark.parametrize("line", ['{"id": "\\ud83d", "text": "Oslo \\udc00 left."}', '{"text": "Oslo \\ud83d\\ude42"}'])
def test_half_characters_are_replaced_and_whole_ones_kept(put: Put, line: str) -> None:
    article = only(put("a.json", line))
    assert (article.id, article.text) in [("\ufffd", "Oslo \ufffd left."), ("a", "Oslo 🙂")]
    article.text.encode()


def test_a_file_name_that_is_no_utf_8_and_half_characters_in_reasons(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt"))).write_text("Oslo left.")
    (tmp_path / "d.jsonl").write_text('{"\\ud800": "x"}\n{"id": "\\ud800", "title": "\\udc00", "text": "x"}\n')
    found = list(scan_articles(tmp_path))
    assert [x.id for x in found] == ["café", f"{tmp_path / 'd.jsonl'}:1", "\ufffd"]
    assert found[0].input == f"{tmp_path}/caf\ufffd.txt"
    assert all(getattr(x, f.name).encode() for x in found for f in fields(x) if f.name in ("id", "input", "reason", "name"))


def test_files_whose_names_differ_in_bytes_that_are_no_utf_8_are_two(tmp_path: Path, warned: Callable[[], list[str]]) -> None:
    for name in (b"B\xfccher", b"B\xe4cher"):
        (Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name + b".txt"))).write_text(f"Oslo left {name!r}.")
    assert [x.id for x in scan_articles(tmp_path)] == ["Bächer", "Bücher"]
    assert not any("more than once" in x for x in warned())


def test_dates_that_are_not_understood_are_said_once(put: Put, warned: Callable[[], list[str]]) -> None:
    dates = ["2024-03-01", "01/03/2024", "2024/03/01", "", "2024-02-30"]
    path = put("dates.jsonl", "".join(json.dumps({"text": f"Oslo left {n}.", "date": d}) + "\n" for n, d in enumerate(dates)))
    assert [a.date for a in read_articles(path)] == ["2024-03-01", "", "2024-03-01", "", ""]
    assert warned() == [f"2 of 5 articles: date not understood (first: {path}:2 '01/03/2024', either number may be the month); write YYYY-MM-DD"]


@pytest.mark.parametrize(
    ("record", "found"),
    [
        ({"publishedAt": "2018-03-04T10:00:00Z", "headline": "Fjord", "source": {"id": None, "name": "Gazette"}}, ("2018-03-04", "Fjord", "Gazette")),
        ({"pub_date": "2018-03-04T10:00:00+0000", "newspaper": "Gazette"}, ("2018-03-04", "", "Gazette")),
        ({"pubDate": "Sun, 04 Mar 2018 10:00:00 +0100", "publisher": {"name": "Gazette"}}, ("2018-03-04", "", "Gazette")),
        ({"webPublicationDate": "2018-03-04T10:00:00Z", "webTitle": "Fjord", "publication": "Gazette"}, ("2018-03-04", "Fjord", "Gazette")),
        ({"title": {"title": "", "rendered": "Fjord"}, "source": {"title": None, "domain": "gazette.no"}}, ("", "Fjord", "gazette.no")),
        ({"source": {"id": "gazette", "name": None, "title": "Gazette"}}, ("", "", "")),
        ({"publication_date": "2018-03-04", "media_name": "Gazette"}, ("2018-03-04", "", "Gazette")),
        ({"Datum": "4.3.2018", "sourceName": "Gazette"}, ("2018-03-04", "", "Gazette")),
        ({"created_at": "2019-01-01", "Published Date": "2018-03-04"}, ("2018-03-04", "", "")),
        ({"date": "4/3/2018", "datePublished": "2018-03-04"}, ("2018-03-04", "", "")),
        ({"datetime": "2018-03-04 10:00:00"}, ("2018-03-04", "", "")),
        ({"date_publish": "2018-03-04 10:00:00", "source_domain": "gazette.no"}, ("2018-03-04", "", "gazette.no")),
        ({"timestamp": "2018-03-04T10:00:00.000+02:00"}, ("2018-03-04", "", "")),
        ({"created_at": 1520121600}, ("2018-03-04", "", "")),
        ({"date": 1520121600000.0}, ("2018-03-04", "", "")),
    ],
)  # fmt: skip
def test_fields_under_the_names_of_others(put: Put, record: dict[str, Any], found: tuple[str, ...]) -> None:
    article = only(put("a.json", json.dumps({"text": "Oslo left.", **record})))
    assert (article.date, article.title, article.source, article.undated) == (*found, "")


@pytest.mark.parametrize(
    ("record", "id"),
    [
        ({"stories_id": 7, "media_name": "Gazette", "publish_date": "2018-03-04 10:00:00", "story_text": "Oslo left."}, "7"),  # Media Cloud
        ({"uri": "7", "dateTimePub": "2018-03-04T23:00:00Z", "body": "Oslo left.", "source": {"uri": "gazette.no", "title": "Gazette"}}, "7"),  # Event Registry
        ({"uri": "7", "dateTimePub": "2018-03-04T23:00:00Z", "body": "Oslo left.", "source.uri": "gazette.no", "source.title": "Gazette"}, "7"),
        ({"url": "7", "seendate": "20180304T101500Z", "domain": "Gazette", "text": "Oslo left."}, "7"),  # GDELT's documents, and its graph
        ({"DATE": "20180304101500", "SourceCommonName": "Gazette", "DocumentIdentifier": "7", "text": "Oslo left."}, "7"),
        ({"DocumentURL": "7", "pubdate": "Mar 4, 2018", "pubtitle": "Gazette", "Full text": "Oslo left."}, "7"),  # ProQuest, and its TDM Studio
        ({"GOID": "7", "Date": "2018-03-04", "Publication title": "Gazette", "Text": "Oslo left."}, "7"),
        ({"Accession Number": "7", "Publication Name": "Gazette", "Publication Date": "4 March 2018", "Full Text": "Oslo left."}, "7"),  # Factiva
    ],
)  # fmt: skip
def test_fields_as_archives_call_them(put: Put, record: dict[str, Any], id: str) -> None:
    wanted, rows = Article(id, "Oslo left.", date="2018-03-04", source="Gazette"), io.StringIO()
    assert only(put("a.json", json.dumps(record))) == wanted
    if "source" not in record:  # a table has no objects
        csv.writer(rows).writerows([record, record.values()])
        assert only(put("a.csv", rows.getvalue())) == wanted


def test_most_articles_without_a_date_are_told_with_the_fields_that_may_hold_one(put: Put, warned: Callable[[], list[str]]) -> None:
    rows = ["text,jour,printed,timestamp,serial", *(f"Oslo left {n}.,Monday,2018-03-04,{n} s,{1520121600 + n}" for n in range(3))]
    path = put("a.csv", "\n".join([*rows, "Oslo stayed.,,,2018-03-04,x"]))
    assert [a.date for a in read_articles(path)] == ["", "", "", "2018-03-04"]
    told = "3 of 4 articles have no date; fields that may hold one: printed, timestamp; without one whoever ever held an office speaks for it"
    assert warned() == [f"{told}: call the field date, or give one for all (--date, scan_articles(date=))"]
    list(scan_articles(path, date="2018-03-04"))
    assert list(read_articles([put("b.txt", "Oslo waited."), put("c.md", "Oslo went."), put("d.json", '{"text": "Oslo came.", "date": "2018"}')]))
    assert warned() == []


@pytest.mark.parametrize(("files", "dated", "told"), [(10, True, False), (11, True, True), (11, False, False)])
def test_text_files_without_a_date_beside_dated_articles_are_told(
    put: Put, tmp_path: Path, warned: Callable[[], list[str]], files: int, dated: bool, told: bool
) -> None:
    for n in range(files):
        put(f"in/2018-03-{n:02}.txt", f"Oslo waited {n} days.")
    put("in/z.md", "---\ndate: 2018-03-04\n---\nOslo went." if dated else "Oslo went.")
    assert [a.date for a in read_articles(tmp_path / "in")] == [""] * files + ["2018-03-04" * dated]
    said = "11 of 12 articles are of files that tell no date, and so in no month of a report; write it above a text"
    assert warned() == [f"{said}, as `date: 2018-03-04` between two lines `---`, or give one for all (--date)"] * told
    list(scan_articles(tmp_path / "in", date="2018-03-04"))
    assert warned() == []


@pytest.mark.parametrize(("rows", "fields"), [("text,date\nOslo left.,\n", ""), ("text,date,printed\nOslo left.,,2018-03-04\n", "printed")])
def test_an_empty_date_is_no_field_that_may_hold_one(put: Put, warned: Callable[[], list[str]], rows: str, fields: str) -> None:
    list(read_articles(put("a.csv", rows)))
    told = f"1 of 1 article has no date{f'; fields that may hold one: {fields}' if fields else ''}; without one whoever ever held an office speaks for it"
    assert warned() == [f"{told}: {'call the field' if fields else 'write it in a field'} date, or give one for all (--date, scan_articles(date=))"]


def test_markdown_on_standard_input_is_known_by_its_front_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    for text, found in ((MARKDOWN, "Fjord: closed"), (MARKDOWN.replace("\n", "\r\n"), "Fjord: closed"), ("---\nOslo left.\n---\nRome waited.", "")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        article = only("-")
        assert (article.title, article.text == text) == (found, not found)


def test_text_with_wrapped_lines_is_told(put: Put, warned: Callable[[], list[str]]) -> None:
    lines = ["Norway closed the fjord to all trawlers on Monday and told the crews", *["to wait in the harbour of Oslo until the inspectors had seen the nets"] * 3]
    wrapped = put("a.txt", ("\n".join(lines) + ".\n\n") * 3)
    paragraphs = put("b.txt", (" ".join(lines) + ".\n") * 2 + "Oslo left.\n" * 9)
    headlines = put("c.txt", "Norway closes the fjord to all trawlers and tells the crews to wait\n" * 9)
    list(read_articles([wrapped, paragraphs, headlines]))
    told = f"1 of 3 articles looks hard-wrapped (first: 'a' of {wrapped}); line ends within their paragraphs are read as blanks"
    assert warned() == [told]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_file_that_is_given_again_is_read_once(put: Put, warned: Callable[[], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put("news/b.txt", "Peru stayed.")
    put("news/a.txt", "Oslo left.")
    monkeypatch.chdir(tmp_path)
    Path("link").symlink_to("news")
    given = ["./news/b.txt", "news", "./news/", tmp_path / "news", "link", "news/../news", "news//a.txt"]
    assert [(a.id, a.input) for a in read_articles(given)] == [("b", "news/b.txt"), ("a", "news/a.txt")]
    assert warned() == ["10 files given more than once, and read once"]
    assert input_bytes(given) == len("Peru stayed.Oslo left.")


def test_the_same_text_twice_is_said(put: Put, warned: Callable[[], list[str]], tmp_path: Path) -> None:
    copy = put("copy.txt", put("art/a0.txt", "Oslo left.").read_text("utf-8"))
    lines = [json.dumps({"id": n, "text": f"Oslo left {n % 3000}.", "date": "2019"}) for n in range(1, 5001)]
    big = put("big.jsonl", "\n".join([*lines, '{"text": "Oslo left."}']))
    assert len(list(scan_articles([tmp_path / "art", copy, big]))) == 5003
    told = f"2002 of 5003 articles have the text of an earlier one and count again (first: 'copy' of {copy}); give each once"
    assert warned() == [told]


def test_one_id_for_two_texts_is_said(put: Put, warned: Callable[[], list[str]]) -> None:
    """Of several files, and twice in one; the same article again is only a text that is repeated."""
    one = put("guardian.csv", "id,date,text\n1,2019,Oslo left.\n2,2019,Lima stayed.\n")
    two = put("times.csv", "id,date,text\n1,2019,Paris left.\n2,2019,Lima stayed.\n3,2019,Rome left.\n3,2019,Rome stayed.\n")
    assert [a.id for a in read_articles([one, two])] == ["1", "2", "1", "2", "3", "3"]
    told = f"2 articles have the id of an earlier one (first: '1' of {two}:2); both count, and results cannot tell them apart: give each its own, or leave out the older text"
    again = f"1 of 6 articles has the text of an earlier one and counts again (first: '2' of {two}); give each once"
    assert warned() == [again, told]
    assert {a.input for a in read_articles(two)} == {str(two)}
    assert "1 article has the id of an earlier one (first: '3' of " in "".join(warned())


@pytest.mark.parametrize("record", [{"text": "", "body": "Norway denied it."}, {"text": " ", "content": None, "body": "Norway denied it."}, {"body": "Norway denied it."}])
def test_an_empty_field_hides_no_other_text(put: Put, record: dict[str, str | None]) -> None:
    told = ",".join(record), ",".join(x or "" for x in record.values())
    for path in (put("a.jsonl", json.dumps(record)), put("b.csv", "\n".join(told))):
        assert [a.text for a in read_articles(path)] == ["Norway denied it."]


def test_without_any_text_the_first_field_is_said_to_be_empty(put: Put) -> None:
    assert [x.reason for x in scan_articles(put("a.jsonl", '{"text": "", "body": " "}')) if isinstance(x, Skipped)] == ["the text is empty"]


@pytest.mark.parametrize("odd", [None, 7, b"a.txt", [None], io.StringIO("Norway left.")])
def test_what_is_no_path_is_told(odd: Any) -> None:
    with pytest.raises(InputError, match="articles are given as .*, not as the path of a file"):
        list(read_articles(odd))


@pytest.mark.parametrize(("text", "why"), [("word " * 1000, "too long"), ("One\0two.", "NUL")])
def test_a_text_given_as_a_path_does_not_stop_the_rest(put: Put, text: str, why: str) -> None:
    path = put("a.txt", "One.")
    skipped, article = scan_articles([text, path])
    assert isinstance(skipped, Skipped) and why in skipped.reason and "stance.classify" in skipped.reason and article.id == "a"
    assert input_bytes([text, path]) == len("One.")
    with pytest.raises(InputError, match="stance.classify"):
        read_dataset(text)


def test_a_data_frame_is_no_file_of_articles() -> None:
    class Frame(list[str]):
        columns = ("text",)

    with pytest.raises(InputError, match="given as Frame.*\n.*stance.classify"):
        list(read_articles(Frame(["text"])))


def test_a_line_that_ends_hard_in_markdown_ends_a_sentence(put: Put) -> None:
    assert only(put("a.md", "Oslo waits  \nRome talks\\\nBern left\ntoday.")).text == "Oslo waits\n\nRome talks\n\nBern left today."


def test_the_line_of_a_byte_far_down_in_a_large_table_is_right(put: Put, warned: Callable[[], list[str]]) -> None:
    text = "text\n" + "".join(f"Norway left on day {n} ó.\n" for n in range(9000))
    path = put("a.csv.gz", gzip.compress(text.encode() + "Málaga left.\n".encode("cp1252")))
    assert len(list(read_articles(path))) == 9001
    assert f"{path}:9002: not UTF-8 (byte 0xe1)" in warned()[0]


def test_of_many_skipped_no_more_than_a_hundred_reasons_and_names_of_each_are_held() -> None:
    shown = Shown()
    for n in range(300):
        shown.keep(Skipped(f"a:{n}", "no text"))
        shown.keep(Skipped(f"b:{n}", f"not JSON: column {n}"))
    named = ", ".join(map(str, range(1, SHOWN)))
    told = list(shown.lines(where=": look"))
    assert told[0] == f"300 (a:0, {named} …): no text"
    assert told[1:-1] == [f"b:{n}: not JSON: column {n}" for n in range(SHOWN - 1)]
    assert told[-1] == f"{600 - SHOWN - (SHOWN - 1)} not named above: look"


def test_of_inputs_skipped_for_one_reason_all_are_named() -> None:
    shown = Shown()
    for name in ("a.pdf", *(f"b.jsonl:{n}" for n in range(7, 19)), "C:\\c.pdf", "c.jsonl:1", "d.jsonl:1"):
        shown.keep(Skipped(name, "no text"))
    assert [*shown.lines()] == ["16 (a.pdf, b.jsonl:7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, C:\\c.pdf, c.jsonl:1, d.jsonl:1): no text"]
