"""A model card (Mitchell et al. 2019) in Markdown, from a model's manifest alone."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stance.codebook import DEFAULT_HEADS, head_for, reports_of
from stance.errors import number
from stance.evaluation import ENOUGH, cross_validation_title
from stance.tables import csv_line

Manifest = Mapping[str, Any]
Report = Mapping[str, Any]
_WEAK = 0.5  # F1 below which a label is named among the failures
_FEW = 30  # rows that a calibration bin needs to be called over- or underconfident
_OFF = 0.05
_TOLD = {"soften": 1.0, "trust": 1.0, "balance": 0.5}  # settings that are told where they are not by default …
_UNTOLD = {"c": 1.0, "draws": 1000}  # … and those without an option of `stance train`


def card_lines(manifest: Manifest, name: str) -> Iterator[str]:
    """The card of the model called `name`, line by line."""
    heads = " and ".join(_text(h["name"]) for h in manifest["heads"])
    yield from (f"# Model card: {_text(name)}", "")
    yield f"A linear classifier of {heads} for pairs of sentence and actor in English news, made with `stance` {manifest['version']}."
    if e := manifest.get("encoder"):
        yield f"It reads vectors of the sentence encoder {_text(e['name'])} (SHA-256 of the weights `{e['sha256']}`), which it needs to run."
    if n := manifest.get("network"):
        own = "; they are in the file" if "words.npz" in manifest.get("members", {}) else ""
        begun = f" It was trained on from another model's (`{n['start'][:12]}`)." if "start" in n else ""
        yield f"A small recurrent network over word vectors (SHA-256 `{n['words']}`{own}) adds its scores.{begun}"
    if a := manifest.get("actors"):
        held = "alone, without the actors that ship with stance" if a["alone"] else "on top of the one that ships with stance"
        yield f"Its actors are found by an alias table of its own ({number(a['rows'], 'row')}, SHA-256 `{a['sha256']}`; it is in the file), {held}."
    yield from _data(manifest)
    yield from _definitions(manifest)
    yield from _scores(manifest)
    yield from _failures(manifest)
    yield from _USE
    yield from _reproduction(manifest, name)


def _data(manifest: Manifest) -> Iterator[str]:
    data, about = manifest["data"], manifest["about"]
    yield from ("", "## Training data", "")
    yield f"- {data['rows']} labelled pairs in {data['groups']} articles; SHA-256 of their content `{data['fingerprint']}`"
    yield f"- labelled by: {_text(about.get('labelled_by', '')) or 'not said'}"
    yield f"- licence: {_text(about.get('licence', '')) or 'not said'}"
    if about.get("note"):
        yield f"- note: {_text(about['note'])}"


def _definitions(manifest: Manifest) -> Iterator[str]:
    yield from ("", "## Labels")
    for head in manifest["heads"]:
        name = head["name"]
        told = manifest["glosses"][name]
        count = manifest["data"]["labels"][name]
        order = ", in order" if head["ordered"] else ""
        neutral = f"; neutral label {_text(head['neutral'])}" if "neutral" in head else ""
        yield from ("", f"`{name}`{order}{neutral}:", "")
        rows = [[x, told.get(x, "not defined"), count.get(x, 0)] for x in head["labels"]]
        yield from _table(["label", "definition", "training pairs"], rows)


def _scores(manifest: Manifest) -> Iterator[str]:
    yield from ("", "## Scores", "")
    yield f"Intervals are 95 % bootstrap percentiles over articles; none is given of fewer than {ENOUGH}, nor of a score that all draws share."
    yield "Data other than the training data gives other, mostly lower scores."
    for part, title in (("report", cross_validation_title(manifest["data"].get("group_by", ""))), ("held_out", "held-out articles")):
        for name, r in reports_of(manifest, part).items():
            yield from ("", f"### {name}: {title}", "")
            yield f"{r['rows']} pairs in {r['groups']} articles."
            yield ""
            yield from _table(["measure", "value", "95 % interval"], _measures(r))
            yield ""
            yield from _classes(r)
            yield ""
            yield from _table(["surest share of pairs", *r["coverage"]], [["accuracy", *(f"{v:.3f}" for v in r["coverage"].values())]])
            yield from _calibration(r)


def _measures(r: Report) -> list[list[Any]]:
    rows = [["macro-F1", f"{r['macro_f1']:.3f}", _interval(r["macro_f1_interval"])]]
    rows += [[f"macro-F1 of the baseline {n}", f"{v:.3f}", ""] for n, v in r["baselines"].items()]
    rows.append(["accuracy", f"{r['accuracy']:.3f}", _interval(r["accuracy_interval"])])
    if r["quadratic_kappa"] is not None:
        rows.append(["quadratic-weighted kappa", f"{r['quadratic_kappa']:.3f}", ""])
    return [*rows, ["expected calibration error", f"{r['ece']:.3f}", ""], ["Brier score (0 to 2)", f"{r['brier']:.3f}", ""]]


def _classes(r: Report) -> Iterator[str]:
    scores = ("precision", "recall", "f1")
    rows = [[c["label"], *(f"{c[k]:.3f}" for k in scores), _interval(c["f1_interval"]), c["support"]] for c in r["classes"]]
    yield from _table(["label", "precision", "recall", "F1", "95 % interval", "pairs"], rows)


def _calibration(r: Report) -> Iterator[str]:
    yield ""
    rows = [[f"{b['low']:.1f}–{b['high']:.1f}", f"{b['confidence']:.3f}", f"{b['accuracy']:.3f}", b["rows"]] for b in r["calibration"]]
    yield from _table(["probability given", "mean", "share right", "pairs"], rows)


def _failures(manifest: Manifest) -> Iterator[str]:
    yield from ("", "## Known failures", "")
    for name, r in (reports_of(manifest, "held_out") or reports_of(manifest, "report")).items():
        yield from (f"- `{name}`: {x}" for x in _weak(r))
    yield "- English only. Sarcasm, inference and deeds told in nouns are read worst; an actor that the lexicon does not know is not found."
    yield "- The label is of what the report says, not of what is true."


def _weak(r: Report) -> Iterator[str]:
    """The labels found worst, what they are most often taken for, and where probabilities promise too much or too little."""
    for c, row in zip(r["classes"], r["confusion"], strict=True):
        others = {x: n for x, n in zip(r["labels"], row, strict=True) if x != c["label"]}
        if c["f1"] < _WEAK and c["support"] and others:
            most = max(others, key=lambda x: others[x])
            yield f"`{_text(c['label'])}` has F1 {c['f1']:.2f}; {others[most] / c['support']:.0%} of its pairs are taken for `{_text(most)}`"
    for b in r["calibration"]:
        gap = b["accuracy"] - b["confidence"]
        if b["rows"] >= _FEW and abs(gap) > _OFF:
            told = f"probabilities of {b['low']:.1f}–{b['high']:.1f} are right {'more' if gap > 0 else 'less'} often than they say"
            yield f"{told} ({b['accuracy']:.2f} against {b['confidence']:.2f})"


_USE = (
    "", "## Use", "",
    "Meant for counting over many articles, with a check on a hand-labelled sample of the same material (`stance evaluate`), and for finding",
    "sentences to read. Choose a threshold (`--min-confidence`, `--precision`) by what a wrong label costs.",
    "",
    "Not meant for quoting a single sentence's label unread, for judging persons, for automatic decisions about people or publishers,",
    "for text that is not English news, nor as evidence of what a state did.",
)  # fmt: skip


def _reproduction(manifest: Manifest, name: str) -> Iterator[str]:
    made = ", ".join(f"{x} {manifest[x.lower()]}" for x in ("scikit-learn", "numpy", "Python"))
    yield from ("", "## How to make it again", "")
    s = manifest["settings"]
    if "actor_words" in manifest.get("chosen", ()) or any(s.get(k, x) != x for k, x in _UNTOLD.items()):
        given = ", ".join(f"{k}={x!r}" for k, x in s.items())
        yield from ("```python", "from stance.training import Settings, train", "", f"train(data, settings=Settings({given}))", "```", "")
        yield from ("`stance train` has no option for all of these settings. How the data are read, and what else is given, by its options:", "")
    yield from ("```sh", command(manifest, name), "```", "")
    yield f"on the data with the SHA-256 above, with stance {manifest['version']}, {made}. Same data, settings and versions give the same bytes"
    yield "on the same kind of processor."
    yield f"Fingerprint of the weights and labels: `{manifest['fingerprint']}`; file format {manifest['format']}."


def command(manifest: Manifest, name: str) -> str:
    """The `stance train` command that the manifest tells of; DATA and tables of one's own stand for files it does not hold."""
    s, about = manifest["settings"], manifest["about"]
    heads = [h["name"] for h in manifest["heads"]]
    words = ["stance", "train", "DATA"]
    words += [] if heads == list(DEFAULT_HEADS) else [w for h in heads for w in ("--head", h)]
    words += [w for c in re.split(", (?=[^,=]+=)", about.get("columns", "")) if c for w in ("--column", c)]
    words += [w for h in manifest["heads"] if "neutral" in h for w in ("--neutral", f"{h['name']}={h['neutral']}")]
    usual = {h["name"]: head_for(h["name"], set(h["labels"])) for h in manifest["heads"]}
    own = [h for h in manifest["heads"] if h["ordered"] and not (usual[h["name"]].ordered and list(usual[h["name"]].labels) == h["labels"])]
    words += [w for h in own for w in ("--order", f"{h['name']}={csv_line(h['labels'])}")]
    words += [w for k in ("folds", "min_pairs", "seed") for w in (f"--{k.replace('_', '-')}", str(s[k]))]
    words += ["--group-by", manifest["data"]["group_by"]] if "group_by" in manifest["data"] else []
    words += [w for k, x in _TOLD.items() if s.get(k, x) != x for w in (f"--{k}", str(s[k]))]
    words += [w for k in ("hold_out", "labelled_by", "licence", "note") if about.get(k) for w in (f"--{k.replace('_', '-')}", about[k])]
    words += ["--encoder", manifest["encoder"]["name"]] if "encoder" in manifest else []
    if "network" in manifest:
        own = ["--words", "WORDS.npz"] if "words.npz" in manifest.get("members", {}) else ["--network"]
        words += ["--start", "MODEL.stance"] if "start" in manifest["network"] else own
    words += ["--cues", "CUES.csv"] if "cues.csv" in manifest.get("members", {}) else []
    words += ["--actors", "ACTORS.csv", *(["--only-actors"] if a["alone"] else [])] if (a := manifest.get("actors")) else []
    words += ["--definitions", "DEFINITIONS.csv"] if about.get("definitions") else []
    return shlex.join([*words, "-o", name if name.endswith(".stance") else "model.stance"])


def _interval(pair: Sequence[float] | None) -> str:
    return f"{pair[0]:.3f}–{pair[1]:.3f}" if pair else ""


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    yield "| " + " | ".join(header) + " |"
    yield "|" + " --- |" * len(header)
    for row in rows:
        yield "| " + " | ".join(_text(str(c)) for c in row) + " |"


def _text(value: str) -> str:
    """A value on one line that can neither end a table cell nor become mark-up."""
    return re.sub(r"([\\|<>`*_\[\]])", r"\\\1", " ".join(value.split()))
