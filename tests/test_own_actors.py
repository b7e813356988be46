"""A model file carries the alias table it was trained with, and every command that is given the model reads with it."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import REPORTS, SETTINGS, Run, write_csv
from test_model import edit, rebuilt
from test_parallel import POSIX, Cluster, cluster  # noqa: F401 -- a fixture

import stance
from stance.actors import pairs, read
from stance.articles import Article
from stance.classification import BATCH, classify_archive
from stance.dataset import read_dataset, unknown_actors
from stance.errors import ModelError
from stance.lexicon import build_lexicon, default_lexicon, load_lexicon
from stance.model import load, read_manifest
from stance.store import describe_run

Cli = Callable[..., Run]
TABLE = "alias,actor,kind\nHansa League,Hansa,name\nOslo,Oslo city,name\n"
TEXT = "The Hansa League accused Norway. Oslo denied it."


@pytest.fixture(scope="module", params=[False, True], ids=["on top", "alone"])
def own(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path, list[str]]:
    """A model with a table of its own; the same one without it; the table; the options that stand for what the first has in itself."""
    folder = tmp_path_factory.mktemp("own")
    table = folder / "mine.csv"
    table.write_text(TABLE)
    data = stance.read_dataset(REPORTS, lexicon=load_lexicon(table, extend=not request.param))
    model, _ = stance.train(data.split("test")[0], settings=SETTINGS)
    model.save(folder / "own.stance")
    replace(model, lexicon=default_lexicon()).save(folder / "plain.stance")
    return folder / "own.stance", folder / "plain.stance", table, ["--actors", str(table), *(["--only-actors"] if request.param else [])]


Own = tuple[Path, Path, Path, list[str]]


# --------------------------------------------------------------------------- every command


@pytest.mark.parametrize("command", ["classify", "predict", "evaluate", "explain", "actors"])
def test_a_command_reads_as_with_the_table_given(run: Cli, own: Own, tmp_path: Path, command: str) -> None:
    mine, plain, _, options = own
    (tmp_path / "a.txt").write_text(TEXT)
    rows = [{"text": x + ".", "actor": a, "stance": s, "tone": "stern"} for x, a, s in zip(TEXT.split(". "), ("Hansa", "Oslo city"), ("accuse", "deny"), strict=True)]
    labelled = write_csv(tmp_path / "a.csv", rows)
    arguments: dict[str, Callable[[Path], list[object]]] = {
        "classify": lambda m: [tmp_path / "a.txt", "-m", m, "-f", "jsonl"],
        "predict": lambda m: [labelled, "-m", m, "--prefix", "m_"],
        "evaluate": lambda m: [m, labelled, "--end-to-end"],
        "explain": lambda m: [TEXT, "--actor", "Hansa", "-m", m],
        "actors": lambda m: [TEXT, "-m", m],
    }
    got, wanted, without = (run(command, *arguments[command](m), *more) for m, more in ((mine, []), (plain, options), (plain, [])))
    assert got == wanted and got.code == 0
    assert got.out != without.out


def test_train_puts_the_table_in(run: Cli, own: Own, tmp_path: Path) -> None:
    _, _, _, options = own
    assert run("train", REPORTS, "--folds", "2", "--hold-out", "test", *options, "-o", tmp_path / "m.stance").code == 0
    (tmp_path / "a.txt").write_text(TEXT)
    r = run("classify", tmp_path / "a.txt", "-m", tmp_path / "m.stance")
    assert {json.loads(x)["actor"] for x in r.out.splitlines()} == {"Hansa", "Oslo city"} | (set() if "--only-actors" in options else {"Norway"})
    assert r.err == ""


def test_train_names_actors_that_no_table_has(run: Cli, tmp_path: Path) -> None:
    with REPORTS.open(encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    first = next(r for r in rows if r["actor"])["actor"]
    data = write_csv(tmp_path / "d.csv", [r | {"actor": "Hansa" if r["actor"] == first else r["actor"]} for r in rows])
    (tmp_path / "mine.csv").write_text(TABLE)
    n = sum(r["actor"] == first for r in rows)
    said = "are of actors that are in no alias table (Hansa): `classify` will not find these in an article; name them with --actors"
    for options, told in (([], True), (["--actors", tmp_path / "mine.csv"], False)):
        r = run("train", data, "--folds", "2", "-o", tmp_path / "m.stance", *options)
        assert r.code == 0 and (said in r.err and f"warning: {n} of " in r.err) == told and ("no alias table" in r.err) == told, r.err


def test_an_actor_under_an_alias_is_known_and_a_speaker_may_be_anybody(tmp_path: Path) -> None:
    rows = [("PRC", ""), ("Norway", ""), ("Mr. Smith", "Mr. Smith"), ("Hansa", ""), ("Hansa", ""), ("Elbonia", "")]
    given = [{"text": f"{who} left {n} times.", "actor": who, "speaker": speaker, "stance": "deny"} for n, (who, speaker) in enumerate(rows)]
    assert unknown_actors(read_dataset(write_csv(tmp_path / "d.csv", given), heads=["stance"])) == {"Hansa": 2, "Elbonia": 1}


def test_a_table_at_prediction_comes_on_top_of_the_models_or_stands_alone(run: Cli, own: Own, tmp_path: Path) -> None:
    mine, _, _, options = own
    (tmp_path / "other.csv").write_text("alias;actor\nOslo;Town\nRostock Fleet;Rostock\n")
    text = f"{TEXT} The Rostock Fleet left."
    (tmp_path / "a.txt").write_text(text)

    def found(*extra: object) -> set[str]:
        return {json.loads(x)["actor"] for x in run("classify", tmp_path / "a.txt", "-m", mine, "--actors", tmp_path / "other.csv", *extra).out.splitlines()}

    assert found() == {"Hansa", "Town", "Rostock"} | (set() if "--only-actors" in options else {"Norway"})
    assert found("--only-actors") == {"Town", "Rostock"}


def test_check_of_a_table_on_top_of_the_models(run: Cli, own: Own, tmp_path: Path) -> None:
    mine, *_ = own
    (tmp_path / "other.csv").write_text("alias,actor\nHansa  League,Rostock\n")
    r = run("actors", "--check", tmp_path / "other.csv", "-m", mine)
    assert (r.code, r.out) == (1, "Hansa League: Hansa, Rostock: same alias, overlapping dates, no guard\n")
    assert run("actors", "--check", tmp_path / "other.csv").code == 0


def test_info_and_card_name_the_table(run: Cli, own: Own) -> None:
    mine, plain, table, options = own
    digest, alone = hashlib.sha256(table.read_bytes()).hexdigest(), "--only-actors" in options
    manifest = json.loads(run("info", mine, "-f", "json").out)
    assert manifest["actors"] == {"sha256": digest, "rows": 2, "alone": alone} and manifest["format"] == 4
    assert f"  alias table of its own, 2 rows, {'alone' if alone else 'on top of the default one'}, SHA-256 {digest}\n" in run("info", mine).out
    card = run("info", mine, "-f", "markdown").out
    assert f"an alias table of its own (2 rows, SHA-256 `{digest}`; it is in the file), {'alone' if alone else 'on top'}" in card
    assert "alias table" not in run("info", plain).out and "actors" not in read_manifest(plain) and read_manifest(plain)["format"] == 4


# --------------------------------------------------------------------------- from Python


def test_the_table_travels_from_the_data_to_the_judgements(own: Own) -> None:
    mine, plain, table, options = own
    model = load(mine)
    lexicon = load_lexicon(table, extend="--only-actors" not in options)
    assert list(stance.classify(TEXT, model)) == list(stance.classify(TEXT, load(plain), lexicon=lexicon)) != list(stance.classify(TEXT, load(plain)))
    assert list(stance.classify(TEXT, model, lexicon=default_lexicon())) == list(stance.classify(TEXT, load(plain)))
    assert model.lexicon.text == TABLE and load(plain).lexicon is default_lexicon()
    assert model.fingerprint == read_manifest(mine)["fingerprint"] != load(plain).fingerprint
    model.save(mine.with_name("again.stance"))
    assert mine.with_name("again.stance").read_bytes() == mine.read_bytes()


def test_tables_on_one_another_make_one(own: Own, tmp_path: Path) -> None:
    mine, _, table, _ = own
    base = load(mine).lexicon
    (tmp_path / "other.csv").write_text('actor,alias\nTown,Oslo\nRostock,"Fleet, the Rostock"\n')
    both = load_lexicon(tmp_path / "other.csv", base=base)
    assert both.about["rows"] == 3 and both.about["alone"] == base.about["alone"]
    again = build_lexicon(both.text, "x", base=None if both.about["alone"] else default_lexicon())
    assert again.aliases == both.aliases and {a.text: a.actor for a in both.aliases}["Oslo"] == "Town"
    assert load_lexicon(table, base=base).aliases == base.aliases


def test_what_a_notebook_shows_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("alias,actor,kind\nVold,Norway,name\n")
    assert re.fullmatch(rf"<Lexicon of 1 row in {re.escape(str(tmp_path))}.mine.csv, on top of .*actors.csv>>", repr(load_lexicon(tmp_path / "mine.csv")))
    (reading,) = read("Norway thanked Chile.")
    assert " at 0x" not in repr(pairs(reading))


def test_a_table_that_is_no_utf8_is_told(tmp_path: Path) -> None:
    (path := tmp_path / "a.csv").write_text("alias,actor\nMalmö,Sweden\n", "cp1252")
    with pytest.warns(UserWarning, match=r"a.csv:2: not UTF-8 \(byte 0xf6\); read as cp1252"):
        lexicon = load_lexicon(path, extend=False)
    assert [a.text for a in lexicon.aliases] == ["Malmö"]


def test_a_run_tells_tables_apart(own: Own, tmp_path: Path) -> None:
    mine, _, table, _ = own
    model = load(mine)
    table.with_name("other.csv").write_text(TABLE + "Rostock,Rostock,name\n")
    same, other = (describe_run(model, load_lexicon(p, base=model.lexicon), {}) for p in (table, table.with_name("other.csv")))
    assert same == describe_run(model, model.lexicon, {})
    assert other.model == same.model and other.lexicon != same.lexicon


def test_a_database_is_not_gone_on_with_under_another_table(run: Cli, own: Own, tmp_path: Path) -> None:
    mine, _, table, _ = own
    out = tmp_path / "r.sqlite"
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "other.csv").write_text(TABLE.replace("Hansa,name", "Hanse,name"))
    assert run("classify", tmp_path / "a.txt", "-m", mine, "-o", out).code == 0
    assert run("classify", tmp_path / "a.txt", "-m", mine, "--actors", table, "-o", out).code == 0
    r = run("classify", tmp_path / "a.txt", "-m", mine, "--actors", tmp_path / "other.csv", "-o", out)
    assert r.code == 1 and [x.split(":")[0].strip() for x in r.err.splitlines()[1:-1]] == ["lexicon"]


# --------------------------------------------------------------------------- workers

ONE = pytest.mark.parametrize("own", [False], indirect=True)
MANY = [Article(str(n), TEXT) for n in range(BATCH + 1)]


@ONE
def test_other_processes_get_the_table(own: Own) -> None:
    model = load(own[0])
    one, two = ([r for batch in classify_archive(MANY, model, jobs=n) for r in batch] for n in (1, 2))
    assert one == two and "Hansa" in {j.actor for r in two for j in r.judgements}


@ONE
@POSIX
def test_a_cluster_gets_the_table(own: Own, cluster: Cluster) -> None:  # noqa: F811
    model = load(own[0])
    found = [r for batch in classify_archive(MANY, model, cluster=cluster[0]) for r in batch]
    assert found == [r for batch in classify_archive(MANY, model) for r in batch] and "Oslo city" in {j.actor for j in found[-1].judgements}


# --------------------------------------------------------------------------- the file


def test_a_table_that_is_not_the_one_trained_with_is_refused(own: Own, tmp_path: Path) -> None:
    mine, path = own[0], tmp_path / "bad.stance"
    told = read_manifest(mine)["actors"]
    for change, said in (
        (lambda m: m.update({"actors.csv": m["actors.csv"] + b"Rostock,Rostock,name\n"}), "not the one it was trained with"),
        (lambda m: m.pop("actors.csv"), "is missing, or not told of"),
        (edit(actors=None), "is missing, or not told of"),
        (edit(actors=[]), "does not hold what its manifest says"),
        (edit(actors={k: v for k, v in told.items() if k != "alone"}), "does not hold what its manifest says"),
    ):
        path.write_bytes(rebuilt(mine, change))
        with pytest.raises(ModelError, match=said) as e:
            load(path)
        assert str(path) in e.value.message


@pytest.mark.parametrize(("data", "said"), [(b"\xff\xff", "utf-8"), (b"alias,actor,kind\nVold,Norway,nmae\n", "kind 'nmae'"), (b"a,b\n", "no column 'alias'")])
def test_a_table_that_is_none_is_refused_even_with_its_hash(own: Own, tmp_path: Path, data: bytes, said: str) -> None:
    mine, path = own[0], tmp_path / "bad.stance"
    told = {**read_manifest(mine)["actors"], "sha256": hashlib.sha256(data).hexdigest()}

    def change(members: dict[str, bytes]) -> None:
        members["actors.csv"] = data
        edit(actors=told)(members)

    path.write_bytes(rebuilt(mine, change))
    with pytest.raises(ModelError, match=said) as e:
        load(path)
    assert str(path) in str(e.value)


def test_the_file_holds_the_text_of_the_table_whatever_a_spreadsheet_made_of_it(own: Own, tmp_path: Path) -> None:
    text = "alias;actor;kind\r\nHansa League;Hansa;name\r\n" + ";;\r\n" * 100_000
    (tmp_path / "excel.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    replace(load(own[0]), lexicon=load_lexicon(tmp_path / "excel.csv")).save(tmp_path / "m.stance")
    with zipfile.ZipFile(tmp_path / "m.stance") as z:
        assert z.read("actors.csv") == text.encode()
    again = load(tmp_path / "m.stance")
    assert again.lexicon.about["rows"] == 1 and [j.actor for j in stance.classify("The Hansa League left.", again)] == ["Hansa"]


def test_the_shipped_model_is_written_as_it_was() -> None:
    model = stance.default_model()
    assert model.path and model.to_bytes() == model.path.read_bytes() and model.fingerprint == model.manifest["fingerprint"]
