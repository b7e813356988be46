"""The command line: arguments, exit codes and wording. No logic."""

from __future__ import annotations

import atexit
import copy
import gc
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # our products are sparse: threads only cost

import typer
from typer.core import TyperGroup

from stance.errors import InputError, ModelError, StanceError, StanceWarning, first_of, number

if TYPE_CHECKING:
    from stance.agreement import Annotations
    from stance.articles import Article, Shown, Skipped
    from stance.classification import Result
    from stance.codebook import Head
    from stance.dataset import Dataset
    from stance.evaluation import HeadReport
    from stance.lexicon import Lexicon
    from stance.model import Model
    from stance.network import Network
    from stance.store import Judge, Run
    from stance.tables import Csv
    from stance.training import Predicted, Settings
    from stance.words import WordVectors

_written: list[Path] = []  # files this command has finished


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        """Interrupted, a command says what became of its output: what the interrupt carries, else the files it had finished."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as e:
            told = [*e.args, *(f"{path} was written before" for path in _written)]
            _say(f"interrupted; {'; '.join(told) or 'nothing was written'}")
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    cls=_Commands,
    help="Who takes which stance, and in what tone, sentence by sentence in the news.",
    no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip

FAILED, SKIPPED, UNDER, INTERRUPTED = 1, 3, 4, 130
FORMATS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv", ".html": "html", ".htm": "html", ".txt": "table", ".md": "markdown",
           ".sqlite": "sqlite", ".db": "sqlite", ".parquet": "parquet"}  # fmt: skip


def _date(given: str) -> str:
    """A date as YYYY-MM-DD."""
    from stance.dates import date_hint, valid_date

    date = valid_date(given)
    if given and not date:
        raise typer.BadParameter(f"{given!r} is not a date; {date_hint(given)}", param_hint="--date")
    return date


_option, _argument = partial(typer.Option, show_default=False), partial(typer.Argument, show_default=False)
ModelOption = Annotated[Optional[Path], _option("--model", "-m", help="Model file; default: the one that ships with stance.")]
ActorsOption = Annotated[
    Optional[Path], _option("--actors", help="Your alias table (alias,actor,kind,from,to,guard), on top of the model's or the default one.")
]
OnlyActors = Annotated[bool, typer.Option("--only-actors", help="Use the --actors table alone, without the model's or the default one.")]
FormatOption = Annotated[
    str, _option("--format", "-f", help="table, jsonl, csv, html; with -o also sqlite, parquet; default: table on a terminal, jsonl in a pipe.")
]
TextColumn = Annotated[str, _option("--text-column", help="Field that holds the text in json, jsonl and csv; several are joined: title+summary.")]
ArticleColumn = Annotated[
    list[str],
    _option(
        "--column", metavar="NAME=COLUMN",
        help="What json, jsonl and csv call id, title, date, source, speaker or text: --column source=Zeitung reads `Zeitung` as source; repeatable.",
    )
]  # fmt: skip
DateOption = Annotated[str, _option("--date", help="Date (YYYY-MM-DD) of articles that have none: it decides who is in office.", callback=_date)]
SpeakerOption = Annotated[
    str, _option("--speaker", help="Whose words the articles are (speeches, statements) that tell none: an actor, an official, a code such as DEU.")
]
MinConfidence = Annotated[float, typer.Option("--min-confidence", min=0.0, max=1.0, help="Below this probability a label is `unsure`.")]
PrecisionOption = Annotated[
    float, _option("--precision", min=0.0, max=1.0, help="Choose the threshold above which this share was right in the model's cross-validation.")
]


def _writable(output: Path | None) -> Path | None:
    """An output path, refused before any work is done where no file could be written."""
    if output and output.is_dir():
        raise typer.BadParameter(f"{output} is a folder; name a file in it")
    if output and not output.parent.is_dir():
        raise typer.BadParameter(f"{output}: there is no folder {output.parent}; make it first")
    if output and (output.is_file() or not output.exists()) and not os.access(output.resolve().parent, os.W_OK):  # it is replaced, not written over
        raise typer.BadParameter(f"{output}: its folder cannot be written to; name one that can")
    return output


def _writable_csv(output: Path | None) -> Path | None:
    """The same, for what is always CSV."""
    if output and output.suffix.lower() != ".csv" and (output.is_file() or not output.exists()):
        raise typer.BadParameter(f"{output}: labelled data is CSV, and its name ends in .csv")
    return _writable(output)


OutOption = Annotated[Optional[Path], _option("--output", "-o", help="Write here; the suffix chooses the format.", callback=_writable)]
HeadOption = Annotated[list[str], _option("--head", help="Label column to learn; repeat for several. Default: stance and tone.")]
ColumnOption = Annotated[
    list[str],
    _option(
        "--column", metavar="NAME=COLUMN", help="What the table calls a column: --column actor=target reads `target` as `actor`; repeat for several."
    )
]  # fmt: skip
NeutralOption = Annotated[
    list[str],
    _option(
        "--neutral", metavar="[HEAD=]LABEL",
        help="The label that says no stance is taken, of the first head or of HEAD: --neutral none; default: neutral. Repeat for several."
    )
]  # fmt: skip
OrderOption = Annotated[
    list[str],
    _option(
        "--order", metavar="HEAD=LABEL,LABEL,…",
        help="The labels of a head that are a scale, from one end to the other: --order intensity=low,medium,high; repeat for several heads."
    )
]  # fmt: skip
GroupByOption = Annotated[
    str,
    _option("--group-by", help="No fold tests on a value of this column (outlet, topic …), or on a `file`, that it learnt from; default: articles."),
]  # fmt: skip
NetworkOption = Annotated[
    bool, typer.Option("--network", help="Add a recurrent network over word vectors: more accurate, slower to train and to use.")
]
WordsOption = Annotated[Optional[Path], _option("--words", help="Word vectors for the network, by `stance words`, in place of the default ones.")]
StartOption = Annotated[
    str, _option("--start", help="Train on from the network of this model (`default`: the shipped one) or a network alone (.npz): for small data.")
]  # fmt: skip
JobsOption = Annotated[int, typer.Option("--jobs", "-j", min=1, help="Processes to use.")]
FoldsOption = Annotated[int, typer.Option("--folds", min=2, help="Grouped cross-validation folds.")]
OnlyActor = Annotated[list[str], _option("--actor", help="Only this actor; repeat for several.")]
TextDate = Annotated[str, _option("--date", help="Date of the text (YYYY-MM-DD): who was in office.", callback=_date)]
TextSpeaker = Annotated[str, _option("--speaker", help="Whose words all of the text is.")]
TableOrJson = Annotated[str, typer.Option("--format", "-f", help="table or json.")]
CsvOption = Annotated[
    Optional[Path], _option("--output", "-o", help="Labelled CSV to write; default: standard output.", callback=_writable_csv)
]


@app.callback(invoke_without_command=True)
def _options(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a failure.")] = False,
) -> None:
    if version:
        from stance import __version__

        typer.echo(f"stance {__version__}")
        raise typer.Exit


# --------------------------------------------------------------------------- classify


@app.command()
def classify(
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Articles: txt, md, html, json, jsonl, csv, tsv (also .gz, .bz2, .xz), folders, URLs, or - for standard input.", metavar="ARTICLE..."
        ),
    ],
    model: ModelOption = None,
    format: FormatOption = "",
    output: OutOption = None,
    everything: Annotated[bool, typer.Option("--all", "-a", help="Show neutral judgements in the table and the page too.")] = False,
    actor: OnlyActor = [],
    min_confidence: MinConfidence = 0.0,
    precision: PrecisionOption = 0.0,
    actors: ActorsOption = None,
    only_actors: OnlyActors = False,
    text_column: TextColumn = "",
    column: ArticleColumn = [],
    date: DateOption = "",
    speaker: SpeakerOption = "",
    jobs: JobsOption = 1,
    dask: Annotated[str, _option("--dask", help="Use the dask cluster whose scheduler has this address.")] = "",
    restart: Annotated[bool, typer.Option("--restart", help="Begin a database anew; the old one is replaced when the new one is complete.")] = False,
    append: Annotated[bool, typer.Option("--append", help="Add to a database what the input has more, or a further run.")] = False,
    update: Annotated[
        bool, typer.Option("--update", help="As --append; articles that have changed are judged anew and take the place of the old ones.")
    ] = False,
) -> None:
    """Say who takes which stance, in what tone, sentence by sentence.

    Into a database (-o NAME.sqlite) a run that was stopped goes on where it stopped: give the same command again.
    """

    from stance.articles import input_bytes, scan_articles
    from stance.classification import classify_archive
    from stance.progress import progress

    usual = "table" if sys.stdout.isatty() else "jsonl"
    chosen = _format(format, output, ("table", "jsonl", "csv", "html", "sqlite", "parquet"), usual)
    how = {"restart": restart, "append": append, "update": update}
    _check_output(chosen, output, how)
    reading = _article_options(text_column, column, date, speaker)
    _refuse_overwrite(output, [*inputs, model, actors], inside=chosen != "sqlite")
    fitted = _model(model)
    limit = _limit(fitted, min_confidence, precision)
    lexicon = _lexicon(actors, only_actors, fitted)
    _check_actors(actor, lexicon)
    judge = partial(classify_archive, model=fitted, lexicon=lexicon, min_confidence=limit, actors=actor, jobs=jobs, cluster=dask)
    run = None
    if chosen == "sqlite" and output:
        inputs, run = _run(output, inputs, fitted, lexicon, reading, {"min_confidence": limit, "actors": actor})
    with progress(input_bytes(inputs)) as (read, done):
        found = _spoken(scan_articles(inputs, **reading, seen=read), lexicon)
        items = _readable(found if model and not _is_default(model) else _in_english(found), output)
        if run and output:
            skipped = _record(output, items, lambda x, finish: _counted(judge(x, finish=finish), done), run, how)
        else:
            skipped = _stream(_counted(judge(items), done), chosen, everything, output, fitted, lexicon)
    _name_skipped(skipped, ": SELECT key, skipped FROM article WHERE skipped IS NOT NULL" if run else _ALL_NAMED)
    if skipped.total:
        raise typer.Exit(SKIPPED)


def _run(
    output: Path, inputs: Sequence[str], model: Model, lexicon: Lexicon, reading: dict[str, Any], settings: dict[str, Any]
) -> tuple[list[str], Run]:  # fmt: skip
    """(inputs, as the database calls them; what is to go into it): of how articles are read, only what is not as usual."""
    from stance.store import describe_run, known_inputs

    inputs = known_inputs(output, inputs)
    told = {"text_column": "", **{k: v for k, v in reading.items() if v}}
    return inputs, describe_run(model, lexicon, {"inputs": inputs, **settings, **told})


_ALL_NAMED = "; a database (`stance classify ... -o NAME.sqlite`) keeps the name and reason of each"


def _name_skipped(skipped: Shown, where: str = "") -> None:
    """Name what was skipped; `where` says how those that are not named are found."""
    for line in skipped.lines(where=where):
        _say(f"skipped {line}")


def _check_output(chosen: str, output: Path | None, how: dict[str, bool]) -> None:
    """Refuse a database without a file, and options of a database without one or that exclude each other."""
    if chosen in ("sqlite", "parquet") and not output:
        raise typer.BadParameter(f"{chosen} needs a file: -o NAME.{chosen}", param_hint="--format")
    options = [f"--{name}" for name, wanted in how.items() if wanted]
    if options and chosen != "sqlite":
        raise typer.BadParameter("only a database (-o NAME.sqlite) can be begun anew or added to", param_hint=options[0])
    if options[1:] and how["restart"]:
        raise typer.BadParameter(f"choose one of {' and '.join(options[:2])}", param_hint="--restart")


def _check_actors(names: Sequence[str], lexicon: Lexicon) -> None:
    try:
        lexicon.check_actors(names)
    except InputError as e:
        raise typer.BadParameter("; ".join(filter(None, (e.message, e.hint))), param_hint="--actor") from e


def _spoken(items: Iterator[Article | Skipped], lexicon: Lexicon) -> Iterator[Article | Skipped]:
    """The items; tells in the end which speakers the lexicon does not know, who are actors by the names that are given."""
    from collections import Counter

    from stance.actors import speakers_of
    from stance.articles import Article

    unknown: Counter[str] = Counter()
    for item in items:
        if isinstance(item, Article):
            unknown.update(x for x in speakers_of(item.speaker, lexicon, date=item.date) if x not in lexicon.actors)
        yield item
    if unknown:
        names = ", ".join(f"{name} ({n})" for name, n in unknown.most_common(5))
        told = f"{number(len(unknown), 'speaker')} not in the alias table, taken as actors by the names given: {names}"
        _say(f"note: {told}; --actors can say whom they speak for")


def _readable(items: Iterator[Article | Skipped], output: Path | None) -> Iterator[Article | Skipped]:
    """The items. Raises InputError, before anything is written, when not one article could be read."""
    from stance.articles import NothingReadError, readable

    try:
        return readable(items)
    except NothingReadError as e:
        _name_skipped(e.skipped)
        kept = f"; {output} is left as it was" if output and output.exists() else ""
        raise InputError(f"{e.message}{kept}", "above is said why; a text itself comes on standard input (-)") from None


def _articles(items: Iterator[Article | Skipped], output: Path | None, done: Callable[[int], None] = lambda _: None) -> Iterator[Article]:
    """The articles alone; at the end is said what was skipped. Raises as `_readable` does."""
    from stance.articles import Shown, Skipped

    skipped = Shown()
    for item in _readable(items, output):
        done(1)
        if isinstance(item, Skipped):
            skipped.keep(item)
        else:
            yield item
    _name_skipped(skipped, _ALL_NAMED)


def _in_english(items: Iterator[Article | Skipped]) -> Iterator[Article | Skipped]:
    """The items; in the end is said how many look by their first words as if the shipped model could not read them."""
    from stance.articles import Skipped
    from stance.text import foreign

    read = other = 0
    for item in items:
        if not isinstance(item, Skipped):
            read += 1
            other += bool(foreign(item.text[:1000]))
        yield item
    if other:
        _say(f"warning: {other} of {number(read, 'article')} do{'es' if other == 1 else ''} not look English: the shipped model reads English")


def _counted(batches: Iterable[list[Any]], done: Callable[[int], None]) -> Iterator[list[Any]]:
    for batch in batches:
        yield batch
        done(len(batch))


_NOTHING = "note: nothing to judge: no actor (or none asked for) is in what was read; `stance actors` shows who is"


def _record(
    output: Path, items: Iterable[Article | Skipped], judge: Judge, run: Run, how: dict[str, bool]
) -> Shown:
    """Into the database; what was skipped."""
    from stance.store import record, written_beside

    where = f"{written_beside(output)}, and {output} is left as it was" if how["restart"] and output.exists() else output
    try:
        done = record(output, items, judge, run, **how)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"what was done is in {where}: run the same command again to go on") from None
    if done.before:
        _say(f"{output}: {done.before} of {number(done.articles, 'article')} {'was' if done.before == 1 else 'were'} there already")
    if done.changed:
        _say(f"{output}: {number(done.changed, 'article')} had changed and {'was' if done.changed == 1 else 'were'} judged anew")
    if done.gone:
        _say(f"{output}: {number(done.gone, 'article')} {'is' if done.gone == 1 else 'are'} not in the input any more, and kept (first: {done.lost})")
    if done.again and done.before < done.articles:
        _say(f"{output}: run {done.number} holds {number(done.again, 'article')} that an earlier run holds too: count one run alone")
    if done.articles > done.skipped and not done.judged:
        _say(_NOTHING)
    return done.shown


class _NothingToWriteError(Exception):
    """No article could be judged, and a file is there already: it is not replaced by an empty one."""


def _stream(
    batches: Iterable[list[Result]], chosen: str, everything: bool, output: Path | None, model: Model, lexicon: Lexicon
) -> Shown:
    """Into a file or standard output; what was skipped."""
    from stance.articles import Article, Shown, Skipped

    shown = Shown()
    read = found = False

    def results() -> Iterator[Result]:
        nonlocal read, found
        for result in (r for batch in batches for r in batch):
            if result.skipped:
                shown.keep(Skipped(result.item.id, result.skipped))
            read = read or not result.skipped
            found = found or bool(result.judgements)
            yield result
        if not read and output and output.exists():
            raise _NothingToWriteError

    try:
        if chosen == "parquet" and output:
            from stance.store import write_parquet

            write_parquet(output, results(), model)
        elif chosen == "html":
            from stance.pages import article_page

            judged = ((r.item, r.judgements) for r in results() if isinstance(r.item, Article) and not r.skipped)
            _write(article_page(judged, model, lexicon=lexicon, everything=everything), output, end="")
        else:
            _write(_judgement_lines(results(), chosen, everything, output, model), output)
    except _NothingToWriteError:
        _say(f"{output} is left as it was: no article could be read")
    if read and not found and chosen != "table":  # which says so itself
        _say(_NOTHING)
    return shown


def _judgement_lines(results: Iterable[Result], chosen: str, everything: bool, output: Path | None, model: Model) -> Iterator[str]:
    from stance import rendering

    if chosen == "table":
        colour = output is None and sys.stdout.isatty() and "NO_COLOR" not in os.environ
        judged = (j for r in results for j in r.judgements)
        return rendering.judgement_lines(judged, everything=everything, colour=colour, neutral=model.heads[0].head.neutral)
    if chosen == "jsonl":
        return rendering.jsonl_lines(results)
    return rendering.csv_lines(results, heads=model.labels)


def _limit(model: Model, min_confidence: float, precision: float) -> float | dict[str, float]:
    """The probability under which a label is unsure, for all heads or by head."""
    if not precision:
        return min_confidence
    if min_confidence:
        raise typer.BadParameter("choose one of --precision and --min-confidence", param_hint="--precision")
    limits = model.thresholds(precision)
    for head in (h for h, limit in limits.items() if limit > 1):
        _say(f"warning: head {head!r} never reached precision {precision:g} out of fold; all its labels are unsure")
    return limits


# --------------------------------------------------------------------------- predict


@app.command(short_help="Label the rows of a table, each for the actor it names.")
def predict(
    data: Annotated[
        Path, typer.Argument(help="CSV (- is standard input) with `text` and `actor`; start,end, context, article_id, date as in labelled data.")
    ],
    model: ModelOption = None,
    format: Annotated[str, _option("--format", "-f", help="csv or jsonl; default: csv.")] = "",
    output: OutOption = None,
    min_confidence: MinConfidence = 0.0,
    precision: PrecisionOption = 0.0,
    prefix: Annotated[str, _option("--prefix", help="Begin the names of new columns with this.")] = "",
    column: ColumnOption = [],
    actors: ActorsOption = None,
    only_actors: OnlyActors = False,
) -> None:
    """Label the rows of a table, each for the actor it names: the table comes back with label and probabilities in further columns.

    CSV keeps delimiter and line ends; it is UTF-8, with a byte-order mark where the table was not plain UTF-8.
    """
    from stance import rendering
    from stance.classification import classify_pairs
    from stance.dataset import located, read_table

    chosen = _format(format, output, ("csv", "jsonl"))
    _refuse_overwrite(output, [data, model, actors])
    if data.is_dir():
        raise typer.BadParameter(f"{data} is a folder; name one table in it")
    fitted = _model(model)
    limit = _limit(fitted, min_confidence, precision)
    table = read_table(data, heads=None, unlabelled=True, columns=_columns(column))
    dataset = located(table, lexicon=_lexicon(actors, only_actors, fitted))
    _warn([*dataset.warnings, *_seen_in_training(fitted, dataset)])
    judged = classify_pairs(dataset, fitted, min_confidence=limit)
    (given,) = table.files
    lines = rendering.filled_lines(given, judged, {r.line for r in dataset.rows}, fitted.labels, prefix=prefix, jsonl=chosen == "jsonl")
    _write(lines, output, end="\n" if chosen == "jsonl" else given.end)


def _seen_in_training(model: Model, data: Dataset) -> Iterator[str]:
    """What to say of rows whose sentence and actor the model was trained on."""
    from stance.model import trained_on

    if n := trained_on(model, data):
        told = f"{'about ' * model.sampled}{n} of {number(len(data), 'row')} {'has' if n == 1 else 'have'} sentence and actor of rows"
        yield f"{told} the model was trained on: their labels there are no test of it (`stance evaluate` of the data alone is)"


# --------------------------------------------------------------------------- train, check, evaluate


@app.command(short_help="Train a model on labelled CSV files, with cross-validation.")
def train(
    data: Annotated[list[Path], typer.Argument(help="Labelled CSV files (also .gz, .bz2, .xz), folders of them, or - for standard input.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Model file to write.")] = Path("model.stance"),
    head: HeadOption = [],
    column: ColumnOption = [],
    neutral: NeutralOption = [],
    order: OrderOption = [],
    folds: FoldsOption = 5,
    group_by: GroupByOption = "",
    hold_out: Annotated[str, _option("--hold-out", help="Rows whose `split` column says this are not trained on but scored.")] = "",
    min_pairs: Annotated[int, typer.Option("--min-pairs", min=1, help="Keep features seen in so many pairs: more makes a smaller file.")] = 3,
    soften: Annotated[
        float, typer.Option("--soften", min=0.1, help="Divide scores by so much more: less sure, for a model that will read harder text.")
    ] = 1.0,
    trust: Annotated[
        float,
        typer.Option("--trust", min=0.1, help="Count a network's (or encoder's) scores so many times more: for a model that will read other text."),
    ] = 1.0,
    balance: Annotated[float, typer.Option("--balance", min=0, help="How much more rare labels weigh: 0 all rows alike, 1 all labels alike.")] = 0.5,
    seed: Annotated[Optional[int], _option("--seed", help="Seed of the folds, and of a network.")] = None,
    cues: Annotated[Optional[Path], _option("--cues", help="Your cue table (phrase,label,kind,weight) in place of the default one.")] = None,
    labelled_by: Annotated[str, _option("--labelled-by", help="Who labelled the data; for the model card.")] = "",
    licence: Annotated[str, _option("--licence", help="Licence of the data and the model; for the model card.")] = "",
    note: Annotated[str, _option("--note", help="What else to know of the data; for the model card.")] = "",
    definitions: Annotated[Optional[Path], _option("--definitions", help="CSV (head,label,definition) of your labels; for the model card.")] = None,
    encoder: Annotated[str, _option("--encoder", help="Add vectors of this sentence encoder (a local folder, or a name in the local cache).")] = "",
    network: NetworkOption = False,
    words: WordsOption = None,
    start: StartOption = "",
    actors: ActorsOption = None,
    only_actors: OnlyActors = False,
    jobs: JobsOption = 1,
    format: TableOrJson = "table",
) -> None:
    """Train a model on labelled CSV files and print its cross-validation report."""
    from stance.dataset import read_dataset, read_definitions
    from stance.progress import steps
    from stance.syntax import build_cues
    from stance.training import hold_out as split_off
    from stance.training import train, with_held_out

    chosen = _format(format, None, ("table", "json"))
    if output.suffix != ".stance":
        raise typer.BadParameter(f"{output}: a model file ends in .stance", param_hint="--output")
    _refuse_overwrite(output, [*data, cues, definitions, words, start, actors], inside=False)
    _writable(output)
    settings = _settings(folds=folds, seed=seed, min_pairs=min_pairs, soften=soften, trust=trust, balance=balance)
    beside = _encoder_or_network(encoder, network, words, start)
    lexicon = _lexicon(actors, only_actors)
    dataset = read_dataset(data, heads=head, lexicon=lexicon, group_by=group_by, **_label_options(column, neutral, order))
    _warn([*dataset.warnings, *_without_neutral(dataset), *_unknown(dataset)])
    rest, held = split_off(dataset, hold_out) if hold_out else (dataset, None)
    table = build_cues(_text(cues), source=str(cues)) if cues else None
    about = {"labelled_by": labelled_by, "licence": licence, "note": note, "hold_out": hold_out,
             "definitions": "from a file" if definitions else "", "columns": ", ".join(column)}  # fmt: skip
    told = read_definitions(_csv(definitions), dataset.heads) if definitions else {}
    with _whole_or_nothing(output):
        fitted, reports = train(rest, settings=settings, cues=table, about=about, definitions=told, jobs=jobs, progress=steps, **beside)
        fitted = with_held_out(fitted, held) if held else fitted
        fitted.save(output)
    _written.append(output)
    _show_training(fitted, reports, output, chosen, group_by, hold_out)


def _encoder_or_network(encoder: str, network: bool, words: Path | None, start: str) -> dict[str, Any]:
    """What `train` is to put beside the features."""
    from stance.encoders import open_encoder

    found = {"encoder": open_encoder(encoder) if encoder else None, "network": _network(network, words, start)}
    if all(found.values()):
        raise typer.BadParameter("a model has an encoder or a network, not both", param_hint="--encoder")
    return found


def _show_training(model: Model, reports: Mapping[str, HeadReport], output: Path, chosen: str, group_by: str, hold_out: str) -> None:
    """The scores of a new model, and where it is."""
    from stance import rendering
    from stance.evaluation import cross_validation_title

    scores, held = {name: r.as_dict() for name, r in reports.items()}, model.manifest.get("held_out", {})
    if chosen == "json":
        _json({"model": str(output), "fingerprint": model.fingerprint, "cross_validation": scores, "held_out": held})
        return
    for title, part in ((cross_validation_title(group_by), scores), (f"held-out split {hold_out!r}", held)):
        for name, r in part.items():
            _write([*rendering.report_lines(r, title=f"{name}, {title}"), ""], None)
    typer.echo(f"wrote {output} ({output.stat().st_size / 1e6:.1f} MB), fingerprint {model.fingerprint}")


@app.command(short_help="Score a model on labelled data, or cross-validate data alone.")
def evaluate(
    ctx: typer.Context,
    inputs: Annotated[
        list[Path],
        typer.Argument(help="A model file (`default`: the shipped one) or none, then labelled CSV files or folders.", metavar="[MODEL] DATA..."),
    ],
    head: Annotated[list[str], _option("--head", help="Label column; default: the model's, else stance and tone.")] = [],
    column: ColumnOption = [],
    neutral: NeutralOption = [],
    order: OrderOption = [],
    split: Annotated[str, _option("--split", help="Only rows whose `split` column says this.")] = "",
    against: Annotated[Optional[Path], _option("--against", help="Another model (or `default`): paired approximate-randomisation test.")] = None,
    end_to_end: Annotated[
        bool, typer.Option("--end-to-end", help="Also find the actors anew: how many, and how many of their labels, `classify` would get right.")
    ] = False,
    fail_under: Annotated[float, _option("--fail-under", help="Exit with 4 when a head's macro-F1 is below.")] = 0.0,
    folds: Annotated[int, typer.Option("--folds", min=2, help="Without a model: grouped cross-validation folds.")] = 5,
    group_by: GroupByOption = "",
    seed: Annotated[Optional[int], _option("--seed", help="Without a model: seed of the folds, and of a network.")] = None,
    curve: Annotated[bool, typer.Option("--learning-curve", help="Without a model: also macro-F1 by number of pairs, without a network.")] = False,
    sizes: Annotated[str, _option("--sizes", help="Training pairs on the curve, such as 500,1000; default: halves, down to 50.")] = "",
    draws: Annotated[int, typer.Option("--draws", min=1, help="Training sets drawn for each size of the curve.")] = 5,
    network: NetworkOption = False,
    words: WordsOption = None,
    start: StartOption = "",
    actors: ActorsOption = None,
    only_actors: OnlyActors = False,
    jobs: JobsOption = 1,
    format: Annotated[str, _option("--format", "-f", help="table, json, csv (scores by label); default: table.")] = "",
    output: OutOption = None,
) -> None:
    """Score a model on labelled data it was not trained on; or, given data alone, by grouped cross-validation."""
    from stance import rendering, training
    from stance.dataset import incomparable, located, read_table
    from stance.detection import detect
    from stance.evaluation import cross_validation_title
    from stance.progress import steps

    _refuse_overwrite(output, [*inputs, against, words, start, actors])
    chosen = _format(format, output, ("table", "json", "csv"))
    model, data = _model_and_data(inputs)
    _refuse_options(ctx, model is not None, chosen)
    wanted, settings = _sizes(sizes), _settings(folds=folds, seed=seed)
    fitted = _model(model) if model else None
    known = _heads_of(fitted, head) if fitted else []
    lexicon = _lexicon(actors, only_actors, fitted)
    labels = _label_options(column, neutral, order)
    table = read_table(data, heads=head or [h.name for h in known], known=known, group_by=group_by, **labels)
    dataset = located(table, lexicon=lexicon)
    _warn(dataset.warnings)
    dataset = dataset.only_split(split) if split else dataset
    if other := _model(against) if against else None:
        _warn(incomparable(dataset.heads, [h.head for h in other.heads], str(against)))
    predicted, reports = _predicted(fitted, dataset, settings, _network(network, words, start), jobs)
    scores = rendering.Scores(
        reports,
        training.compare(predicted, other, dataset) if other else {},
        training.learning_curve(dataset, sizes=wanted, draws=draws, settings=settings, jobs=jobs, progress=steps) if curve else {},
        detect([r for r in table.rows if r.split == split or not split], fitted, lexicon=lexicon) if fitted and end_to_end else {},
    )
    if chosen == "json":
        run = {"folds": folds, "seed": settings.seed, "group_by": group_by, "network": bool(network or words or start), "start": start}
        _write([_dumps(rendering.score_values(scores, _provenance(dataset, split, fitted, other, run)))], output)
    elif chosen == "csv":
        _write(rendering.class_lines(reports), output)
    else:
        _write(rendering.score_lines(scores, title="" if fitted else cross_validation_title(group_by), against=str(against)), output)
    if not all(r.macro_f1 >= fail_under for r in reports.values()):  # nothing reaches NaN
        _say(f"macro-F1 is under {fail_under:g}")
        raise typer.Exit(UNDER)


def _model_and_data(inputs: Sequence[Path]) -> tuple[Path | None, Sequence[Path]]:
    """The model, if the first input names one, and the data."""
    model = inputs[0] if inputs[0].suffix == ".stance" or _is_default(inputs[0]) else None
    data = inputs[1:] if model else inputs
    if not data:
        raise typer.BadParameter(f"{model}: give labelled data too", param_hint="DATA")
    return model, data


def _predicted(
    model: Model | None, data: Dataset, settings: Settings, network: bool | WordVectors | Network, jobs: int
) -> tuple[Mapping[str, Predicted], dict[str, HeadReport]]:  # fmt: skip
    """What the model says of the data, or models that saw nothing of the article, and how good that is."""
    from stance.progress import steps
    from stance.training import cross_validate, evaluate, out_of_fold, predict

    if model:
        predicted = predict(model, data)
        return predicted, evaluate(model, data, predicted=predicted)
    folds = out_of_fold(data, settings=settings, network=network, jobs=jobs, progress=steps)
    return folds, cross_validate(data, folds, settings=settings)


def _provenance(data: Dataset, split: str, model: Model | None, other: Model | None, run: dict[str, Any]) -> dict[str, Any]:
    """What scores are of: the data, and the model or (`run`) the cross-validation."""
    from stance import __version__

    scored = {"model": model.fingerprint} if model else {"cross_validation": run}
    against = {"against": other.fingerprint} if other else {}
    return {"stance": __version__, "data": data.fingerprint, "split": split, **scored, **against}


def _heads_of(model: Model, wanted: Sequence[str]) -> list[Head]:
    """The heads of a model to score; all, if none is named. Raises InputError for one that it lacks."""
    first = model.heads[0].head
    for name in wanted:
        as_first = f"--head {first.name} --column {first.name}={name} reads that as {first.name}, if its labels are the model's"
        todo = f"data alone, without a model, are cross-validated with --head {name}; {as_first}"
        model.head(name, hint=f"{todo}: {', '.join(first.labels)}")
    return [h.head for h in model.heads if not wanted or h.head.name in wanted]


def _refuse_options(ctx: typer.Context, model: bool, chosen: str) -> None:
    """Refuse options that `evaluate` would not heed: those of cross-validation beside a model, and those that need another."""
    given = {name.replace("_", "-") for name in ctx.params if getattr(ctx.get_parameter_source(name), "name", "") == "COMMANDLINE"}
    for wrong, option, told in (
        (model and "curve" in given, "--learning-curve", "a learning curve trains models of its own: give data alone"),
        (model and given & {"network", "words", "start"}, "--network", "a model has its network or none: give data alone"),
        (model and "neutral" in given, "--neutral", "a model has its neutral label from `stance train`: give data alone"),
        (model and "order" in given, "--order", "a model has the order of its labels from `stance train`: give data alone"),
        *((model and x in given, f"--{x}", "a model is not cross-validated: give data alone") for x in ("folds", "seed", "group-by")),
        *((x in given and "curve" not in given, f"--{x}", "it is for a learning curve: give --learning-curve too") for x in ("sizes", "draws")),
        (not model and "end-to-end" in given, "--end-to-end", "name the model that is to find them, or `default`"),
        (chosen == "csv" and given & {"against", "end-to-end", "curve"}, "--format", "csv holds the scores of each label alone: take json"),
    ):
        if wrong:
            raise typer.BadParameter(told, param_hint=option)


def _without_neutral(data: Dataset) -> Iterator[str]:
    """What to say of a first head, by which the table, pages and targets go, that has labels of its own and no neutral one."""
    from stance.dataset import lacks_neutral

    if lacks_neutral(head := data.heads[0]):
        name = "none" if "none" in head.labels else "LABEL"
        yield f"no label 'neutral' in {head.name}: if one of {', '.join(head.labels)} says that no stance is taken, name it with --neutral {name}"


def _unknown(data: Dataset) -> Iterator[str]:
    """What to say of actors that `classify` will not find, as the table that goes into the model does not have them."""
    from stance.dataset import unknown_actors

    if unknown := unknown_actors(data):
        told = f"{sum(unknown.values())} of {number(len(data), 'row')} are of actors that are in no alias table ({first_of(list(unknown), 5)})"
        yield f"{told}: `classify` will not find these in an article; name them with --actors (`predict` labels rows of any actor)"


def _settings(**given: Any) -> Settings:
    """What is None is as usual."""
    from stance.training import Settings

    try:
        return Settings(**{k: v for k, v in given.items() if v is not None})
    except ValueError as e:
        raise typer.BadParameter(str(e)) from None


def _sizes(text: str) -> list[int]:
    numbers = [x.strip() for x in text.split(",") if x.strip()]
    if bad := [x for x in numbers if not x.isdecimal() or int(x) < 1]:
        raise typer.BadParameter(f"{bad[0]!r} is not a number of pairs; write numbers with commas between: 500,1000,2000", param_hint="--sizes")
    return [int(x) for x in numbers]


@app.command(short_help="Draw whole articles at random, to label by hand.")
def sample(
    archive: Annotated[list[str], typer.Argument(help="Articles, read as `stance classify` reads them.", metavar="ARTICLE...")],
    wanted: Annotated[int, typer.Option("--pairs", "-n", min=1, help="Pairs of a sentence and an actor to draw, or a few more.")] = 300,
    head: Annotated[list[str], _option("--head", help="Label column to fill; repeat for several. Default: stance and tone.")] = [],
    seed: Annotated[int, typer.Option("--seed", help="Another number draws other articles.")] = 0,
    unsure: Annotated[
        Optional[Path], _option("--unsure", help="Of ten times as many pairs, those this model (or `default`) is least sure of: for training only.")
    ] = None,
    actors: ActorsOption = None,
    only_actors: OnlyActors = False,
    text_column: TextColumn = "",
    column: ArticleColumn = [],
    date: DateOption = "",
    speaker: SpeakerOption = "",
    output: CsvOption = None,
) -> None:
    """Draw whole articles at random, to label by hand: a row for every sentence and actor, with empty label cells."""
    from stance.annotation import csv_lines, refuse_taken
    from stance.articles import input_bytes, scan_articles
    from stance.codebook import DEFAULT_HEADS
    from stance.progress import progress
    from stance.sampling import POOL, sample
    from stance.sampling import unsure as least_sure

    refuse_taken(head)
    _refuse_overwrite(output, [*archive, unsure, actors])
    _refuse_labelled(output)
    reading = _article_options(text_column, column, date, speaker)
    fitted = _model(unsure) if unsure else None
    lexicon = _lexicon(actors, only_actors, fitted)
    with progress(input_bytes(archive)) as (seen, done):
        found = _articles(_spoken(scan_articles(archive, **reading, seen=seen), lexicon), output, done)
        drawn = sample(found, wanted * (POOL if fitted else 1), lexicon=lexicon, seed=seed)
    if not drawn.rows:
        raise InputError(f"no actor in any of {number(drawn.read, 'article')}", "`stance actors TEXT` shows what is read; --actors adds names")
    if fitted:
        _say(f"note: of {number(drawn.pairs, 'pair')} at random, those {unsure} is least sure of: train on them, measure nothing on them")
        drawn = least_sure(drawn, wanted, fitted, lexicon=lexicon)
    _write(csv_lines(drawn.rows, list(dict.fromkeys(head or DEFAULT_HEADS))), output)
    _say(f"{number(drawn.pairs, 'pair')} in {number(drawn.articles, 'article')} of {drawn.read} read; label the rows that have an actor")


@app.command()
def check(
    data: Annotated[list[Path], typer.Argument(help="Labelled CSV files (also .gz, .bz2, .xz), folders of them, or - for standard input.")],
    head: HeadOption = [],
    column: ColumnOption = [],
    neutral: NeutralOption = [],
    order: OrderOption = [],
    group_by: GroupByOption = "",
    suspects: Annotated[bool, typer.Option("--suspects", help="Also rank labels that models trained without the article contradict.")] = False,
    folds: FoldsOption = 5,
    actors: ActorsOption = None,
    only_actors: OnlyActors = False,
    jobs: JobsOption = 1,
    format: Annotated[str, _option("--format", "-f", help="table or jsonl; default: table.")] = "",
    output: OutOption = None,
) -> None:
    """Check labelled data before training: every problem as file:line. Exit code 1 on errors."""
    from stance import checking
    from stance.progress import steps
    from stance.training import Settings, out_of_fold

    _refuse_overwrite(output, [*data, actors])
    chosen = _format(format, output, ("table", "jsonl"))
    lexicon = _lexicon(actors, only_actors)
    checked = checking.check(data, heads=head, lexicon=lexicon, folds=folds, group_by=group_by, **_label_options(column, neutral, order))
    found = [*checked.findings]
    if suspects and checked.data and not checked.failure:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StanceWarning)  # of folds too few: `check` has told it of each class
            predicted = out_of_fold(checked.data, settings=Settings(folds=folds), jobs=jobs, progress=steps)
        found += checking.suspects(checked.data, predicted)
    if chosen == "table" and checked.failure:  # the message below lists the errors
        found = [f for f in found if f.level != "error"]
    _write(checking.finding_lines(found, jsonl=chosen == "jsonl"), output)
    if checked.failure:
        raise checked.failure
    if dataset := checked.data:
        labels = ", ".join(f"{h.name}: {len(h.labels)} labels" for h in dataset.heads)
        counts = [number(sum(f.level == level for f in found), level) for level in ("warning", *(["suspect"] if suspects else []))]
        size = f"{number(len(dataset), 'pair')} in {number(len(set(dataset.articles)), 'article')}, {labels}, fingerprint {dataset.fingerprint[:16]}"
        _say(f"{size}: {', '.join(counts)}")


@app.command(short_help="Measure how far annotators agree, and list where they do not.")
def agree(
    files: Annotated[list[Path], typer.Argument(help="Annotators' CSV files, or one file or folder that holds several annotators.")],
    head: Annotated[list[str], _option("--head", help="Label column to compare; repeat for several. Default: stance and tone.")] = [],
    column: ColumnOption = [],
    neutral: NeutralOption = [],
    order: OrderOption = [],
    output: Annotated[
        Optional[Path], _option("--output", "-o", help="Write the disagreements here, as a CSV to settle.", callback=_writable_csv)
    ] = None,
    agreed: Annotated[
        Optional[Path], _option("--agreed", help="Write the pairs all agree on here, as labelled CSV to train on.", callback=_writable_csv)
    ] = None,
    format: TableOrJson = "table",
) -> None:
    """Measure how far two or more annotators agree, and list where they do not."""
    from stance import agreement, rendering

    _refuse_labelled(output)
    for option, path in (("-o", output), ("--agreed", agreed)):
        _refuse_overwrite(path, files, option=option)
    if output and agreed and output.resolve() == agreed.resolve():
        raise typer.BadParameter(f"{agreed}: the disagreements (-o) go there; name another file", param_hint="--agreed")
    chosen = _format(format, None, ("table", "json"))
    read = agreement.read_annotations(files, heads=head, **_label_options(column, neutral, order))
    _warn(read.warnings)
    if read.alone:
        _say(f"warning: {number(len(read.alone), 'pair')} by one annotator only, left out: {first_of(read.alone, 5)}")
    if output:
        _write(agreement.disagreement_lines(read), output)
    if agreed:
        _write_agreed(read, agreed)
    found = agreement.agreement(read)
    if chosen == "json":
        _json({"heads": {n: a.as_dict() for n, a in found.items()}, "disagreements": len(agreement.disagreements(read)), "alone": read.alone})
    else:
        for a in found.values():
            _write([*rendering.agreement_lines(a), ""], None)
        differ = number(len(agreement.disagreements(read)), "pair")
        typer.echo(f"{differ} on which annotators disagree" + (f", in {output}" if output else ""))


def _write_agreed(read: Annotations, output: Path) -> None:
    from stance import agreement

    whole, lacking = agreement.agreed(read)
    _write(agreement.agreed_lines(whole, read), output)
    _say(f"wrote {output}: {number(len(whole), 'pair')} on which all agree")
    if lacking:
        first = lacking[0].row.place
        _say(f"warning: {number(len(lacking), 'pair')} left out, with a head that fewer than two have labelled; the first is {first}")


# --------------------------------------------------------------------------- explain


@app.command(short_help="Show which words decided a judgement.")
def explain(
    text: Annotated[str, typer.Argument(help="A sentence (with the ones before it, if they matter), or - for standard input.")],
    actor: Annotated[str, _option("--actor", help="Whose stance; default: of every actor found.")] = "",
    head: Annotated[str, _option("--head", help="Which head; default: the first.")] = "",
    label: Annotated[str, _option("--label", help="Explain this label; default: the most probable.")] = "",
    why_not: Annotated[str, _option("--why-not", help="Explain the chosen label's lead over this one.")] = "",
    model: ModelOption = None,
    actors: ActorsOption = None,
    only_actors: OnlyActors = False,
    date: TextDate = "",
    speaker: TextSpeaker = "",
    format: TableOrJson = "table",
) -> None:
    """Show which words decided a judgement; their contributions add up to the score."""
    from dataclasses import asdict

    from stance import rendering
    from stance.explanation import explain, pairs_of

    chosen = _format(format, None, ("table", "json"))
    fitted = _model(model)
    lexicon = _lexicon(actors, only_actors, fitted)
    text = _given(text)
    mine, names = pairs_of(text, actor, lexicon, date=date, speaker=speaker)
    if here := "" if not actor or actor in names else lexicon.called([actor]).get(actor, ""):
        _say(f"note: {actor!r} is {here!r} in the alias table; the sentences with that very name are explained")
    results = [(p, explain(fitted, p, head=head, label=label, against=why_not)) for p in mine]
    if why_not:
        same = [p for p, e in results if e.label == why_not]
        if len(same) == len(results):
            raise InputError(f"{why_not!r} is the label {'given' if label else 'chosen'}; it has no lead over itself", "name another with --why-not")
        results = [(p, e) for p, e in results if e.label != why_not]
        _warn(f"{why_not!r} is the label chosen for {p.actor} in {p.text!r}, which is left out" for p in same)
    if chosen == "json":
        _json([{"text": p.text, "actor": p.actor, **asdict(e)} for p, e in results])
        return
    for p, e in results:
        _write(rendering.explanation_lines(p, e), None)


# --------------------------------------------------------------------------- report


@app.command(short_help="Report a whole corpus on one web page.")
def report(
    results: Annotated[
        list[Path], typer.Argument(help="Results database, written by `stance classify -o results.sqlite`; or several of one model.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Web page to write.", callback=_writable)] = Path("report.html"),
    run: Annotated[int, _option("--run", help="Number of the run to report, with those like it; default: the last.")] = 0,
    actor: OnlyActor = [],
    source: Annotated[list[str], _option("--source", help="Only articles of this outlet; repeat for several.")] = [],
    head: Annotated[str, _option("--head", help="The head that is counted; default: the model's first.")] = "",
    since: Annotated[str, _option("--from", help="Articles of this date (YYYY-MM-DD) and later.")] = "",
    until: Annotated[str, _option("--to", help="Articles of this date and earlier.")] = "",
    by: Annotated[str, typer.Option("--by", help="week, month or year: the steps of the charts over time.")] = "month",
) -> None:
    """Report a whole corpus on one web page: counts, shares, course, outlets, targets, and the sentences behind them.

    Where no judgement is of the dates, and others are there, the page says so.
    """
    from stance.dates import valid_date

    if output.suffix.lower() not in (".html", ".htm"):
        raise typer.BadParameter(f"{output}: a web page ends in .html", param_hint="--output")
    if by not in ("week", "month", "year"):
        raise typer.BadParameter(f"{by!r} is not week, month or year", param_hint="--by")
    for name, date in (("--from", since), ("--to", until)):
        if date and valid_date(date) != date:
            raise typer.BadParameter(f"{date!r} is not a date; write YYYY-MM-DD", param_hint=name)
    if until and since[: len(until)] > until:
        raise typer.BadParameter(f"{since} is later than --to {until}", param_hint="--from")
    _refuse_overwrite(output, results)
    from stance.reporting import read_results, report_page

    found = read_results(results, run=run, head=head, actors=actor, sources=source, since=since, until=until)
    if found.runs > 1:
        told = f"model {found.run['model_name']} {found.run['model']}, begun {found.run['started']}; heads {', '.join(found.heads)}"
        _say(f"{results[0]}: holds {found.runs} runs; reported is run {found.run['id']} ({told}) with those like it; --run chooses")
    for note in found.notes:
        _say(f"note: {note}")
    _write(report_page(found, by=by, name=", ".join(p.name for p in results)), output, end="")
    holding = len({j.article for j in found.judgements})
    _say(f"wrote {output}: {number(len(found.judgements), 'judgement')} in {holding} of {number(len(found.articles), 'article')}")


# --------------------------------------------------------------------------- info, export, actors


@app.command()
def info(
    model: Annotated[Optional[Path], _argument(help="Model file; default: the one that ships with stance.")] = None,
    format: Annotated[str, _option("--format", "-f", help="table, json (the manifest) or markdown (a model card); default: table.")] = "",
    output: OutOption = None,
) -> None:
    """Show what a model is and how good it is. Nothing in the file is run."""
    from stance import card, rendering
    from stance.model import default_model, read_manifest
    from stance.text import printable

    _refuse_overwrite(output, [model])
    chosen = _format(format, output, ("table", "json", "markdown"))
    manifest = read_manifest(model) if model and not _is_default(model) else default_model().manifest
    if chosen == "json":
        _write([_dumps(manifest)], output)
        return
    try:
        if chosen == "markdown":
            lines = [*card.card_lines(manifest, model.name if model else "default.stance")]
        else:
            lines = [*rendering.info_lines(manifest, str(model or "default model"))]
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as e:
        raise ModelError(f"{model}: its manifest.json is not what `stance train` writes: {type(e).__name__} {e}", "train it again") from e
    _write(map(printable, lines), output)


@app.command(short_help="Give labelled data to an annotation tool, or take pipelines out.")
def export(
    source: Annotated[list[Path], typer.Argument(help="Labelled CSV files or folders (with --to), or a model file (with --pipeline).")],
    to: Annotated[str, _option("--to", help="Annotation tool: doccano, label-studio, label-studio-config, prodigy or csv.")] = "",
    head: Annotated[list[str], _option("--head", help="Label column to write; repeat for several. Default: stance and tone.")] = [],
    column: ColumnOption = [],
    neutral: NeutralOption = [],
    definitions: Annotated[Optional[Path], _option("--definitions", help="CSV (head,label,definition) whose labels are choices too.")] = None,
    output: Annotated[Optional[Path], _option("--output", "-o", help="Write here; default: standard output.", callback=_writable)] = None,
    pipeline: Annotated[
        Optional[Path], _option("--pipeline", help="Write the model's fitted scikit-learn pipelines (joblib) here.", callback=_writable)
    ] = None,
) -> None:
    """Give labelled data to an annotation tool; or take the scikit-learn pipelines out of a model file, for notebooks."""
    if bool(to) == bool(pipeline):
        raise typer.BadParameter("give --to TOOL with labelled data, or --pipeline FILE with a model")
    _refuse_overwrite(pipeline or output, [*source, definitions], option="--pipeline" if pipeline else "-o")
    if pipeline:
        _export_pipeline(source, pipeline)
        return
    from stance.annotation import export_lines, no_labels
    from stance.dataset import read_table

    table = read_table(source, heads=head, unlabelled=True, columns=_columns(column), neutral=_neutral(neutral))
    _warn(table.warnings)
    if not table.heads and (lacking := no_labels(table.files)):
        _say(f"warning: rows go out without labels: {lacking}")
    _write(export_lines(table, to, definitions=_csv(definitions) if definitions else None), output)
    _say(f"{number(len(table.rows), 'row')} for {to}")


def _export_pipeline(source: list[Path], pipeline: Path) -> None:
    if len(source) > 1:
        raise typer.BadParameter("--pipeline takes one model file")
    data = _model(source[0]).pipeline_bytes
    if not data:
        raise ModelError(f"{source[0]}: holds no scikit-learn pipeline", "train it again")
    _write_bytes(pipeline, data)
    _say(f"wrote {pipeline}: a dict of scikit-learn pipelines by head. joblib.load runs code in the file: open only models you trust")


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="Files that the tool exported.")],
    source: Annotated[str, typer.Option("--from", help="Annotation tool: doccano, label-studio, prodigy or csv.")],
    output: CsvOption = None,
    head: Annotated[list[str], _option("--head", help="Label column; the first is the head of labels that name none.")] = [],
    column: ColumnOption = [],
    annotator: Annotated[str, _option("--annotator", help="Who annotated, in place of what the file says.")] = "",
    labelled: Annotated[bool, typer.Option("--labelled-only", help="Leave out pairs that lack a label (of --head, or any).")] = False,
) -> None:
    """Turn an annotation tool's export into labelled CSV."""
    from stance.annotation import csv_lines, import_files, lacking
    from stance.dataset import only

    if column and source != "csv":
        raise typer.BadParameter(f"{source} has no columns: only --from csv", param_hint="--column")
    _refuse_overwrite(output, files)
    got = import_files(files, source, heads=head, annotator=annotator, columns=_columns(column))
    _warn(got.warnings)
    if got.left_out:
        _say(f"left out {len(got.left_out)}: {first_of(got.left_out, 3, between='; ')}")
    if got.unnamed and not head:
        first = f"{number(len(got.unnamed), 'row')} with a label that names no head, taken for a stance; the first is {got.unnamed[0]}"
        _say(f"warning: {first}; --head NAME calls it otherwise")
    if got.unplaced:
        _say(f"warning: dropped the labels of {number(len(got.unplaced), 'row')} without an actor (context only); the first is {got.unplaced[0]}")
    asked = head or got.heads
    blank = [r for r in got.rows if lacking(r, asked)]
    full = {i for i, r in enumerate(got.rows) if r.actor and not lacking(r, asked)}
    rows = only(got.rows, full) if labelled else got.rows
    if blank:
        some = sum(len(lacking(r, asked)) < len(asked) for r in blank)
        told = f"{number(len(blank), 'row')} without a label of {', '.join(asked)}" + (f" ({some} of them with only some)" if some else "")
        _say(f"warning: {told}{', left out' if labelled else ''}; the first is {blank[0].place}")
    _write(csv_lines(rows, got.heads), output)
    context = f", {len(rows) - len(full)} of them for context alone" if len(rows) > len(full) and labelled else ""
    _say(f"{number(len(rows), 'row')}{context}")


@app.command()
def actors(
    text: Annotated[str, _argument(help="A text, or - for standard input.")] = "",
    model: ModelOption = None,
    table: ActorsOption = None,
    only_actors: OnlyActors = False,
    date: TextDate = "",
    speaker: TextSpeaker = "",
    check: Annotated[Optional[Path], _option("--check", help="Report clashes in this alias table instead.")] = None,
) -> None:
    """Show every mention found in a text, its actor, and why."""
    from stance import rendering
    from stance.actors import read
    from stance.lexicon import clashes

    fitted = _model(model) if model else None
    if check:
        found = clashes(_lexicon(check, only_actors, fitted).aliases)
        for c in found:
            typer.echo(f"{c.alias}: {', '.join(a or '(place)' for a in c.actors)}: {c.note}")
        _say(f"{len(found)} clash{'es' if len(found) != 1 else ''}")
        raise typer.Exit(FAILED if found else 0)
    if not text:
        raise typer.BadParameter("give a text, or --check FILE")
    _write(rendering.mention_lines(read(_given(text), lexicon=_lexicon(table, only_actors, fitted), date=date, speaker=speaker)), None)


@app.command(short_help="Learn word vectors from raw news, for train --words.")
def words(
    archive: Annotated[list[str], typer.Argument(help="Raw news: files or folders, read as `stance classify` reads them.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Vectors for `stance train --words`.", callback=_writable)] = Path("words.npz"),
    size: Annotated[int, typer.Option("--size", min=1, help="Words of the table: the most frequent ones.")] = 30_000,
    width: Annotated[int, typer.Option("--width", min=1, help="Numbers of a word's vector.")] = 100,
    like: Annotated[list[str], _option("--like", help="Show the words most like this one.")] = [],
    text_column: TextColumn = "",
) -> None:
    """Learn word vectors from raw news, for the network of `stance train --words`."""
    from stance.articles import scan_articles
    from stance.words import learn_words

    _refuse_overwrite(output, archive)
    found = _articles(scan_articles(archive, text_column=text_column, date="2000"), output)  # any date: who is in office does not matter here
    with _whole_or_nothing(output):
        table = learn_words((a.text for a in found), size=size, width=width)
    for word in like:
        try:
            near = ", ".join(f"{w} {cosine:.2f}" for w, cosine in table.neighbours(word))
        except KeyError:
            near = "not in the table"
        typer.echo(f"{word}: {near}")
    _write_bytes(output, table.to_bytes())
    typer.echo(f"wrote {output}: {len(table)} words, {output.stat().st_size / 1e6:.1f} MB, digest {table.digest[:16]}")


# --------------------------------------------------------------------------- plumbing


def _format(given: str, output: Path | None, allowed: tuple[str, ...], usual: str = "") -> str:
    """The format asked for, by --format or the suffix of the output; else `usual`, by default the first of those allowed."""
    suffix = output.suffix.lower() if output else ""
    by_suffix = FORMATS.get(suffix, "")
    if output and not given and not by_suffix:
        known = ", ".join(x for x, f in FORMATS.items() if f in allowed)
        raise typer.BadParameter(f"{output}: its suffix says no format; give --format too, or use {known}", param_hint="--output")
    if given and by_suffix and by_suffix != given and suffix not in (".txt", ".md"):
        raise typer.BadParameter(f"{output}: its suffix says {by_suffix}, --format says {given}", param_hint="--output")
    chosen = given or by_suffix or usual or allowed[0]
    if chosen not in allowed:
        raise typer.BadParameter(f"{chosen!r} is not one of {', '.join(allowed)}", param_hint="--format")
    return chosen


def _model(path: Path | None) -> Model:
    from stance.model import default_model, load

    return load(path) if path and not _is_default(path) else default_model()


def _is_default(path: Path) -> bool:
    """Whether the model that ships is meant, by the word `default`."""
    return str(path) == "default" and not path.exists()


def _network(wanted: bool, path: Path | None, start: str) -> bool | WordVectors | Network:
    from stance.words import load_words

    if start:
        if path:
            raise typer.BadParameter("a network to start from has its own word vectors", param_hint="--words")
        if start.endswith(".npz"):
            from stance.network import load_network

            return load_network(start)
        model = _model(Path(start))
        if model.network is None:
            raise InputError(f"{start}: this model has no network to start from", "give one that was trained with --network")
        return model.network
    return load_words(path) if path else wanted


def _lexicon(path: Path | None, only: bool, model: Model | None = None) -> Lexicon:
    """That of the model, else the default one; with a table on top of it, or the table alone."""
    from stance.lexicon import build_lexicon, default_lexicon

    if only and not path:
        raise typer.BadParameter("give the table that is to be used alone: --actors FILE", param_hint="--only-actors")
    base = model.lexicon if model else default_lexicon()
    return build_lexicon(_text(path), str(path), base=None if only else base) if path else base


def _text(path: Path) -> str:
    """The text of a file, or of standard input (`-`); what is doubtful of it is said."""
    from stance.tables import read_text

    text, doubt = read_text(path)
    _warn([doubt] if doubt else [])
    return text


def _csv(path: Path) -> Csv:
    """The same for a CSV."""
    from stance.tables import read_csv

    file = read_csv(path)
    _warn([file.note] if file.note else [])
    return file


def _columns(given: Sequence[str]) -> dict[str, str]:
    """What a table calls its columns, by the names they have here."""
    out: dict[str, str] = {}
    for one in given:
        name, _, column = (x.strip() for x in one.partition("="))
        if not (name and column):
            raise typer.BadParameter(f"{one!r}: write NAME=COLUMN, such as actor=target", param_hint="--column")
        if name in out or column in out.values():
            raise typer.BadParameter(f"{one!r}: given twice", param_hint="--column")
        out[name] = column
    return out


def _article_options(text_column: str, column: Sequence[str], date: str, speaker: str) -> dict[str, Any]:
    """How `scan_articles` is to read articles; the case of their columns does not count."""
    from stance.articles import FIELDS

    columns = _columns(column)
    if unknown := [k for k in columns if k not in FIELDS]:
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join(FIELDS)}", param_hint="--column")
    if "text" in columns and text_column:
        raise typer.BadParameter("the text has --text-column already; give one of the two", param_hint="--column")
    return {"text_column": text_column, "columns": {k: v.lower() for k, v in columns.items()}, "date": date, "speaker": speaker}


def _label_options(column: Sequence[str], neutral: Sequence[str], order: Sequence[str]) -> dict[str, Any]:
    """How labelled data are to be read."""
    return {"columns": _columns(column), "neutral": _neutral(neutral), "order": _orders(order)}


def _given(text: str) -> str:
    """A text of the command line, or that of standard input (`-`), both read as files are: UTF-8, else cp1252."""
    from stance.articles import as_text, whole_text

    return _text(Path("-")) if text == "-" else whole_text(as_text(text))


def _neutral(given: Sequence[str]) -> dict[str, str]:
    """Neutral labels by head, '' for the first one."""
    out: dict[str, str] = {}
    for one in given:
        head, equals, label = (x.strip() for x in one.partition("="))
        head, label = (head, label) if equals else ("", head)
        if not label or equals and not head:
            raise typer.BadParameter(f"{one!r}: write LABEL or HEAD=LABEL, such as stance=none", param_hint="--neutral")
        if head in out:
            raise typer.BadParameter(f"{one!r}: {'that head' if head else 'the first head'} has one already", param_hint="--neutral")
        out[head] = label
    return out


def _orders(given: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The labels of heads that are a scale, by head; one that holds a comma stands in quotation marks, as in CSV."""
    import csv

    out: dict[str, tuple[str, ...]] = {}
    for one in given:
        head, _, order = (x.strip() for x in one.partition("="))
        labels = tuple(x.strip() for row in csv.reader([order], skipinitialspace=True) for x in row)
        if not head or len(labels) < 2 or not all(labels) or len(set(labels)) < len(labels):
            raise typer.BadParameter(f"{one!r}: write HEAD=LABEL,LABEL,…, each label once, such as intensity=low,medium,high", param_hint="--order")
        if head in out:
            raise typer.BadParameter(f"{one!r}: that head has an order already", param_hint="--order")
        out[head] = labels
    return out


def _refuse_overwrite(output: Path | None, inputs: Iterable[str | Path | None], *, inside: bool = True, option: str = "-o") -> None:
    """`inside`: nor may it be a file of an input folder (a database or model is not read as an article or table, and may be there from before)."""
    if output and output.exists():
        for i in (Path(i) for i in inputs if i and str(i) != "-"):
            there = os.path.exists(i)  # noqa: PTH110 -- Path.exists raises for a text that is too long for a name
            if there and (i.samefile(output) or inside and i.resolve() in output.resolve().parents):
                raise InputError(f"{output}: the output is an input; it would be overwritten", f"choose another name for {option}")


def _refuse_labelled(output: Path | None) -> None:
    """What people fill by hand is not written over."""
    if output and output.is_file() and output.stat().st_size:
        raise InputError(f"{output} is there already, and may hold labels that people gave", "choose another name, or delete it first")


def _write(lines: Iterable[str], output: Path | None, end: str = "\n") -> None:
    """Lines to standard output, or to a file by way of a temporary name; interrupted, what there is stays as NAME.xxxxxxxx.part.

    Raises KeyboardInterrupt with what to say of them. A link stays a link, to the new file; a pipe or device is written to as it is.
    """
    from stance.files import written

    told = (line + end for line in lines)
    if output and (output.is_file() or not output.exists()):
        _write_file(told, output)
        return
    some = bool(output)
    try:
        with TextIOWrapper(written(output), "utf-8", newline="\n") if output else nullcontext(sys.stdout) as f:
            for line in told:
                some = True
                f.write(line)
            f.flush()
    except KeyboardInterrupt:
        if some:
            raise KeyboardInterrupt(f"what was done is {f'in {output}' if output else 'on standard output'}") from None
        raise
    except BrokenPipeError:  # the reader has gone (`| head`): no failure
        if not output:
            _drop_output()
        raise typer.Exit(0) from None


def _write_file(told: Iterator[str], output: Path) -> None:
    from stance.files import replacing, written

    with replacing(output) as new:
        try:
            with TextIOWrapper(written(new, told=output), "utf-8", newline="\n") as f:
                f.writelines(told)
        except KeyboardInterrupt:
            if new.stat().st_size:
                raise KeyboardInterrupt(f"what was done is in {new.replace(new.with_suffix('.part'))}") from None
            raise
    _written.append(output)


def _write_bytes(output: Path, data: bytes) -> None:
    from stance.files import write_atomically

    write_atomically(output, data)
    _written.append(output)


@contextmanager
def _whole_or_nothing(output: Path) -> Iterator[None]:
    """Says of a file that is written at the end alone that it was not, when the work is interrupted."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"{output} was not written") from None


def _json(value: Any) -> None:
    _write([_dumps(value)], None)


def _dumps(value: Any) -> str:
    import json

    return json.dumps(value, indent=1, ensure_ascii=False)


def _say(text: str) -> None:
    from stance.text import printable

    typer.echo(printable(text), err=True)


def _warn(warnings: Iterable[str]) -> None:
    for w in warnings:
        _say(f"warning: {w}")


def _show_warning(usual: Callable[..., None], message: Warning | str, category: type[Warning], *more: Any, **options: Any) -> None:
    """`warnings.showwarning`: what this package warns of looks as what commands do."""
    if issubclass(category, StanceWarning):
        _warn([str(message)])
    else:
        usual(message, category, *more, **options)


def _drop_output() -> None:
    """What standard output still holds and nobody takes: or the interpreter tries again as it ends, and complains."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_closed() -> None:
    """Put something in the place of what was closed (`>&-`, a service), which is None: what is written to standard output there fails."""
    for name, way in (("stdin", os.O_RDONLY), ("stdout", os.O_RDONLY), ("stderr", os.O_WRONLY)):  # in the order of their numbers
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, way), "r" if name == "stdin" else "w"))


def main() -> None:
    """Entry point: errors become one message and an exit code, without a traceback."""
    _written.clear()
    warnings.simplefilter("always", StanceWarning)
    warnings.showwarning = partial(_show_warning, warnings.showwarning)
    _open_closed()
    gc.set_threshold(50_000)  # what a start makes stays: to look through it for garbage at every 700 objects is a twentieth of the first article
    atexit.register(gc.freeze)  # or the interpreter looks through all it holds for garbage before it ends: a tenth of the first article
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace", newline="\n")  # lines end as in a file
    if isinstance(sys.stderr, TextIOWrapper):
        sys.stderr.reconfigure(encoding="utf-8", errors="replace")
    command = copy.copy(app)
    if named := [c for c in app.registered_commands if sys.argv[1:2] == [c.name or c.callback and c.callback.__name__]]:
        command.registered_commands = named  # Typer reads the signature of each: of all of them it takes a tenth of the first article
    try:
        command()
    except StanceError as e:
        if "--debug" in sys.argv:
            raise
        _say(f"error: {e}")
        raise SystemExit(FAILED) from None
    except OSError as e:
        if "--debug" in sys.argv:
            raise
        print(f"error: {e.filename or 'output'}: {e.strerror or e}", file=sys.stderr)
        try:
            sys.stdout.flush()
        except OSError:
            _drop_output()
        raise SystemExit(FAILED) from None


if __name__ == "__main__":
    main()
