"""The model card: all that the manifest knows, and nothing that breaks a page."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import REPORTS, SETTINGS, Run, relabel, write_csv

from stance.card import card_lines, command
from stance.dataset import Dataset, read_dataset
from stance.model import Model, default_model, load, read_manifest
from stance.training import Settings, train

Cli = Callable[..., Run]
ABOUT = {"labelled_by": "two | students", "licence": "CC BY 4.0", "note": "An odd *lot* of\n\n# reports.", "hold_out": "test"}


@pytest.fixture(scope="module")
def manifest(reports: Dataset, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("card") / "m.stance"
    train(reports.split("test")[0], settings=SETTINGS, about=ABOUT)[0].save(path)
    return read_manifest(path)


def card(manifest: dict[str, Any], name: str = "m.stance") -> str:
    return "\n".join(card_lines(manifest, name))


def test_the_card_says_who_what_and_how_good(manifest: dict[str, Any]) -> None:
    text = card(manifest)
    assert "- labelled by: two \\| students\n- licence: CC BY 4.0\n- note: An odd \\*lot\\* of # reports." in text
    assert "| deny | rejects an allegation or another's account of its own conduct | 9 |" in text
    r = manifest["report"]["stance"]
    low, high = r["macro_f1_interval"]
    assert f"| macro-F1 | {r['macro_f1']:.3f} | {low:.3f}–{high:.3f} |" in text
    assert f"| accuracy | {r['accuracy']:.3f} | {r['accuracy_interval'][0]:.3f}–{r['accuracy_interval'][1]:.3f} |" in text
    for c in r["classes"]:
        spread = "{:.3f}–{:.3f}".format(*c["f1_interval"]) if c["f1_interval"] else ""
        assert f"| {c['label']} | {c['precision']:.3f} | {c['recall']:.3f} | {c['f1']:.3f} | {spread} | {c['support']} |" in text
    b = r["calibration"][-1]
    assert f"| {b['low']:.1f}–{b['high']:.1f} | {b['confidence']:.3f} | {b['accuracy']:.3f} | {b['rows']} |" in text
    assert manifest["fingerprint"] in text and manifest["data"]["fingerprint"] in text


def test_every_table_is_whole(manifest: dict[str, Any]) -> None:
    """As many cells in every row as in the header above it, and a blank line before."""
    lines = card(manifest).split("\n")
    cells = [len(re.findall(r"(?<!\\)\|", x)) if x.startswith("|") else 0 for x in lines]
    for i, n in enumerate(cells):
        if n:
            assert cells[i - 1] in (0, n)
            assert cells[i - 1] == n or (lines[i - 1] == "" and set(lines[i + 1]) == set("| -"))


def test_headings_come_once(manifest: dict[str, Any]) -> None:
    headings = [x for x in card(manifest).split("\n") if x.startswith("#")]
    assert headings == ["# Model card: m.stance", "## Training data", "## Labels", "## Scores", "### stance: cross-validation, grouped by article", "### tone: cross-validation, grouped by article", "## Known failures", "## Use", "## How to make it again"]


def test_failures_come_from_the_scores(manifest: dict[str, Any]) -> None:
    weak = json.loads(json.dumps(manifest))
    r = weak["report"]["stance"]
    at = r["labels"].index("deny")
    r["classes"][at].update(f1=0.25, support=10)
    r["confusion"][at] = [7, 1, 2, 0, 0, 0, 0]
    r["calibration"] = [{"low": 0.8, "high": 0.9, "rows": 40, "confidence": 0.86, "accuracy": 0.6}]
    text = card(weak)
    assert "- `stance`: `deny` has F1 0.25; 70% of its pairs are taken for `firm`" in text
    assert "- `stance`: probabilities of 0.8–0.9 are right less often than they say (0.60 against 0.86)" in text
    assert "has F1 0.25" not in card(manifest)


def test_the_command_makes_the_same_bytes(run: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = ["train", str(REPORTS), "--folds", "2", "--soften", "1.3", "--trust", "2.0", "--balance", "0.25", "--seed", "7", "--hold-out", "test", "--group-by", "article_id", "--licence", "MIT", "--note", "it's \"odd\"", "--labelled-by", "A & B", "-o", "a.stance"]
    assert run(*first).code == 0
    words = shlex.split(command(read_manifest("a.stance"), "b.stance"))
    assert words[:2] == ["stance", "train"] and "--group-by" in words
    assert run(*(str(REPORTS) if w == "DATA" else w for w in words[1:])).code == 0
    assert Path("a.stance").read_bytes() == Path("b.stance").read_bytes()


@pytest.mark.parametrize("own", [{"draws": 50}, {"c": 0.5}, {"actor_words": True}])
def test_settings_that_the_command_cannot_give_are_told_in_python(manifest: dict[str, Any], own: dict[str, Any]) -> None:
    usual = {k: getattr(Settings(), k) for k in Settings.__slots__} | {"actor_words": False}
    plain = {**manifest, "settings": usual}
    assert "```python" not in card(plain) and "## How to make it again\n\n```sh\nstance train DATA" in card(plain)
    text = card({**plain, "settings": usual | own, "chosen": list(own)})
    (line,) = re.findall(r"```python\n.*\n\ntrain\(data, settings=(.*)\)\n```", text)
    assert eval(line, {"Settings": Settings}) == Settings(**(usual | own)) and "stance train DATA" in text


def test_words_crossed_with_actors_against_the_rule_are_told(reports: Dataset) -> None:
    rest = reports.split("test")[0]
    found = {x: train(rest, settings=replace(SETTINGS, actor_words=x))[0].manifest.get("chosen") for x in (None, False, True)}
    assert found == {None: None, False: None, True: ["actor_words"]}


def test_own_heads_and_tables_are_in_the_command(manifest: dict[str, Any]) -> None:
    own = {**manifest, "heads": [{"name": "my mood", "labels": ["a", "b"], "ordered": False}], "members": {"cues.csv": "0"}, "actors": {"alone": False}, "about": {}}
    assert command(own, "card") == "stance train DATA --head 'my mood' --folds 3 --min-pairs 2 --seed 20240229 --cues CUES.csv --actors ACTORS.csv -o model.stance"


def test_an_order_can_be_pasted_whatever_its_labels(run: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    labels = ("for, mostly", 'in "two" minds', "dead against")
    data = write_csv(tmp_path / "d.csv", [{"article_id": n, "text": f"Norway waits {n}.", "actor": "Norway", "stance": labels[n % 3]} for n in range(9)])
    model, _ = train(read_dataset(data, order={"stance": labels}), settings=replace(SETTINGS, folds=2))
    model.save(tmp_path / "a.stance")
    words = shlex.split(command(read_manifest("a.stance"), "b.stance"))
    assert run(*(str(data) if w == "DATA" else w for w in words[1:])).code == 0
    assert read_manifest("b.stance")["heads"] == read_manifest("a.stance")["heads"] and read_manifest("a.stance")["heads"][0]["labels"] == list(labels)


def test_a_table_of_actors_used_alone_is_in_the_command(run: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("alias,actor,kind\nNorse,Norway,name\n")
    for alone in ([], ["--only-actors"]):
        args = ["train", REPORTS, "--folds", "2", "--head", "tone", "--actors", tmp_path / "a.csv", *alone, "-o", tmp_path / "m.stance"]
        assert run(*args).code == 0
        words = shlex.split(command(read_manifest(tmp_path / "m.stance"), "m.stance"))
        assert words[words.index("--actors") + 1 :] == ["ACTORS.csv", *alone, "-o", "m.stance"]


def test_labels_of_ones_own_are_defined_by_their_owner(run: Cli, tmp_path: Path) -> None:
    data = relabel(tmp_path / "own.csv", "mood", {"warm": "good", "stern": "bad"})
    (tmp_path / "d.csv").write_text("head,label,definition\nmood,good,\"all's | well\"\nmood,bad,«not»\n", "cp1252")
    args = ["train", data, "--head", "mood", "--folds", "2", "--definitions", tmp_path / "d.csv", "-o", tmp_path / "m.stance"]
    r = run(*args)
    assert r.code == 0 and f"warning: {tmp_path / 'd.csv'}:3: not UTF-8 (byte 0xab); read as cp1252\n" in r.err
    out = run("info", tmp_path / "m.stance", "-f", "markdown").out
    assert "| good | all's \\| well |" in out and "| bad | «not» |" in out
    assert "--head mood" in out and "--definitions DEFINITIONS.csv" in out


def test_definitions_of_nothing_are_told_at_once(run: Cli, tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("head,label,definition\nstance,denny,x\nmood,good,y\ntone,warm,z\n")
    r = run("train", REPORTS, "--definitions", path, "-o", tmp_path / "m.stance")
    assert r.code == 1 and not (tmp_path / "m.stance").exists()
    assert f"{path}:2: no label 'denny' in the data; did you mean 'deny'?" in r.err
    assert f"{path}:3: no head 'mood' in the data; one of stance, tone" in r.err and "2 bad definitions" in r.err
    path.write_text("head,label,definition\ntone,warm,\"friendly\ntone,stern,cool\nstance,firm,defends its position, or right\n")  # both would be cut
    assert f"{path}:2: a quotation mark that opens here is never closed" in run("train", REPORTS, "--definitions", path, "-o", tmp_path / "m.stance").err
    path.write_text("head,label,definition\nstance,firm,defends its position, or right\n")
    assert f"{path}:2: 4 cells, the header has 3" in run("train", REPORTS, "--definitions", path, "-o", tmp_path / "m.stance").err
    path.write_text("head,label,definition\ntone,warm,kind\ntone,warm,kind\ntone,warm,nice\n")
    assert f"{path}:4: label 'warm' of 'tone' is defined a second time, otherwise; keep one" in run("train", REPORTS, "--definitions", path, "-o", tmp_path / "m.stance").err
    path.write_text("label,definition\n")
    assert f"{path}:1: no column 'head'; seen: label, definition" in run("train", REPORTS, "--definitions", path, "-o", tmp_path / "m.stance").err


def test_what_is_said_of_the_data_does_not_move_the_model(reports: Dataset) -> None:
    rest = reports.split("test")[0]
    plain, told = (train(rest, settings=SETTINGS, about=a)[0] for a in (None, ABOUT))
    assert plain.fingerprint == told.fingerprint
    assert plain.manifest["about"] == {} and told.manifest["about"] == {**ABOUT, "note": "An odd *lot* of # reports."}


def test_the_card_of_the_shipped_model() -> None:
    text = card(default_model().manifest, "default.stance")
    assert "- labelled by: not said" not in text and "not defined" not in text and "## How to make it again" in text


def test_info_as_markdown(run: Cli, model_file: Path, tmp_path: Path) -> None:
    r = run("info", model_file, "-f", "markdown")
    assert r.code == 0 and r.out.startswith(f"# Model card: {model_file.name}\n")
    assert run("info", model_file, "-o", tmp_path / "card.md").code == 0
    assert (tmp_path / "card.md").read_text("utf-8") == r.out
    assert json.loads(run("info", model_file, "-f", "json").out)["glosses"]["tone"]["warm"] == "friendly, appreciative, regretful or conciliatory"


def test_info_shows_what_was_said(run: Cli, tmp_path: Path) -> None:
    assert run("train", REPORTS, "--folds", "2", "--labelled-by", "A", "-o", tmp_path / "m.stance").code == 0
    assert "  labelled by: A\n" in run("info", tmp_path / "m.stance").out
    assert run("info", tmp_path / "m.stance", "-o", tmp_path / "m.stance").code != 0 and load(tmp_path / "m.stance")


def test_a_manifest_is_strict_json(model: Model) -> None:
    def no(x: str) -> None:
        raise AssertionError(x)

    json.loads(json.dumps(model.manifest), parse_constant=no)


def test_scores_come_in_the_order_of_the_heads(run: Cli, tmp_path: Path, reports: Dataset) -> None:
    """The file has its keys by the alphabet, `train` prints `--head` as it was given."""
    data = write_csv(tmp_path / "d.csv", [
        {"text": f"Norway waits {n}.", "actor": "Norway", "article_id": n, "view": "ab"[n % 2], "mood": "ab"[n % 3 > 0], "split": ("test", "train")[n % 4 > 0]}
        for n in range(24)
    ])  # fmt: skip
    made = run("train", data, "--head", "view", "--head", "mood", "--folds", "2", "--hold-out", "test", "-o", tmp_path / "m.stance")
    scored = re.compile(r"(?m)^(?:### )?(view|mood)(?:,|:) (?:cross|held)")
    assert scored.findall(made.out) == ["view", "mood"] * 2, made.out + made.err
    for form in ("table", "markdown"):
        assert scored.findall(run("info", tmp_path / "m.stance", "-f", form).out) == ["view", "mood"] * 2
