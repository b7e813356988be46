"""Word vectors: learning, the table, and what is refused."""

from __future__ import annotations

import io
import pickle
import re
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Run

from stance.errors import DataError, InputError, ModelError
from stance.features import word_key
from stance.words import WordVectors, default_words, learn_words, load_words, read_words, shipped_words, taught_words

# Two kinds of words that keep different company; "scolds" and "rebukes" never stand side by side.
TEXTS = [
    f"The {who} {deed} the {whom} over the {thing} again today."
    for who in ("minister", "envoy", "admiral", "consul")
    for deed in ("scolds", "rebukes")
    for whom, thing in (("ambassador", "embargo"), ("neighbour", "blockade"), ("delegation", "embargo"))
] + [
    f"A {who} {deed} his {what} with some {stuff} every morning."
    for who in ("baker", "cook", "monk", "farmer")
    for deed in ("bakes", "kneads")
    for what, stuff in (("loaf", "butter"), ("bun", "raisins"), ("roll", "butter"))
]


@pytest.fixture(scope="module")
def table() -> WordVectors:
    return learn_words(TEXTS, width=6)


def test_words_with_the_same_company_are_neighbours(table: WordVectors) -> None:
    (nearest, cosine), *_ = table.neighbours("scolds")
    assert nearest == "rebuk" and cosine > 0.9
    assert dict(table.neighbours("scolds", n=30))["bak"] < 0.5


def test_every_form_of_a_word_shares_its_vector(table: WordVectors) -> None:
    assert table.neighbours("Scolding") == table.neighbours("scolds")


def test_a_rare_word_has_no_vector(table: WordVectors) -> None:
    assert "pilot" not in learn_words([*TEXTS, "The pilot landed."], width=6).words
    (row,) = table.rows(np.array([word_key("pilot")], np.uint64))
    assert row == len(table) and not table.of(np.array([row])).any()
    with pytest.raises(KeyError):
        table.neighbours("pilot")


def test_texts_do_not_run_into_one_another() -> None:
    """The last word of a text is no company for the first of the next."""
    apart = learn_words([*TEXTS, *["zebra"] * 20, *["yacht"] * 20], width=6)
    assert {"zebra", "yacht"} < set(apart.words)
    assert not apart.of(apart.rows(np.array([word_key("zebra"), word_key("yacht")], np.uint64))).any()


def test_the_most_frequent_words_are_kept() -> None:
    small = learn_words(TEXTS, size=9, width=4)
    assert len(small) == 9 and small.width == 4
    assert {"the", "over", "again"} < set(small.words)


def test_the_same_texts_give_the_same_bytes(table: WordVectors) -> None:
    again = learn_words(iter(TEXTS), width=6)
    assert again.digest == table.digest and np.array_equal(again.vectors, table.vectors)
    assert table.digest is table.digest, "millions of bytes are hashed once"


def test_counting_in_chunks_changes_nothing(table: WordVectors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stance.words._CHUNK", 37)
    assert np.abs(learn_words(TEXTS, width=6).vectors.astype(int) - table.vectors).max() <= 1


def test_too_little_text_says_so() -> None:
    with pytest.raises(DataError, match="^1 word that occurs 8 times or more: too few for vectors of 100 numbers\n  give more text$"):
        learn_words(["peace " * 9, "war"])
    three = ["peace talks failed " * 9]
    with pytest.raises(DataError, match="^3 words that occur 8 .*\n  give more text, or a --width of 2 at most$"):
        learn_words(three)
    assert len(learn_words(three, width=2)) == 3
    with pytest.raises(DataError, match="^2 words: too few for vectors of 2 numbers\n  take a --size above 2, or a smaller --width$"):
        learn_words(three, size=2, width=2)


def test_a_table_comes_back_as_it_was(table: WordVectors, tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    path.write_bytes(table.to_bytes())
    back = load_words(path)
    assert (back.digest, back.words, back.scale) == (table.digest, table.words, table.scale)
    assert np.array_equal(back.rows(table.keys), np.arange(len(table)))


def test_a_shipped_table_is_pickled_by_its_digest(table: WordVectors, monkeypatch: pytest.MonkeyPatch) -> None:
    for shipped in (default_words(), taught_words()):
        raw = pickle.dumps(shipped)
        assert len(raw) < 300 and pickle.loads(raw) is shipped  # noqa: S301 -- our own bytes
    assert pickle.loads(pickle.dumps(table)) == table  # noqa: S301
    monkeypatch.setattr("stance.words.taught_words", lambda: table)
    assert table.shipped
    with pytest.raises(ModelError, match="other word vectors than this version"):
        pickle.loads(raw)  # noqa: S301


def _npz(table: WordVectors, **other: object) -> bytes:
    buffer = io.BytesIO()
    arrays = {"keys": table.keys, "vectors": table.vectors, "scale": np.float64(table.scale), "words": np.frombuffer(table.spelt, np.uint8)}
    np.savez(buffer, **{k: v for k, v in {**arrays, **other}.items() if v is not None})  # type: ignore[arg-type]
    return buffer.getvalue()


def _with_header(table: WordVectors, shape: tuple[int, int]) -> bytes:
    """The table, its vectors said to be of another shape than they are."""
    header, buffer = io.BytesIO(), io.BytesIO(_npz(table, vectors=None))
    np.lib.format.write_array_header_1_0(header, {"descr": "|i1", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(buffer, "a") as z:
        z.writestr("vectors.npy", header.getvalue() + table.vectors.tobytes())
    return buffer.getvalue()


def _damaged(table: WordVectors) -> bytes:
    """Packed, and every byte of the first array turned around."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("keys.npy", _npz(table))
        start, size = 30 + len("keys.npy"), z.getinfo("keys.npy").compress_size
    raw = bytearray(buffer.getvalue())
    raw[start : start + size] = bytes(x ^ 255 for x in raw[start : start + size])
    return bytes(raw)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: b"",
        lambda t: b"word,vector\n",
        lambda t: t.to_bytes()[:-40],
        lambda t: pickle.dumps({"keys": 1}),
        lambda t: _npz(t, keys=None),
        lambda t: _npz(t, keys=t.keys[::-1]),
        lambda t: _npz(t, keys=t.keys[:-1]),
        lambda t: _npz(t, vectors=t.vectors.astype(np.float32)),
        lambda t: _npz(t, vectors=t.vectors[:, 0]),
        lambda t: _npz(t, scale=np.float64("nan")),
        lambda t: _npz(t, words=np.array([object()])),
        lambda t: _with_header(t, (1 << 40, 1 << 20)),
        lambda t: _damaged(t),
    ],
    ids=["empty", "csv", "cut", "pickle", "no keys", "unsorted", "short", "float", "flat", "nan", "object", "shape beyond memory", "damaged"],
)
def test_what_is_no_table_is_refused(change: Callable[[WordVectors], bytes], table: WordVectors, tmp_path: Path) -> None:
    raw = change(table)
    with pytest.raises(ValueError):
        read_words(raw)
    path = tmp_path / "w.npz"
    path.write_bytes(raw)
    with pytest.raises(InputError, match=re.escape(f"{path}: not a table of word vectors")):
        load_words(path)


def test_a_bomb_is_refused_packed() -> None:
    buffer = io.BytesIO()
    words = np.frombuffer(b"a", np.uint8)
    np.savez_compressed(buffer, keys=np.zeros(1, np.uint64), vectors=np.zeros((1, 1_000_000), np.int8), scale=np.float64(1), words=words)
    with pytest.raises(ValueError, match="unpacks to more than it may"):
        read_words(buffer.getvalue())


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2], ids=["deflated", "bzip2"])
@pytest.mark.parametrize("start", [b"\0", b"\x93NUMPY\x01\0\x02\0{}"], ids=["no array", "array"])
def test_a_bomb_that_says_it_is_small_is_refused_packed(table: WordVectors, method: int, start: bytes) -> None:
    buffer = io.BytesIO(_npz(table, keys=None))
    with zipfile.ZipFile(buffer, "a") as z:
        z.writestr("keys.npy", start + bytes(50_000_000), method)
        z.getinfo("keys.npy").file_size = 1000
    tracemalloc.start()
    try:
        with pytest.raises(ValueError):
            read_words(buffer.getvalue())
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere.npz: cannot be read"):
        load_words(tmp_path / "nowhere.npz")


def test_the_shipped_tables_are_small_and_know_the_trade() -> None:
    shipped, taught = default_words(), taught_words()
    for table in (shipped, taught):
        assert len(table.to_bytes()) <= 4_000_000 and table.shipped
        assert len(table) == 30_000 and table.width == 100
    assert [t.digest[:16] for t in (shipped, taught)] == ["42679a73567c9d2e", "9abc195153771919"], "models of users name them: others need a file of their own"
    assert taught.words == shipped.words and shipped_words(taught.digest) is taught != shipped and shipped_words("another") is None
    assert "denounc" in dict(shipped.neighbours("condemned"))
    assert "missil" in dict(shipped.neighbours("rocket"))


# --------------------------------------------------------------------------- the command


def test_the_command_learns_from_articles(run: Callable[..., Run], tmp_path: Path) -> None:
    news, out = tmp_path / "news", tmp_path / "w.npz"
    news.mkdir()
    for i, text in enumerate(TEXTS):
        (news / f"{i}.txt").write_text(text)
    r = run("words", news, "-o", out, "--width", "6", "--like", "scolds", "--like", "pilot")
    assert r.code == 0 and r.err == ""
    assert "scolds: rebuk 1.00" in r.out and "pilot: not in the table" in r.out
    assert re.search(r"wrote .*w\.npz: \d+ words, 0\.0 MB, digest [0-9a-f]{16}", r.out)
    assert load_words(out).width == 6


def test_the_command_names_what_it_cannot_read(run: Callable[..., Run], tmp_path: Path) -> None:
    lines = tmp_path / "news.jsonl"
    lines.write_text("".join(f'{{"text": "{t}"}}\n' for t in TEXTS) + '{"title": "no text"}\n')
    r = run("words", lines, "-o", tmp_path / "w.npz", "--width", "6")
    assert r.code == 0 and f"skipped {lines}:{len(TEXTS) + 1}: no text; " in r.err
    r = run("words", tmp_path / "nowhere.txt", "-o", tmp_path / "w.npz")
    assert r.code == 1 and f"skipped {tmp_path / 'nowhere.txt'}: cannot be read" in r.err and "none of the inputs could be read" in r.err
    (tmp_path / "a.txt").write_text("Peace.")
    r = run("words", tmp_path / "a.txt", tmp_path / "nowhere.txt", "-o", tmp_path / "w.npz")
    assert r.code == 1 and f"skipped {tmp_path / 'nowhere.txt'}: cannot be read" in r.err and "too few for vectors" in r.err


def test_the_command_writes_nothing_of_too_little_text(run: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Peace.")
    r = run("words", tmp_path / "a.txt", "-o", tmp_path / "w.npz")
    assert r.code == 1 and "too few for vectors" in r.err
    assert not (tmp_path / "w.npz").exists()


def test_the_command_does_not_write_over_its_input(run: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(" ".join(TEXTS))
    r = run("words", tmp_path / "a.txt", "-o", tmp_path / "a.txt", "--width", "6")
    assert r.code == 1 and "would be overwritten" in r.err


def test_the_command_refuses_a_folder_before_it_reads(run: Callable[..., Run], tmp_path: Path) -> None:
    r = run("words", tmp_path / "nowhere", "-o", tmp_path)
    assert r.code == 2 and "is a folder; name a file in it" in re.sub(r"\s+", " ", r.err)
