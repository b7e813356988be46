"""Labelled data to annotation tools and back: doccano, Label Studio, Prodigy, and CSV that spreadsheets may open.

A task is a row: one sentence, one actor. Its labels are written `head:label`, so that the two `neutral`s stay apart. What the
tool need not show (ids, offsets, context, date, title, source, target, split, annotator) travels as metadata and comes back unchanged. The shapes are
those of the tools' documentation: doccano 1.8, text classification, JSONL (spans of sequence labelling are read too); Label
Studio 1.x, JSON tasks with `choices` and `labels`; Prodigy 1.11 and later, JSONL of the `choice` interface.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from stance.articles import whole_text
from stance.codebook import DEFAULT_HEADS, Head
from stance.dataset import COLUMNS, RESERVED, Row, Table, parse_row, read_definitions, read_files, rows_of
from stance.errors import DataError, InputError, near_miss, near_or_all, number
from stance.tables import Csv, read_text, safe_line

META = tuple(c for c in COLUMNS if c != "text")
TOOLS = ("doccano", "label-studio", "prodigy", "csv")
NAMES_OF_ANNOTATORS = (  # columns that may be meant by `annotator`
    "coder", "coder_id", "rater", "labeller", "labeler", "labelled_by", "annotated_by", "annotator_id", "annotator_name", "reader", "judge", "user",
)  # fmt: skip
_SPAN = "ACTOR"
CONTEXT_ONLY = "(context only: no label)"  # shown in the place of the actor of a task that has none


@dataclass(frozen=True, slots=True)
class Imported:
    """Rows that came back from a tool; `heads` are the label columns; `left_out` are tasks that annotators rejected or skipped,
    `unnamed` those with a label that names no head, as `file:line: label`; `warnings` say what is doubtful of the files; `unplaced` are
    rows without an actor, as `file:line`, whose labels `import_files` dropped."""

    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    left_out: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    unplaced: tuple[str, ...] = ()


# --------------------------------------------------------------------------- out


def export_lines(table: Table, to: str, *, definitions: Csv | None = None) -> Iterator[str]:
    """The rows of `read_table(…, unlabelled=True)` in a tool's shape, line by line.

    `to` is one of `TOOLS`, or `label-studio-config` for the labelling interface that fits. Annotators choose among the labels of the
    rows and those that `definitions` names, a CSV of head, label and definition. Raises InputError for another name, for a head
    whose name holds a colon, and where the interface would show a head without a choice; DataError for definitions of another head.
    """
    heads = [full(h) for h in table.heads] or list(DEFAULT_HEADS.values())
    heads = _defined(heads, definitions) if definitions else heads
    if bad := [h.name for h in heads if ":" in h.name]:
        raise InputError(f"a head called {bad[0]!r} cannot be exported: its name holds a colon", "rename the column")
    if to in ("label-studio-config", "prodigy") and (bare := [h.name for h in heads if not h.labels]):
        raise InputError(
            f"nothing to choose for {', '.join(bare)}: no row holds a label of it, and no definition names one",
            "--definitions FILE names the labels: a CSV of head, label, definition",
        )
    if to == "csv":
        return csv_lines(table.rows, [h.name for h in table.heads])
    if to == "label-studio":
        return _json_list(_label_studio_task(r) for r in table.rows)
    if to == "label-studio-config":
        return _config_lines(heads)
    if to in ("doccano", "prodigy"):
        return (json.dumps(_doccano_task(r) if to == "doccano" else _prodigy_task(r, heads), ensure_ascii=False) for r in table.rows)
    names = (*TOOLS, "label-studio-config")
    raise InputError(f"{to!r} is not a tool that stance writes for", near_or_all(to, names))


def _defined(heads: Sequence[Head], definitions: Csv) -> list[Head]:
    """The heads with the labels that a file of definitions names, in its order, before others that their rows hold."""
    told = read_definitions(definitions, heads, more=True)
    return [replace(h, labels=tuple(dict.fromkeys((*told.get(h.name, ()), *h.labels)))) for h in heads]


def no_labels(files: Sequence[Csv], *, wide: bool = False) -> str:
    """What to say when no label column was read: those that the files may have in the place of stance and tone; '' without any.

    `wide`: columns `ann_mood` and `bob_mood` may be the `mood` of two annotators.
    """
    filled = {c: None for f in files for r in f.records for c, x in zip(f.columns, r.cells, strict=False) if x.strip()}
    seen = [c for f in files for c in f.columns if c in filled and c not in ("", *RESERVED, *COLUMNS, *NAMES_OF_ANNOTATORS, "id")]
    if not seen or any(h in seen for h in DEFAULT_HEADS):
        return ""
    ends = [c[i + 1 :] for c in seen for i, x in enumerate(c[:-1]) if x == "_"]
    first = next((c for c in seen if c in ends), "") or next((x for x in ends if wide and ends.count(x) > 1), seen[0])
    return f"no column {' or '.join(DEFAULT_HEADS)}; label columns here may be {', '.join(dict.fromkeys(seen))}: --head {first}"


def full(head: Head) -> Head:
    """The head with all labels of the codebook, when its own are some of them: annotators choose among all."""
    default = DEFAULT_HEADS.get(head.name)
    return default if default and set(head.labels) <= set(default.labels) else head


def csv_lines(rows: Iterable[Row], heads: Sequence[str]) -> Iterator[str]:
    """Labelled CSV, by `safe_line`."""
    keys = ("article_id", "sentence_id", "text", "actor", "start", "end")
    rest = tuple(k for k in ("target", "context", "date", "title", "source", "speaker", "split", "annotator") if k not in heads)
    yield safe_line((*keys, *heads, *rest))
    for r in rows:
        yield safe_line((*(_cell(r, k) for k in keys), *(r.labels.get(h, "") for h in heads), *(_cell(r, k) for k in rest)))


def _cell(row: Row, key: str) -> str:
    value = getattr(row, key)
    return "" if value is None else str(value)


def _meta(row: Row) -> dict[str, Any]:
    found = {k: value for k in META if (value := getattr(row, k)) not in (None, "")}
    return found if row.actor else {"actor": CONTEXT_ONLY, **found}


def _labels(row: Row) -> list[str]:
    return [f"{h}:{x}" for h, x in row.labels.items() if x]


def _doccano_task(row: Row) -> dict[str, Any]:
    return {"text": row.text, "label": _labels(row), **_meta(row)}


def _prodigy_task(row: Row, heads: Sequence[Head]) -> dict[str, Any]:
    task: dict[str, Any] = {"text": row.text, "meta": _meta(row)}
    if row.start is not None:
        task["spans"] = [{"start": row.start, "end": row.end, "label": _SPAN}]
    if row.actor:
        task["options"] = [{"id": f"{h.name}:{x}", "text": f"{h.name}: {x}"} for h in heads for x in h.labels]
    if labels := _labels(row):
        task |= {"accept": labels, "answer": "accept"}
    return task


def _label_studio_task(row: Row) -> dict[str, Any]:
    results: list[dict[str, Any]] = [
        {"id": f"{h}-choice", "from_name": h, "to_name": "text", "type": "choices", "value": {"choices": [x]}} for h, x in row.labels.items() if x
    ]
    if row.start is not None:
        value = {"start": row.start, "end": row.end, "text": row.text[row.start : row.end], "labels": [_SPAN]}
        results.append({"id": "actor-span", "from_name": "span", "to_name": "text", "type": "labels", "value": value})
    shown = {"text": row.text, "actor": row.actor, "context": row.context}  # the interface needs these, empty or not
    return {"data": {**shown, **_meta(row)}, "annotations": [{"result": results}] if results else []}


def _json_list(items: Iterable[Any]) -> Iterator[str]:
    """A JSON array, an element a line."""
    before = "["
    for x in items:
        yield before + json.dumps(x, ensure_ascii=False)
        before = ","
    yield "]" if before == "," else "[]"


def _config_lines(heads: Sequence[Head]) -> Iterator[str]:
    yield "<View>"
    yield '  <Text name="before" value="$context"/>'
    yield '  <Header value="$actor"/>'
    yield f'  <Labels name="span" toName="text"><Label value="{_SPAN}"/></Labels>'
    yield '  <Text name="text" value="$text"/>'
    for h in heads:
        yield f"  <Header value={quoteattr(h.name)}/>"
        yield f'  <Choices name={quoteattr(h.name)} toName="text" choice="single" showInline="true">'
        yield from (f"    <Choice value={quoteattr(x)}/>" for x in h.labels)
        yield "  </Choices>"
    yield "</View>"


# --------------------------------------------------------------------------- in


@dataclass(frozen=True, slots=True)
class _Task:
    """One annotated row of a tool's file: cells by column, labels by head; `skipped` says why it does not count, `unnamed` a label without a head."""

    cells: dict[str, str]
    labels: dict[str, str]
    skipped: str = ""
    unnamed: str = ""

    @property
    def all_cells(self) -> dict[str, str]:
        """The cells with those of the labels."""
        return {**self.cells, **{k.lower(): v for k, v in self.labels.items()}}


def import_file(
    path: str | Path, source: str, *, heads: Sequence[str] = (), annotator: str = "", columns: Mapping[str, str] | None = None
) -> Imported:
    """Rows of a tool's export file.

    `heads` are label columns, of a CSV beside stance and tone; elsewhere also where no row has a label yet, and the first of them is the one
    that labels without a `head:` before them belong to. `annotator` overrides who the file says it was; `columns` of a CSV as of
    `dataset.read_dataset`. Raises InputError for an unknown tool or a file that is not of its shape at all, DataError with every bad task.
    """
    path = Path(path)
    if source not in TOOLS:
        raise InputError(f"{source!r} is not a tool that stance reads from", near_or_all(source, TOOLS))
    refuse_taken(heads)
    got = _from_csv(path, heads, columns) if source == "csv" else _from_tool(path, source, heads)
    return replace(got, rows=tuple(replace(r, annotator=annotator) for r in got.rows)) if annotator else got


def _from_tool(path: Path, source: str, heads: Sequence[str]) -> Imported:
    read = _json_array if source == "label-studio" else _json_lines
    parse = {"doccano": _from_doccano, "prodigy": _from_prodigy, "label-studio": _from_label_studio}[source]
    where = "task " if source == "label-studio" else ""
    tasks: list[tuple[int, _Task]] = []  # with their numbers
    problems: list[tuple[int, str]] = []
    text, doubt = read_text(path)
    for at, item in read(text, str(path)):
        place = f"{path}:{where}{at}"
        _of_this_tool(item, source, place)
        try:
            for task in parse(item, heads or ("stance",)):
                tasks.append((at, task))
        except ValueError as e:
            problems += [(at, f"{place}: {x}") for x in str(e).split("\n")]
        except (KeyError, TypeError, AttributeError, IndexError) as e:
            problems.append((at, f"{place}: not the shape of {source}: {type(e).__name__} {e}"))
    parsed = [(at, parse_row(str(path), at, t.all_cells, tuple(t.labels))) for at, t in tasks if not t.skipped]
    problems += [(at, f"{path}:{where}{at}: {p.said}") for at, (_, bad) in parsed for p in bad]
    _refuse_bad([said for _, said in sorted(problems, key=lambda p: p[0])], source)
    rows = [row for _, (row, _) in parsed]
    left_out = [f"{path}:{where}{at}: {t.skipped}" for at, t in tasks if t.skipped]
    unnamed = [f"{path}:{where}{at}: {t.unnamed!r}" for at, t in tasks if t.unnamed and not t.skipped]
    return Imported(_heads(rows, heads), tuple(rows), tuple(left_out), tuple(unnamed), (doubt,) if doubt else ())


def _from_csv(path: Path, heads: Sequence[str], columns: Mapping[str, str] | None) -> Imported:
    rows: list[Row] = []
    problems: list[str] = []
    doubts: list[str] = []
    for f in read_files(path, columns=columns, heads=(*DEFAULT_HEADS, *heads)):
        if missing := [c for c in ("text", "actor", *heads) if c.lower() not in f.columns]:
            hint = near_miss(missing[0], [c for c in f.columns if c]) or "needed: text, actor and label columns"
            raise InputError(f.lacks(missing[0]), hint)
        if not heads and not set(DEFAULT_HEADS) & set(f.columns) and (lacking := no_labels([f])):
            raise InputError(f"{f.place}: {lacking}", "name the label columns with --head; repeat it for several")
        got, bad = rows_of(f, [h for h in dict.fromkeys((*DEFAULT_HEADS, *heads)) if h.lower() in f.columns])
        rows += got
        problems += map(str, bad)
        doubts += [f.note] if f.note else []
    _refuse_bad(problems, "csv")
    return Imported(_heads(rows, heads), tuple(rows), warnings=tuple(doubts))


def _refuse_bad(problems: Sequence[str], source: str) -> None:
    if problems:
        raise DataError(f"{number(len(problems), 'bad task')}; nothing was read", f"correct them in {source} and export again", tuple(problems))


def import_files(
    paths: Sequence[str | Path], source: str, *, heads: Sequence[str] = (), annotator: str = "", columns: Mapping[str, str] | None = None
) -> Imported:
    """As `import_file`, of several files, without the labels of rows that have no actor, as `train` and `check` want it.

    Rows of doccano without an annotator get the name of their file, which is the annotator's, where there are several.
    """
    parts = [import_file(p, source, heads=heads, annotator=annotator, columns=columns) for p in paths]
    rows = [r for part in parts for r in part.rows]
    if len(parts) > 1 and source == "doccano":
        rows = [r if r.annotator else replace(r, annotator=Path(r.file).stem) for r in rows]
    left_out, unnamed, doubts = (tuple(x for part in parts for x in getattr(part, what)) for what in ("left_out", "unnamed", "warnings"))
    unplaced = tuple(r.place for r in rows if not r.actor and any(r.labels.values()))
    rows = [r if r.actor else replace(r, labels=dict.fromkeys(r.labels, "")) for r in rows]
    return Imported(_heads(rows, heads), tuple(rows), left_out, unnamed, doubts, unplaced)


def lacking(row: Row, heads: Sequence[str]) -> list[str]:
    """Those of `heads` that a row has no label of; without an actor it needs none."""
    return [h for h in heads if row.actor and not row.labels.get(h)]


def _heads(rows: Sequence[Row], given: Sequence[str]) -> tuple[str, ...]:
    """The label columns: stance and tone where they are seen, those given, then others; stance and tone where there is none."""
    seen = dict.fromkeys(h for r in rows for h in r.labels)
    return tuple(dict.fromkeys((*(h for h in DEFAULT_HEADS if h in seen and h not in given), *given, *seen))) or tuple(DEFAULT_HEADS)


def _json_lines(text: str, file: str) -> Iterator[tuple[int, Any]]:
    for at, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield at, _json(line, file, at, "export the project as JSONL, a task a line")


def _json_array(text: str, file: str) -> Iterator[tuple[int, Any]]:
    todo = "export the project as JSON, not JSON-MIN or CSV"
    tasks = _json(text, file, 1, todo)
    if not isinstance(tasks, list):
        raise InputError(f"{file}:1: not a list of tasks", todo)
    yield from enumerate(tasks, 1)


def _json(text: str, file: str, line: int, todo: str) -> Any:
    """What JSON holds that begins in `line` of a file, with U+FFFD for half characters."""
    try:
        data = json.loads(text)
        return _whole(data) if "\\ud" in text.lower() else data
    except json.JSONDecodeError as e:
        raise InputError(f"{file}:{line + e.lineno - 1}: not JSON: {e.msg}", todo) from e
    except ValueError as e:  # a number of thousands of digits
        raise InputError(f"{file}:{line}: cannot be read: {e}", todo) from e
    except RecursionError as e:
        raise InputError(f"{file}:{line}: brackets in brackets, too many to read: no file of a tool", todo) from e


def _whole(data: Any) -> Any:
    """What JSON holds, with `whole_text` of each text in it."""
    if isinstance(data, str):
        return whole_text(data)
    if isinstance(data, list):
        return [_whole(x) for x in data]
    return {whole_text(k): _whole(v) for k, v in data.items()} if isinstance(data, dict) else data


_NEEDED = {"doccano": "`label`", "prodigy": "`accept` or `options`", "label-studio": "`data`"}


def _of_this_tool(item: Any, source: str, place: str) -> None:
    """Raises InputError for the record of another tool, which would give rows without actor and labels."""
    looks = _looks_like(item)
    if source in _NEEDED and looks and looks != source:
        raise InputError(f"{place}: no {_NEEDED[source]} of {source} in it; it looks like {looks}", f"give --from {looks}")


def _looks_like(item: Any) -> str:
    """The tool whose record this is, '' where its shape does not tell."""
    if isinstance(item, list) and item:  # a whole array on one line
        item = item[0]
    if not isinstance(item, dict):
        return ""
    if isinstance(item.get("data"), dict):
        return "label-studio"
    if any(isinstance(item.get(k), list) for k in ("label", "labels")):
        return "doccano"
    own = {"accept", "options", "answer", "_input_hash", "_task_hash"} & set(item)
    return "prodigy" if own or isinstance(item.get("meta"), dict) else ""


def _from_doccano(task: Any, heads: Sequence[str]) -> Iterator[_Task]:
    _need(task, "text", str)
    if "label" not in task and "labels" not in task:
        raise ValueError(f"no {_NEEDED['doccano']} in it")
    given = task.get("label", task.get("labels"))
    if not isinstance(given, list):
        raise ValueError(f"label {given!r} is not a list; export a text classification or sequence labelling project")
    marked = [x for x in given if isinstance(x, list) and len(x) == 3]  # sequence labelling: [start, end, label]
    labels = [str(x[2] if x in marked else x) for x in given]
    yield _Task(_known(task) | _span((x[0], x[1]) for x in marked), _by_head(labels, heads[0]), unnamed=_unnamed(labels))


def _from_prodigy(task: Any, heads: Sequence[str]) -> Iterator[_Task]:
    _need(task, "text", str)
    if not _looks_like(task):
        raise ValueError(f"no {_NEEDED['prodigy']} in it")
    meta = task.get("meta") or {}
    cells = _known({**meta, "text": task["text"]})
    if who := task.get("_annotator_id") or task.get("_session_id"):
        cells["annotator"] = str(who)
    spans = task.get("spans") or []
    cells |= _span((x["start"], x["end"]) for x in [x for x in spans if x.get("label") == _SPAN] or spans)
    answer = task.get("answer", "accept")
    labels = [str(x) for x in task.get("accept") or ([task["label"]] if "label" in task else [])]
    yield _Task(cells, _by_head(labels, heads[0]), "" if answer == "accept" else f"answered {answer!r}", _unnamed(labels))


def _from_label_studio(task: Any, heads: Sequence[str]) -> Iterator[_Task]:
    _need(task, "data", dict)
    _need(task["data"], "text", str)
    cells = _known(task["data"])
    annotations = task.get("annotations") or []
    if not annotations:
        yield _Task(cells, {})
    for a in annotations:
        if a.get("was_cancelled"):
            yield _Task(cells, {}, "skipped by its annotator")
        else:
            yield _annotation(a, cells)


def _annotation(a: dict[str, Any], cells: dict[str, str]) -> _Task:
    labels: dict[str, str] = {}
    spans = []
    for r in a.get("result", []):
        value = r.get("value", {})
        if r.get("type") == "choices":
            if taken := _taken(name := str(r["from_name"])):
                raise ValueError(f"choices called {name!r}: {taken}; rename them in the labelling interface")
            _set(labels, name, [str(x) for x in value["choices"]])
        elif r.get("type") == "labels":
            spans.append(_in_characters(cells["text"], int(value["start"]), int(value["end"]), value.get("text")))
    own = cells | _span(spans)
    if who := a.get("completed_by"):
        own["annotator"] = str(who.get("email") or who.get("id")) if isinstance(who, dict) else str(who)
    return _Task(own, labels)


def _span(spans: Iterable[tuple[Any, Any]]) -> dict[str, str]:
    """The cells of the span that was marked, once or more often."""
    found = list(dict.fromkeys((str(start), str(end)) for start, end in spans))
    if len(found) > 1:
        raise ValueError(f"two spans: {' and '.join(map(','.join, found))}; keep one, of the actor")
    return dict(zip(("start", "end"), found[0], strict=True)) if found else {}


def _in_characters(text: str, start: int, end: int, inside: str | None) -> tuple[int, int]:
    """The span in characters. A browser counts UTF-16 units: where its own text for the span shows that it did, they are converted."""
    if inside is not None and text[start:end] != inside:
        units = text.encode("utf-16-le")
        a, b = (len(units[: 2 * n].decode("utf-16-le", "ignore")) for n in (start, end))
        if text[a:b] == inside:
            start, end = a, b
    return start, end


def _need(task: Any, key: str, kind: type) -> None:
    if not isinstance(task, dict) or not isinstance(task.get(key), kind):
        raise ValueError(f"no {key!r} in it")


def _known(data: dict[str, Any]) -> dict[str, str]:
    return {k: str(data[k]) for k in ("text", *META) if data.get(k) is not None and (k, data[k]) != ("actor", CONTEXT_ONLY)}


def _unnamed(labels: Sequence[str]) -> str:
    """The first label that names no head."""
    return next((x for x in labels if ":" not in x), "")


def _taken(head: str) -> str:
    """Why a head cannot have this name; '' when it can: its column would overwrite another."""
    if not head.strip():
        return "a label column without a name"
    return f"a head cannot be called {head!r}, which is a column of the data" if head.strip().lower() in (*RESERVED, *COLUMNS) else ""


def refuse_taken(heads: Iterable[str]) -> None:
    """Raises InputError for a head whose column would overwrite another."""
    for h in heads:
        if taken := _taken(h):
            raise InputError(taken, "name another label column with --head")


def _by_head(labels: Sequence[str], head: str) -> dict[str, str]:
    """Labels as tools hold them, `stance:firm`, by head; those without a head belong to `head`."""
    found: dict[str, list[str]] = {}
    for x in labels:
        before, colon, after = x.partition(":")
        found.setdefault(before if colon else head, []).append(after if colon else x)
    out: dict[str, str] = {}
    for name, values in found.items():
        if taken := _taken(name):
            raise ValueError(f"label {name + ':' + values[0]!r}: {taken}; write it head:label, as in stance:deny")
        _set(out, name, values)
    return out


def _set(labels: dict[str, str], name: str, values: Sequence[str]) -> None:
    given = list(dict.fromkeys([*([labels[name]] if name in labels else []), *values]))
    if len(given) > 1:
        raise ValueError(f"two labels of {name!r}: {', '.join(map(repr, given))}; keep one")
    if given:
        labels[name] = given[0]
