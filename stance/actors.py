"""Who is in the sentence: the lexicon of aliases, mentions, and (sentence, actor) pairs.

Reading goes through an article in order. Names, demonyms, capitals, organs and persons
come from the lexicon (`stance/data/actors.csv`); officials it does not know are learnt
from the text ("Norway's Foreign Minister Ine Lie"); pronouns, "the ministry", "both
sides" and quotes that go on are carried to the actor they stand for.
"""

from __future__ import annotations

import csv
import datetime
import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from operator import attrgetter
from pathlib import Path

from stance.errors import DataError, InputError, near_miss
from stance.text import DATA, MOST_FORMS, Memo, Sentence, Tokens, fold, sentences, tokenize

COLUMNS = ("alias", "actor", "kind", "from", "to", "guard")
KINDS = ("name", "demonym", "capital", "seat", "organ", "person", "description", "place")
_GUARDS = ("case", "short", "noshort", "not-after", "not-before", "needs", "not-with", "title")


@dataclass(frozen=True, slots=True)
class Alias:
    """One row of the lexicon: a surface form that speaks for an actor.

    `since` and `until` bound the time in office (`YYYY[-MM[-DD]]`, empty: open). An alias
    with an empty actor is a place or name that only swallows ("New Mexico").
    """

    text: str
    actor: str
    kind: str
    since: str = ""
    until: str = ""
    case: bool = False
    title: bool = False
    short: str = ""
    not_after: frozenset[str] = frozenset()
    not_before: frozenset[str] = frozenset()
    needs: tuple[str, ...] = ()
    not_with: tuple[str, ...] = ()

    def in_office(self, date: str) -> bool:
        """Whether the alias holds on `date` (ISO, may be partial); always without a date."""
        if not date:
            return True
        return (not self.since or self.since[: len(date)] <= date[: len(self.since)]) and (
            not self.until or date[: len(self.until)] <= self.until[: len(date)]
        )


@dataclass(frozen=True, slots=True)
class Mention:
    """One alias, pronoun or noun phrase that stands for an actor in a sentence.

    `first:last` are token positions, `start:end` characters of the sentence. A quote that
    goes on without a word for its speaker is an empty mention (`start == end`) at the quote.
    `kind` is the alias kind, or `learnt`, `pronoun`, `phrase`, `quote`; `why` says it in words.
    A `place` mention names a territory only and makes no pair.
    """

    actor: str
    text: str
    start: int
    end: int
    first: int
    last: int
    kind: str
    why: str = ""

    @property
    def carried(self) -> bool:
        """Whether the actor is known from the sentences before only."""
        return self.kind in ("pronoun", "phrase", "quote")


@dataclass(frozen=True, slots=True)
class Reading:
    """A sentence with its tokens and mentions; `speaker` is whose quote it goes on with, or ''."""

    sentence: Sentence
    tokens: Tokens
    mentions: tuple[Mention, ...]
    speaker: str = ""
    in_quote: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """A (sentence, actor) pair, the unit of training and prediction."""

    reading: Reading
    actor: str
    mentions: tuple[Mention, ...]

    @property
    def text(self) -> str:
        """The sentence."""
        return self.reading.sentence.text


def pairs(reading: Reading) -> list[Pair]:
    """The pairs of a sentence, one an actor, in the order of first mention; places make none."""
    if not reading.mentions:
        return []
    by_actor: dict[str, list[Mention]] = {}
    for m in reading.mentions:
        if m.actor and m.kind != "place":
            by_actor.setdefault(m.actor, []).append(m)
    return [Pair(reading, actor, tuple(ms)) for actor, ms in by_actor.items()]


# --------------------------------------------------------------------------- lexicon


_NOTHING: dict[str, list[tuple[tuple[str, ...], Alias]]] = {}  # what most words open
_IN_ORDER = range(len(COLUMNS))  # of a table whose cells are as they should be, without spaces around them


def named(mentions: Sequence[Mention]) -> Mention | None:
    """The first that names its actor in the sentence itself."""
    return next((m for m in mentions if m.end > m.start and not m.carried), None)


class Lexicon:
    """The alias table, looked up by first word (aliases) and by short form (persons).

    Lines are kept sorted by first word and are parsed when a text first holds that word, so that a
    table of ten thousand rows costs next to nothing to open.
    """

    def __init__(self, lines: Sequence[str], source: str, order: Sequence[int] = _IN_ORDER, base: Lexicon | None = None) -> None:
        """`lines` are the rows, sorted by `first_word` of their alias; `order` gives the column of each of COLUMNS, -1 for none.

        With `base`, its rows hold too, but for those of an alias that is also in `lines`.
        """
        self._lines, self._source, self._order, self._base = lines, source, order, base
        self._own: frozenset[str] = frozenset(_Raw(x, source, 0, order).alias for x in lines) if base else frozenset()
        self._starting: dict[str, list[tuple[tuple[str, ...], Alias]]] = {}
        self._short: dict[str, list[_Raw]] | None = None
        self._persons: dict[str, list[tuple[tuple[str, ...], Alias]]] = {}
        # the few first words that are written small ("al-Qaeda"); any other alias begins with a capital
        self.uncapitalised: frozenset[str] = frozenset(first_word(x) for x in lines if not x[:1].isupper())
        if base:
            self.uncapitalised |= base.uncapitalised
        self.opening = Memo(self._opened)  # aliases that may begin with a word as it is written, by their second word ('': of one word)

    def __getstate__(self) -> dict[str, object]:
        """Pickled without what was looked up so far, which another thread may be adding to."""
        return {**self.__dict__, "_starting": {}, "_short": None, "_persons": {}}

    def starting(self, word: str) -> list[tuple[tuple[str, ...], Alias]]:
        """Aliases whose first word is `word` (lower case, folded) with their words, longest first."""
        found = self._starting.get(word)
        if found is None:
            if len(self._starting) > MOST_FORMS:
                self._starting.clear()
            found = [(_words(a.text), a) for a in map(_parse, self._rows_of(word))]
            if self._base:
                found += [e for e in self._base.starting(word) if e[1].text not in self._own]
            found.sort(key=lambda e: e[1].since, reverse=True)  # who has the office now, where a text has no date
            found.sort(key=lambda e: -len(e[0]))
            self._starting[word] = found
        return found

    def _opened(self, word: str) -> dict[str, list[tuple[tuple[str, ...], Alias]]]:
        low = word.lower()
        if not word[0].isupper() and low not in self.uncapitalised or not (entries := self.starting(low)):
            return _NOTHING
        seconds = {key[1].lower() for key, _ in entries if len(key) > 1}
        return {second: [e for e in entries if len(e[0]) == 1 or e[0][1].lower() == second] for second in (*seconds, "")}

    def short(self, word: str) -> list[tuple[tuple[str, ...], Alias]]:
        """Persons whose short form begins with `word`, with that form."""
        if self._short is None:
            self._short = {}
            for raw in self._raws(",person,"):
                if form := raw.short_form():
                    self._short.setdefault(form.lower() if form.isascii() and form.isalpha() else first_word(form), []).append(raw)
        if word not in self._persons:
            if len(self._persons) > MOST_FORMS:
                self._persons.clear()
            self._persons[word] = [(_words(a.short), a) for a in map(_parse, self._short.get(word, ()))]
        return self._persons[word]

    @property
    def aliases(self) -> tuple[Alias, ...]:
        """Every row. Raises DataError with all bad rows."""
        return tuple(_parse_all(self._raws()))

    @property
    def actors(self) -> tuple[str, ...]:
        """Every actor of the table, sorted."""
        return tuple(sorted({a.actor for a in self.aliases if a.actor}))

    @cached_property
    def states(self) -> frozenset[str]:
        """Actors with a capital, so that "the country" may be said of them; organisations have none."""
        return frozenset(cells[1] for raw in self._raws(",capital,") if (cells := raw.cells())[2] == "capital" and cells[1] not in ("", "EU"))

    def _rows_of(self, word: str) -> Iterator[_Raw]:
        at = bisect_left(self._lines, word, key=first_word)
        while at < len(self._lines) and first_word(self._lines[at]) == word:
            yield _Raw(self._lines[at], self._source, at + 2, self._order)
            at += 1

    def _raws(self, holding: str = "") -> Iterator[_Raw]:
        """The rows, those whose line holds a string."""
        for n, line in enumerate(self._lines, 2):
            if holding in line:
                yield _Raw(line, self._source, n, self._order)
        if self._base:
            yield from (r for r in self._base._raws(holding) if r.alias not in self._own)


class _Raw:
    """A line of the table, not yet parsed."""

    __slots__ = ("line", "number", "order", "source")

    def __init__(self, line: str, source: str, number: int, order: Sequence[int]) -> None:
        self.line, self.source, self.number, self.order = line, source, number, order

    def cells(self) -> tuple[str, ...]:
        """The cells in the order of COLUMNS; cells too many follow."""
        row = next(csv.reader([self.line])) if '"' in self.line else self.line.split(",")
        if self.order == _IN_ORDER and len(row) == len(COLUMNS):
            return tuple(row)
        width = max(self.order) + 1
        return (*(row[i].strip() if 0 <= i < len(row) else "" for i in self.order), *row[width:])

    @property
    def alias(self) -> str:
        return self.cells()[0] if self.order[0] or self.line[:1] == '"' else self.line.partition(",")[0]

    def short_form(self) -> str:
        alias, _, kind, _, _, guard, *_ = self.cells()
        return _short_form(alias, guard) if kind == "person" else ""


@lru_cache(maxsize=MOST_FORMS)  # every look-up asks much the same rows
def first_word(line: str) -> str:
    """The first word of an alias (or of its row), as texts are looked up: lower case, without accents, `U.S.` → `us`."""
    m = _FIRST.match(line, 1 if line[:1] == '"' else 0)
    word = m.group() if m else ""
    return word.lower() if word.isascii() and "." not in word else fold(word).lower()


_FIRST = re.compile(r"[^\W\d_](?:\.[^\W\d_])+\b\.?|\w+(?:['’](?!s\b)\w+)*|\S")


def _short_form(text: str, guard: str) -> str:
    if "short:" in guard:
        return guard.split("short:", 1)[1].split(" ", 1)[0].replace("_", " ")
    return "" if "noshort" in guard or " " not in text else text.rsplit(" ", 1)[1]


@lru_cache(maxsize=MOST_FORMS)
def _words(text: str) -> tuple[str, ...]:
    return tuple(tokenize(text).folded)


@lru_cache(maxsize=1)
def default_lexicon() -> Lexicon:
    """The lexicon that ships with the package."""
    data = (DATA / "actors.csv").read_text("utf-8")
    return Lexicon(data.rstrip("\n").split("\n")[1:], "actors.csv")


def load_lexicon(path: str | Path, *, extend: bool = True) -> Lexicon:
    """Read a user's alias table, one row a line; with `extend` its rows come on top of the default ones.

    Cells end at commas, or at semicolons when the header has no comma; without a column (or cell) `kind` an alias is a `name`.
    A row replaces the default rows of the same alias; an empty actor with kind `place` takes an alias out.
    Raises InputError when the file cannot be read and DataError with all bad rows.
    """
    try:
        data = Path(path).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as e:
        raise InputError(f"{path}: cannot read the actor table: {e}", "give a UTF-8 CSV file") from e
    lines = data.splitlines()
    if lines and ";" in lines[0] and "," not in lines[0]:  # as spreadsheets write it in half of Europe
        lines = [",".join(map(_cell, row)) for row in csv.reader(lines, delimiter=";")]
    header = [c.strip() for c in next(csv.reader(lines[:1]), [])]
    if missing := [c for c in ("alias", "actor") if c not in header]:
        raise DataError(
            f"{path}:1: no column {', '.join(map(repr, missing))}; seen: {', '.join(header) or 'nothing'}",
            f"the columns are {','.join(COLUMNS)}",
        )
    order = [header.index(c) if c in header else -1 for c in COLUMNS]
    rows = [_Raw(line, str(path), n, order) for n, line in enumerate(lines[1:], 2) if line.strip(", \t")]
    _parse_all(rows)
    # the alias goes first, as the look-up wants it
    ready = sorted((",".join(map(_cell, r.cells())) for r in rows), key=first_word)
    return Lexicon(ready, str(path), _IN_ORDER, default_lexicon() if extend else None)


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if "," in text or '"' in text else text


def _parse_all(rows: Iterable[_Raw]) -> list[Alias]:
    """Aliases of all rows. Raises DataError listing every bad one as `source:line: …`."""
    out: list[Alias] = []
    problems: list[str] = []
    for raw in rows:
        try:
            out.append(_alias(raw.cells()))
        except ValueError as e:
            problems.append(f"{raw.source}:{raw.number}: {e}")
    if problems:
        raise DataError(f"{len(problems)} bad rows in the actor table", "correct these rows", tuple(problems))
    return out


def _parse(raw: _Raw) -> Alias:
    return _parse_all([raw])[0]


def _alias(cells: tuple[str, ...]) -> Alias:
    text, actor, kind, since, until, guard = cells[:6]
    kind = kind or "name"
    if len(cells) > 6:
        raise ValueError(f"{text!r} has more cells than the header; quote cells that hold a comma")
    if not _words(text):
        raise ValueError("empty alias; give the surface form")
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r} of {text!r}; one of {', '.join(KINDS)} {near_miss(kind, KINDS)}".rstrip())
    for date in (since, until):
        if date and not re.fullmatch(r"\d{4}(-\d\d){0,2}", date):
            raise ValueError(f"date {date!r} of {text!r}; write YYYY, YYYY-MM or YYYY-MM-DD")
    if not guard:
        return Alias(text, actor, kind, since, until, short=_short_form(text, guard) if kind == "person" else "")
    case = title = noshort = False
    short = ""
    lists: dict[str, list[str]] = {}
    for item in guard.split():
        name, _, value = item.partition(":")
        if name not in _GUARDS:
            raise ValueError(f"guard {item!r} of {text!r}; one of {', '.join(_GUARDS)} {near_miss(name, _GUARDS)}".rstrip())
        case, title, noshort = case or name == "case", title or name == "title", noshort or name == "noshort"
        if name == "short":
            short = value.replace("_", " ")
        elif value:
            lists[name] = [v.replace("_", " ") for v in value.split("|") if v]
    if kind == "person" and not noshort:
        short = _short_form(text, guard)
    return Alias(
        text, actor, kind, since, until, case, title, short,
        frozenset(lists.get("not-after", ())), frozenset(lists.get("not-before", ())),
        tuple(lists.get("needs", ())), tuple(lists.get("not-with", ())),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Clash:
    """Two rows of an alias table that give one alias to two actors at the same time."""

    alias: str
    actors: tuple[str, ...]
    note: str


def clashes(aliases: Sequence[Alias]) -> list[Clash]:
    """Aliases that mean several actors at once and have no guard to tell them apart."""
    by_text: dict[str, list[Alias]] = {}
    for a in aliases:
        by_text.setdefault(" ".join(_words(a.text)), []).append(a)
    found = []
    for text, rows in by_text.items():
        actors = tuple(sorted({a.actor for a in rows}))
        for i, a in enumerate(rows):
            if any(b.actor != a.actor and _overlap(a, b) and not _guarded(a, b) for b in rows[:i]):
                found.append(Clash(text, actors, "same alias, overlapping dates, no guard"))
                break
    return found


def _overlap(a: Alias, b: Alias) -> bool:
    return (a.since or "0") <= (b.until or "9") and (b.since or "0") <= (a.until or "9")


def _guarded(a: Alias, b: Alias) -> bool:
    return any((x.needs, x.not_with, x.not_after, x.not_before) != ((), (), frozenset(), frozenset()) for x in (a, b))


# --------------------------------------------------------------------------- words of the trade

_PLACE_BEFORE = frozenset("in inside throughout across at around outside into over through toward towards".split())
_AIMED = frozenset(  # "at" and "toward" after these have a target
    "aim aimed aiming dig digs swipe swipes jab jabs fired fire missile missiles rocket rockets policy policies stance approach attitude back "
    "anger angry furious directed levelled leveled hostile hostility lashed lashing hit barb barbs threats insults".split()
)
_TRAVEL = frozenset(
    "left leave leaving heading headed travel traveled travelled travelling flew fly flying trip return returned returning went go going "
    "bound fled flee fleeing evacuated transferred arrived sailed sailing drove moved visit visits visited visiting reports reporting reported "
    "goes heads heading comes came coming traveling streaming poured imports imported immigrants migrants".split()
)
_UNIONS = frozenset("eu nato un opec asean european united eurozone".split())  # "within the EU" has the EU in it
_LEAVING = frozenset(
    "withdraw withdraws withdrawal withdrawing withdrew withdrawn pull pulls pulled pulling pullout import imports imported "
    "importing".split()
)
_JOURNEY = frozenset("visit visits trip trips journey flight flights".split())
_LONGEST_NAME = 8  # words of an institute's or a newspaper's name
_LONGEST_LIST = 60  # tokens: as far as "in" is looked for before a list of names
_REGION = frozenset(
    "eastern western northern southern central northeastern northwestern southeastern southwestern north south "
    "east west mainland occupied neighboring neighbouring war-torn rural the downtown nearby dominated shiite sunni "
    "shia communist capital".split()
)
# Nouns after a demonym or possessive that make it a private person, firm or thing, not the state; those with an s behind them count too.
_PRIVATE = frozenset(
    "food cuisine restaurant company companies firm giant startup businessman businesswoman businessmen citizen national people person man "
    "woman men women student actor actress singer player team athlete language literature culture novelist writer author professor scholar "
    "economist analyst expert tourist traveler traveller resident family families child children boy girl worker consumer investor shareholder "
    "manufacturer retailer bank brand film movie music newspaper magazine journalist reporter blogger doctor passenger teenager cleric muslim "
    "jew christian kurds voter public protester activist dissident lawyer expatriate immigrant descent speaking stock shares market "
    "economy billionaire tycoon entrepreneur farmer media studies league club footballer fan chef wine beer tea jetliner airliner death "
    "civilian origin hacker refugee defector migrant oligarch business businesses partners jobs bond currency index society societies community "
    "communities inhabitant villager nationalist extremist attacker veteran contractor fishermen fisherman fishers trawler cartel gang union "
    "settler smuggler opposition millionaire commentator correspondent hawk specialist priest pastor bishop imam rebel supporter exile "
    "mercenary mercenaries pilgrim pensioner taxpayer producer exporter importer lender insurer".split()
)
_OFFICE = frozenset(
    "president premier minister ministry secretary chancellor chief leader spokesman spokeswoman spokesperson ambassador "
    "envoy general commander admiral colonel official officials diplomat diplomats negotiator king prince emir sultan "
    "ayatollah representative adviser advisor deputy governor chairman chairwoman chair head delegate undersecretary "
    "government army military navy forces troops lawmaker prosecutor judge director captain marshal".split()
)
_STATE_BODY = frozenset("security assembly guard defence defense council congress army police bank intelligence".split())  # "national" is theirs
_MAKERS = ("maker", "makers")
_GEOGRAPHY = frozenset(  # nouns after a demonym or possessive that name a place; soil, waters and airspace are the state's
    "capital city cities town towns village villages island islands coast coastline border borders province provinces region port suburb suburbs "
    "peninsula mountains desert countryside".split()
)
_TOPIC = frozenset("crisis conflict war peninsula investigation probe inquiry affair issue hoax dossier scandal question trip".split())
_SERVICE = _OFFICE | frozenset("guard guards police agency authority authorities control controls service services officers customs".split())
_VENUE = frozenset("meeting summit attack attacks attackers bombing bombings suburb suburbs mayor airport hotel daily bureau office hospital".split())
_CIRCLE = frozenset(  # what belongs to a person, not to the state
    "campaign campaigns associate associates lawyer lawyers attorney attorneys supporter supporters voter voters hat rally rallies family".split()
)
_PRIVATE_BODY = frozenset(  # last words of names that only begin with a country
    "institute university college airlines airways index times mail post society party football museum foundation league".split()
)
_APART = frozenset(  # "US-based"
    "based linked affiliated born made assembled listed flagged centric language speaking style owned registered".split()
)
_TITLE = frozenset(
    "president premier minister secretary chancellor mr mrs ms miss dr sen gen lt col maj adm general admiral king queen "
    "prince princess emir sultan sheikh sheik ayatollah ambassador leader spokesman spokeswoman spokesperson chief "
    "commander envoy colonel brigadier field marshal madam lord dame sir lady dictator strongman counterpart".split()
)
_OFFICE_OR_TITLE = _OFFICE | _TITLE | {f"{rank}{dot}" for rank in ("gen", "adm", "col") for dot in ("", ".")}
_FORMER = frozenset("former ex late ousted deposed exiled then retired".split())
_CIVIL = frozenset("mr mrs ms miss dr sen lord dame sir lady madam".split())  # with one of these a surname may be anybody's
_PERSONAL_OFFICE = _OFFICE - {"government", "army", "military", "navy", "forces", "troops", "director", "chair", "chairman"}
_NO_APPOSITION = frozenset("said says told added party campaign opposition shadow company senate parliament".split())
_OFFICE_ENDS = frozenset(  # between an actor and an office, these make it another's
    ", and said with of party campaign opposition shadow business senate house killed fired incoming accused told according".split()
)
_LEAGUES = (["coalition"], ["alliance"], ["campaign"], ["force"], ["bloc"])  # "the anti-ISIS coalition"
_REPORT = frozenset(
    "said says say saying told tells telling added adds adding announced announces stated states declared declares "
    "warned warns insisted insists accused accuses called calls wrote writes tweeted replied reiterated stressed noted "
    "denied denies confirmed vowed vows condemned urged urges argued claimed claims quoted explained remarked continued "
    "asked asks responded countered described dismissed rejected promised pledged demanded criticised criticized "
    "complained acknowledged reported blamed praised welcomed maintained testified commented concluded "
    "emphasized emphasised underlined alleged charged".split()
)
_AUX = frozenset(
    "has have had is are was were be been will would may might can could should must did does do also then later not "
    "never again still already repeatedly earlier further".split()
)
_CARRIERS = frozenset(
    "ministry spokesman spokeswoman spokesperson statement minister president ambassador official officials secretary "
    "premier chancellor administration government military army embassy diplomat envoy negotiator general "
    "commander delegation regime leadership agency communique letter department council commission".split()
)
_COUNTRY = frozenset("country nation state kingdom republic government bloc alliance organization organisation body group movement".split())
_TWO = re.compile(
    r"\b(?:(?:the|both|these|those) two (?:sides|countries|nations|governments|states|neighbou?rs|powers|leaders|men|ministers|"
    r"allies|rivals|parties|foes)|both (?:sides|countries|nations|governments|states|capitals|leaders|parties))\b"
    r"(?! of | in (?:congress|parliament|the))",
    re.I,
)
_REBELS = re.compile(
    r"\b(?:the |pro-\w+ )?(?:rebels|militants|insurgents|separatists|separatist fighters|guerrillas|jihadists|"
    r"extremist group|terror group|Islamist group|militia)\b",
    re.I,
)
_REBEL_WORDS = ("rebels", "militants", "insurgents", "separatist", "guerrillas", "jihadists", "group", "militia")  # one of these is in any match
_DATELINE = re.compile(r"\s*[A-Z][A-Z .,/'’-]{2,60}(?:, [A-Z][a-z]+\.? \d{1,2}(?:, \d{4})?)?\s*(?:\([^)]{2,40}\)\s*)?(?:--|[-–—])\s")
_IT = re.compile(
    r"(?:but |and |yet |still, )?(it)\s+(?:(?:also|has|had|have|later|then|further|repeatedly|again|would|will|did not|does not|did|earlier|"
    r"now|immediately|quickly|subsequently|instead|still|currently)\s+)*(\w+)",
    re.I,
)
_IT_ACTS = frozenset(  # what an actor does and an event does not
    "needs plans planned intends intended refuses refused agrees agreed signs signed approved approves launched launches sent sends deployed deploys "
    "seized arrested detained expelled imposed lifted suspended withdrew withdrawn offered offers pledges joined joins hopes hoped wants wanted "
    "expects expected believes believed supports supported opposes opposed backs backed rejects blocked banned bombed shelled attacked fired "
    "tested test-fired invaded annexed occupied recognised recognized ratified summoned recalled invited published released issued posted cited "
    "considers considered regards regarded sees seeks sought summons hosts hosted faces spends spent bought sold buys sells exports imports "
    "vetoed voted votes abstained threatened threatens appealed proposes proposed provides provided recommends recommended appeals thanked "
    "begun began carried conducted developed built building cancelled canceled postponed granted freed executed closed opened reopened".split()
)
_BEFORE_SUBJECT = frozenset(", that as while if and but when because after before although though \" “ whether".split())
_AFTER_NO_SUBJECT = frozenset("of in for on at to from and or with by who whom elect".split())
_QUOTE_MARK = re.compile("[\"“”«»'‘`]")
_MARKS = frozenset('"“”«»')
_MARK = re.compile(f"([{''.join(sorted(_MARKS))}])")
_OPEN = "“«"
_LETTERS = re.compile(r"\w+")
_RUNNING = re.compile(r"[\w'’.]+")
_REMEMBERED = 2  # sentences for which an official who is not named again is still `he`
_HE = frozenset("he she he'd she'd he'll she'll".split())
_OFFICES_AND_PRONOUNS = _CARRIERS | _HE | {"it", "they"}
_CARRY = _CARRIERS | _COUNTRY | _HE | {"north", "south"}
_BODIES = frozenset("bloc alliance organization organisation body group movement".split())  # of `_COUNTRY`, those that no state is
_PAPERS = frozenset("statement communique letter".split())
_ASKED = _OFFICE_OR_TITLE | _CARRY | _REPORT | _MARKS | {"two", "both", "koreas"}  # words without which a sentence needs none of the rules below
_BY_ITSELF = frozenset("president minister premier chancellor administration regime".split())  # they need no reporting verb
_ORGAN_WORDS = frozenset(
    "foreign defense defence interior state military senior joint top oil trade finance prime education health justice treasury culture "
    "intelligence energy economy police vice deputy".split()
)


# --------------------------------------------------------------------------- reading


def read(text: str, lexicon: Lexicon | None = None, *, date: str = "") -> list[Reading]:
    """Sentences of an article with their mentions, in order.

    `date` (ISO) decides who was in office. Context is carried from sentence to sentence.
    """
    return read_sentences(sentences(text), lexicon or default_lexicon(), date=date)


def read_sentences(
    sents: Sequence[Sentence], lexicon: Lexicon, *, date: str = "", present: Sequence[Collection[str]] = ()
) -> list[Reading]:
    """As `read`, for sentences already cut (a labelled data set has its own).

    `present` are the actors of each sentence, where a labeller has told them: the one who is not named is who its quote or pronoun stands for.
    """
    return list(iter_readings(sents, lexicon, date=date, present=present))


def iter_readings(
    sents: Sequence[Sentence], lexicon: Lexicon, *, date: str = "", present: Sequence[Collection[str]] = ()
) -> Iterator[Reading]:
    """As `read_sentences`, one by one."""
    reader = _Reader(lexicon, date, sents)
    return (reader.read(s, actors) for s, actors in zip(sents, present or [()] * len(sents), strict=True))


def valid_date(value: str) -> str:
    """The ISO date in front of `value`, or '' when there is none that can be read in one way only.

    Understood are `2018-03-04T…`, `2018/03/04`, `20180304`, `2018-03`, `2018`, `Sun, 04 Mar 2018 …`, `4 March 2018` and `March 4, 2018`.
    """
    value = value.strip()
    m = re.match(r"(\d{4})(?:([-/])(\d\d?)(?:\2(\d\d?)(?!\d)|(?![-/.]?\d))|(?![-/.]?\d))", value)
    if m:
        parts = m.group(1, 3, 4)
    elif m := re.match(r"(\d{4})(\d\d)(\d\d)(?!\d)", value):
        parts = m.group(1, 2, 3)
    else:
        parts = _named_month(value)
    found = "-".join(f"{int(x):02}" if n else x for n, x in enumerate(parts) if x)
    try:
        datetime.date.fromisoformat((found + "-01-01")[:10])
    except ValueError:
        return ""
    return found


_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")


def _named_month(value: str) -> tuple[str, ...]:
    """Year, month and day of a date with the month's English name, whole or short, as feeds and papers have it; else nothing."""
    day, name = r"(\d{1,2})(?:st|nd|rd|th)?", r"([A-Za-z]{3,9})\.?"
    m = re.match(rf"(?:[A-Za-z]{{3,9}},?\s+)?(?:{day}\s+{name}|{name}\s+{day}),?\s+(\d{{4}})(?!\d)", value)
    if not m:
        return ()
    word = (m[2] or m[3]).lower()
    return next(((m[5], str(n), m[1] or m[4]) for n, x in enumerate(_MONTHS, 1) if x.startswith(word)), ())


class _Reader:
    """Reads one article's sentences in order; holds what they have told so far."""

    def __init__(self, lexicon: Lexicon, date: str, sents: Sequence[Sentence]) -> None:
        self.lexicon = lexicon
        self.date = date
        self.sents = sents
        self.known: dict[str, list[tuple[tuple[str, ...], str, str]]] = {}
        self.speaker = ""  # who spoke or acted last; nobody after a quote of someone who is no actor
        self.person = ""  # actor of the last official named, of whom `he` and `she` are said
        self.stranger = False  # whether somebody else was named after that official
        self.silence = 0  # sentences since an official was named
        self.paragraph = 0
        self.at = 0  # sentences read
        self.subject = ""
        self.recent: list[str] = []  # actors named, latest last
        self.parties: list[str] = []  # organised parties named, latest last
        self.organs: dict[str, list[str]] = {}  # "military" → the actors whose military was named, one by one
        self.strangers: set[str] = set()  # surnames of people who speak for no actor
        self.quote_open = False
        self.asked: dict[str, bool] = {}  # which words the article has

    @cached_property
    def text(self) -> str:
        return " ".join([s.text for s in self.sents])

    def _has(self, phrase: str) -> bool:
        """Whether the article has the first word of a phrase: the few guarded aliases ask for it."""
        if phrase not in self.asked:
            self.asked[phrase] = _holds(self.text, phrase.split()[0])
        return self.asked[phrase]

    def read(self, sentence: Sentence, present: Collection[str] = ()) -> Reading:
        """The next sentence. `present`: the actors in it, where a labeller has told them."""
        tokens = tokenize(sentence.text)
        lower = tokens.lower
        here = _ASKED.intersection(lower)
        parts = _parts(tokens.folded)
        found = self._named(tokens, here, parts)
        found += self._learnt(tokens, here, parts, found)
        found.sort(key=_BY_FIRST)
        names = _names(lower, parts, found, self.strangers)
        if present and len(missing := set(present) - {m.actor for m in found}) == 1:  # who is there without a name is who is meant
            self.speaker = self.person = self.subject = missing.pop()
            self.stranger, self.silence = False, 0
        self.at += 1
        opening = sentence.paragraph != self.paragraph
        if opening:  # a quote that goes on in a new paragraph has its mark again
            self.paragraph, self.quote_open = sentence.paragraph, False
        outside = lower if not self.quote_open and _MARKS.isdisjoint(here) else _unquoted(lower, self.quote_open)
        speaker, in_quote = self._quote_speaker(sentence.text, opening)
        found += self._carried(tokens, here, outside, found, names, speaker)
        found.sort(key=_BY_PLACE)
        self._remember(lower, here, outside, found, names)
        return Reading(sentence, tokens, tuple(found), speaker, in_quote)

    # -- names

    def _named(self, tokens: Tokens, here: Collection[str], parts: str) -> list[Mention]:
        """The names of the lexicon, and those learnt so far. `here`: the words of _ASKED in the sentence; `parts`: as for `_names`."""
        text, words, lower = tokens.text, tokens.folded, tokens.lower
        caps = _in_capitals(text)
        line = None if caps else _DATELINE.match(text)
        opening, known = self.lexicon.opening, self.known
        titled = () if _TITLE.isdisjoint(here) else _after_titles(lower)
        free, found = 0, []
        for i in self._candidates(parts, lower):
            if i < free or not (opening[words[i]] or lower[i] in known or i in titled) or (hit := self._match(words, lower, i, caps)) is None:
                continue
            size, alias, why = hit
            free = i + size
            if alias.actor:
                kind = alias.kind
                if line and kind in ("name", "capital") and tokens.starts[i] < line.end():
                    kind, why = "place", "dateline"
                elif reason := _elsewhere(words, lower, i, i + size, alias, tokens):
                    kind, why = "place", reason
                found.append(_mention(tokens, i, i + size, alias.actor, kind, why))
        return found

    def _candidates(self, parts: str, lower: list[str]) -> list[int]:
        """Where a name may begin: at any word but one that is written small and begins no alias."""
        at = [i for i, part in enumerate(parts) if part not in "wpe"]
        small = self.lexicon.uncapitalised
        return at if small.isdisjoint(lower) else sorted({*at, *(i for i, w in enumerate(lower) if w in small)})

    def _match(self, words: list[str], lower: list[str], i: int, caps: bool) -> tuple[int, Alias, str] | None:
        opened, following = self.lexicon.opening[words[i]], lower[i + 1] if i + 1 < len(lower) else ""
        for key, alias in opened.get(following) or opened.get("") or ():
            if self._fits(key, alias, words, lower, i, caps):
                if alias.kind == "person" and alias.short:
                    self._know(_words(alias.short), alias.actor, f"short for {alias.text}")
                return len(key), alias, f"{alias.kind} {alias.text!r}"
        for short, actor, why in self.known.get(lower[i], ()):
            if _same(short, words, i, caps):
                return len(short), Alias(" ".join(short), actor, "person"), why
        if i and (lower[i - 1] in _TITLE or i > 1 and lower[i - 1] == "." and lower[i - 2] in _TITLE):
            return self._after_title(words, lower, i, caps)
        return None

    def _after_title(self, words: list[str], lower: list[str], i: int, caps: bool) -> tuple[int, Alias, str] | None:
        entries = [
            (short, a)
            for short, a in self.lexicon.short(lower[i])
            if a.in_office(self.date) and _same(short, words, i, caps) and not _former(lower, i) and not _goes_on(words, lower, i + len(short))
        ]
        actors = {a.actor for _, a in entries}
        if len(actors) > 1 or not caps and _CIVIL & set(lower[max(0, i - 2) : i]):
            actors &= set(self.recent)
        if len(actors) != 1:
            return None
        short, alias = next(e for e in entries if e[1].actor in actors)
        self._know(short, alias.actor, f"short for {alias.text}")
        return len(short), alias, f"title and short form of {alias.text!r}"

    def _fits(self, key: tuple[str, ...], a: Alias, words: list[str], lower: list[str], i: int, caps: bool) -> bool:
        if not _same(key, words, i, caps and not a.case or caps and a.text.isupper()):
            return False
        before = words[i - 1] if i else ""
        after = words[i + len(key)] if i + len(key) < len(words) else ""
        if before in a.not_after or after in a.not_before:
            return False
        if a.kind == "person" and (not a.in_office(self.date) or _former(lower, i)):
            return False
        if a.title and before.lower().rstrip(".") not in _TITLE:
            return False
        if a.kind == "person" and len(key) == 1 and before and _given_name(before, lower[i - 1], i):
            return False  # another Trump: "Ivanka Trump"
        return self._context_allows(a)

    def _context_allows(self, a: Alias) -> bool:
        return (not a.needs or any(map(self._has, a.needs))) and not any(map(self._has, a.not_with))

    def _know(self, short: tuple[str, ...], actor: str, why: str) -> None:
        entries = self.known.setdefault(short[0].lower(), [])
        if all(e[0] != short for e in entries):
            entries.append((short, actor, why))

    # -- officials the lexicon does not know

    def _learnt(self, tokens: Tokens, here: Collection[str], parts: str, found: list[Mention]) -> list[Mention]:
        if not found or _OFFICE_OR_TITLE.isdisjoint(here) or not (real := [m for m in found if m.kind != "place"]):
            return []
        words, lower = tokens.folded, tokens.lower
        out: list[Mention] = []
        for first, last in _names(lower, parts, found):
            actor, why = self._office_holder(lower, first, last, real)
            if actor:
                name = tuple(words[first:last])
                self._know(name[-1:], actor, why)
                self._know(name, actor, why)
                if last - first >= 2 or why:
                    out.append(_mention(tokens, first, last, actor, "learnt", why))
        return out

    def _office_holder(self, lower: list[str], first: int, last: int, found: list[Mention]) -> tuple[str, str]:
        """The actor whose office the name at `first:last` holds, and how the text says so."""
        left = lower[max(0, first - 7) : first]
        if any(w in _FORMER for w in left[-4:]):
            return "", ""
        if left and (
            left[-1] in _OFFICE or left[-1] == "." and len(left) > 1 and left[-2] in _TITLE or left[-1].rstrip(".") in ("gen", "adm", "col")
        ):
            for m in reversed(found):  # "Norway's Foreign Minister Ine Lie", "Russian army spokesman X"
                if m.last <= first and first - m.last <= 6 and _OFFICE_ENDS.isdisjoint(lower[m.last : first]):
                    return m.actor, f"office of {m.actor} before the name"
        if last < len(lower) and lower[last] == ",":  # "Ine Lie, Norway's foreign minister,"
            right = lower[last + 1 : last + 14]
            stop = right.index(",") if "," in right else len(right)
            apposition = set(right[:stop])
            once = right[0] in ("who", "as") and right[1:2] and right[1] in ("served", "was", "had", "as", "became")
            if apposition & _PERSONAL_OFFICE and not apposition & _NO_APPOSITION and not apposition & _FORMER and not once:
                for m in found:
                    accredited = "to" in lower[max(last, m.first - 2) : m.first] and _OFFICE.isdisjoint(lower[m.last : m.last + 4])
                    if last < m.first <= last + 1 + stop and not accredited:  # "the ambassador to Chile" is not Chile's
                        return m.actor, f"office of {m.actor} after the name"
        return "", ""

    # -- carried

    def _quote_speaker(self, text: str, opening: bool) -> tuple[str, bool]:
        """Whose quote the sentence is without saying so, and whether it is one; `opening`: whether it opens a paragraph."""
        opened = self.quote_open
        if not opened and not _QUOTE_MARK.search(text):
            return "", False
        text = text.replace("''", '"').replace("``", '"')
        stripped = text.lstrip()
        begins = stripped[:1] in '"“«' or stripped[:1] in "'‘" and stripped[1:2].isupper()
        self.quote_open = _inside_after(_MARK.findall(text), opened)
        if not (opened or begins):
            return "", False
        outside = _outside_quotes(text, opened)
        words = _RUNNING.findall(outside)
        if len(words) >= 2:  # the sentence has its own attribution or goes on after the quote
            return ("", True)
        return self.speaker if opened or not opening else self._told_later(), True

    def _told_later(self) -> str:
        """The speaker of a quote that opens a paragraph: the one its paragraph names behind it, or the last one when it names nobody."""
        inside = self.quote_open
        for s in self.sents[self.at :]:
            if s.paragraph != self.paragraph:
                break
            marks = _MARK.findall(s.text)
            if len(_RUNNING.findall(_outside_quotes(s.text, inside))) >= 2:
                tokens = tokenize(s.text)
                outside = _unquoted(tokens.lower, inside)
                found = self._named(tokens, _ASKED.intersection(tokens.lower), _parts(tokens.folded))
                speaking = next((m for m in found if m.kind != "place" and _speaks(outside, m)), None)
                if speaking or _somebody_speaks(outside):
                    return speaking.actor if speaking else ""
                return self.speaker
            inside = _inside_after(marks, inside)
        return self.speaker

    def _carried(
        self, tokens: Tokens, here: Collection[str], outside: list[str], found: list[Mention], names: list[tuple[int, int]], speaker: str
    ) -> list[Mention]:
        """`outside`: the tokens with those in quotes left blank; `names`: people who are known to speak for nobody."""
        lower = tokens.lower
        out: list[Mention] = []
        if speaker:
            out.append(Mention(speaker, "", 0, 0, 0, 0, "quote", "quote that goes on"))
        person = "" if self.stranger or self.silence > _REMEMBERED else self.person
        for i in () if _CARRY.isdisjoint(here) else [i for i, w in enumerate(lower) if w in _CARRY]:
            w, following = lower[i], lower[i + 1] if i + 1 < len(lower) else ""
            own = w.partition("'")[0]
            if w in _HE and (actor := self._he(outside, i, found, names, person)):
                out.append(_mention(tokens, i, i + 1, actor, "pronoun", f"{own}: the official named before"))
            elif w in _CARRIERS and i and self.speaker:
                if mention := self._organ(tokens, i, found, names):
                    out.append(mention)
            elif w in _COUNTRY and i and self.recent:
                if mention := self._country(tokens, i, found):
                    out.append(mention)
            elif w in ("north", "south") and lower[i - 1 : i] == ["the"] and tokens.words[i][0].isupper() and self._has("Korea"):
                if not following or not tokens.words[i + 1][0].isupper() and following != "of":
                    actor = "North Korea" if w == "north" else "South Korea"
                    out.append(_mention(tokens, i, i + 1, actor, "description", f"the {w} of Korea"))
        out += self._groups(tokens, here, found)
        if self.subject and (m := _IT.match(tokens.text)) and ((verb := m[2].lower()) in _REPORT or verb in _IT_ACTS or " not " in m[0]):
            at = tokens.starts.index(m.start(1)) if m.start(1) in tokens.starts else 0
            out.append(_mention(tokens, at, at + 1, self.subject, "pronoun", "it: the actor of the sentence before"))
        return out

    def _he(self, outside: list[str], i: int, found: list[Mention], names: list[tuple[int, int]], person: str) -> str:
        """Whose official `he` at token `i` is, '' for somebody else's: the person named nearest before, in words of the same voice."""
        local = [m for m in found if m.kind in ("person", "learnt") and m.last <= i and (not outside[i] or outside[m.first])]
        private = [last for first, last in names if last <= i and (not outside[i] or outside[first]) and not _of_an_office(outside, first)]
        stranger = max(private, default=0)
        if local:
            return local[-1].actor if local[-1].last >= stranger else ""
        return "" if stranger else person

    def _organ(self, tokens: Tokens, i: int, found: list[Mention], names: list[tuple[int, int]]) -> Mention | None:
        """“The (foreign) ministry”, “its statement”, “the spokesman”: whoever spoke last."""
        lower, start = tokens.lower, i
        while start > 0 and lower[start - 1] in _ORGAN_WORDS:
            start -= 1
        if start > 2 and lower[start - 1] == "'s" and lower[start - 2] in _COUNTRY:
            start -= 2  # "the country's foreign ministry"
        following = lower[i + 1] if i + 1 < len(lower) else ""
        if lower[i] == "general" and following not in _REPORT and following not in _AUX:  # "the general election"
            return None
        if lower[i] in _PAPERS and names:  # "Mr. Lie said in a statement"
            return None
        if start == 0 or lower[start - 1] not in ("the", "its", "his", "a", "an", "their"):
            return None
        named = any(
            abs(m.first - i) <= 8 and m.kind != "place" and (0 <= i - m.last <= 4 or lower[i + 1 : i + 2] == ["of"] or m.first - i in (2, 3))
            for m in found
        )
        if named or any(m.kind in ("person", "learnt") and m.first - i == 1 for m in found):
            return None
        if lower[start - 1] in ("a", "an") and lower[i] not in _PAPERS | {"spokesman", "spokeswoman", "spokesperson"}:
            return None
        subject = following == "'s" or following.isalpha() and following not in _AFTER_NO_SUBJECT and _opens(lower, start - 1)
        before, behind = lower[max(0, start - 3) : start], lower[i + 1 : i + 4]
        near_report = not _REPORT.isdisjoint(before + behind) or not _AUX.isdisjoint(behind) or subject and lower[i] in _BY_ITSELF
        if not near_report:
            return None
        by = next((m for m in found if m.first and lower[m.first - 1] == "by" and m.last < start), None)
        own = self.subject if lower[start - 1] in ("its", "their") else ""  # "Its ministry": of the actor of the sentence before
        actor = by.actor if by else own or self._holder(lower[i])
        return None if not actor else _mention(tokens, start - 1, i + 1, actor, "phrase", f"the {lower[i]}: whose it was before")

    def _holder(self, office: str) -> str:
        """Whose office it is: that of the actor who spoke last, who had it most often so far (a president, a government) or who had it last."""
        had = self.organs.get(office)
        if not had:
            return self.speaker
        if self.speaker in had:
            return self.speaker
        if office not in _BY_ITSELF:
            return had[-1]
        return max(reversed(list(dict.fromkeys(had))), key=had.count)

    def _country(self, tokens: Tokens, i: int, found: list[Mention]) -> Mention | None:
        lower, start = tokens.lower, i - 1
        while start > 0 and lower[start] not in ("the", "a") and i - start < 3:
            start -= 1
        if lower[start] != "the" or not self.subject or lower[i] == "state" or found and found[0].first < i:
            return None
        if (lower[i] in _BODIES) == (self.subject in self.lexicon.states):
            return None
        if not any(w in _REPORT or w in _AUX for w in lower[i + 1 : i + 3]):
            return None
        return _mention(tokens, start, i + 1, self.subject, "phrase", f"the {lower[i]}: the actor of the sentence before")

    def _groups(self, tokens: Tokens, here: Collection[str], found: list[Mention]) -> list[Mention]:
        text = tokens.text
        out: list[Mention] = []
        if "two" in here or "both" in here:
            named = list(dict.fromkeys(m.actor for m in found if m.kind != "place"))
            for m in _TWO.finditer(text):
                states = m[0].lower().endswith(("countries", "nations", "governments", "capitals"))
                now = [a for a in named if a in self.lexicon.states] if states else named
                before = [a for a in reversed(self.recent) if not states or a in self.lexicon.states]
                two = now[:2] if len(now) >= 2 else list(dict.fromkeys([*reversed(now), *before]))[:2]
                if len(two) < 2:
                    continue
                first, last = _token_span(tokens, m.start(), m.end())
                out += [_mention(tokens, first, last, actor, "phrase", "the two named last") for actor in two]
        if self.parties and any(map(text.lower().__contains__, _REBEL_WORDS)) and (r := _REBELS.search(text)):
            first, last = _token_span(tokens, r.start(), r.end())
            if not any(m.first <= last and first <= m.last for m in found):
                out.append(_mention(tokens, first, last, self.parties[-1], "phrase", "the party named before"))
        if "koreas" in here and tokens.lower[(k := tokens.lower.index("koreas")) - 1] != "north":
            out += [_mention(tokens, k, k + 1, actor, "description", "both Koreas") for actor in ("North Korea", "South Korea")]
        return out

    # -- memory

    def _remember(
        self, lower: list[str], here: Collection[str], outside: list[str], found: list[Mention], names: list[tuple[int, int]]
    ) -> None:
        """`outside`: the tokens with those in quotes left blank; `names`: people who are known to speak for nobody."""
        self.silence += 1
        reported = not _REPORT.isdisjoint(here)
        if not found and not names and not reported:
            return
        names = [n for n in names if not _of_an_office(lower, n[0])]
        self.strangers.update(lower[last - 1] for first, last in names if last - first > 1)
        real = [m for m in found if m.kind != "place"]
        self._note(real)
        if not _CARRIERS.isdisjoint(here):
            self._note_organs(lower, found)
        speaking = next((m for m in real if m.kind == "quote" or reported and _speaks(outside, m)), None)
        other = reported and (
            not speaking and (_unknown_speaks(outside, here, found) or _somebody_speaks(outside)) or _stranger_speaks(outside, names, speaking)
        )
        if other:
            speaking = None
        self.stranger = self.stranger or bool(names) and not any(m.kind in ("person", "learnt") for m in found) or other
        if other:
            self.speaker = ""
        if not real:
            return
        voiced = [m for m in real if m.kind == "quote" or outside[m.first]]
        if not voiced:
            return
        subject = speaking or next((m for m in voiced if _initial(lower, m)), voiced[0])
        self.subject = subject.actor
        if other:
            return
        self.speaker = subject.actor
        persons = [m for m in voiced if m.kind in ("person", "learnt", "pronoun")]
        if persons:
            self.person = next((m.actor for m in persons if m.actor == self.speaker), persons[0].actor)
        elif speaking or not _OFFICE.isdisjoint(here):
            self.person = self.speaker
        else:
            return
        self.stranger, self.silence = False, 0

    def _note(self, real: list[Mention]) -> None:
        for m in real:
            if m.actor in self.recent:
                self.recent.remove(m.actor)
            self.recent.append(m.actor)
            if m.actor in _PARTIES:
                self.parties.append(m.actor)

    def _note_organs(self, lower: list[str], found: list[Mention]) -> None:
        for m in found:
            if m.kind != "place" or m.why != "dateline":
                for w in lower[m.first : m.last + 4]:
                    if w in _CARRIERS:
                        self.organs.setdefault(w, []).append(m.actor)
                    elif w in (",", "and", "said", ".", '"'):
                        break


_BY_FIRST, _BY_PLACE = attrgetter("first"), attrgetter("first", "last")
_PARTIES = frozenset(
    ("Hamas", "Hezbollah", "Taliban", "IS", "Houthis", "Ukrainian rebels", "Syrian opposition", "al-Qaeda", "Boko Haram",
     "al-Shabab", "FARC", "PKK", "Islamic Jihad", "M23", "RSF", "LNA", "SDF", "Polisario")
)  # fmt: skip


_PARTY_WORDS = frozenset(w.lower() for p in _PARTIES for w in p.split()[:1]) - {"ukrainian", "syrian", "islamic", "boko"} | {"houthi", "hizbollah"}


def _mention(tokens: Tokens, first: int, last: int, actor: str, kind: str, why: str) -> Mention:
    start, end = tokens.starts[first], tokens.ends[last - 1]
    return Mention(actor, tokens.text[start:end], start, end, first, last, kind, why)


def _token_span(tokens: Tokens, start: int, end: int) -> tuple[int, int]:
    inside = [i for i, (s, e) in enumerate(zip(tokens.starts, tokens.ends, strict=True)) if s < end and e > start]
    return (inside[0], inside[-1] + 1) if inside else (0, 1)


def _elsewhere(words: list[str], lower: list[str], first: int, last: int, alias: Alias, tokens: Tokens) -> str:
    """Why the name at `first:last` speaks for no actor here ('' when it does): a place, a private person or thing, an office of the past."""
    kind = alias.kind
    if first > 1 and lower[first - 1] == "-" and lower[first - 2] in ("pro", "anti") and lower[last : last + 1] not in _LEAGUES:
        return f"{lower[first - 2]}-{words[first]}"
    if kind != "person" and _once(lower, first, last):
        return "a former office"
    if reason := _only_place(words, lower, first, last, kind, tokens):
        return reason
    if kind in ("name", "demonym", "capital", "seat", "person") and (reason := _not_the_state(words, lower, first, last, kind)):
        return reason
    return "people" if kind == "demonym" and alias.actor != "EU" and _people(words, lower, first, last) else ""


def _once(lower: list[str], first: int, last: int) -> bool:
    """Whether "former" before the name of an actor makes the office behind it one of the past: "a former British spy", "ex-US ambassador"."""
    i = first - 1
    if i > 0 and lower[i] in ("-", "the", "senior", "top"):
        i -= 1
    if i > 1 and lower[i] == "of":  # "the former chief inspector of the IAEA"
        office = lower[max(0, i - 5) : i]
        return not _OFFICE.isdisjoint(office) and any(w in _FORMER and not {",", "and"} & set(office[k:]) for k, w in enumerate(office))
    if i < 0 or lower[i] not in _FORMER or lower[i - 1 : i] == ["and"] and lower[i - 2 : i - 1] in (["current"], ["present"]) or lower[i] == "then":
        return False
    return not _OFFICE_OR_TITLE.isdisjoint(lower[last : last + 4]) or not _SERVANT.isdisjoint(lower[last : last + 4])


_SERVANT = frozenset("spy agent officer soldier intelligence operative analyst aide prosecutor senator congressman lawmaker".split())


def _after_titles(lower: list[str]) -> set[int]:
    """Where a word stands behind a title, and behind its full stop."""
    return {k + 2 if lower[k + 1 : k + 2] == ["."] else k + 1 for k, w in enumerate(lower) if w in _TITLE}


def _holds(text: str, word: str) -> bool:
    """Whether the text has the word, no part of a longer one."""
    at = text.find(word) if _LETTERS.fullmatch(word) else -1
    while at >= 0 and (_LETTERS.match(text, max(0, at - 1), at) or _LETTERS.match(text, at + len(word))):
        at = text.find(word, at + 1)
    return at >= 0


def _goes_on(words: list[str], lower: list[str], at: int) -> bool:
    """Whether a name goes on at `at`, so that what stands before is no surname: "Gen. Qasem Soleimani", "King Jr."."""
    return at < len(words) and (words[at][:1].isupper() and words[at][1:2].islower() or lower[at] in ("jr", "sr"))


def _same(key: tuple[str, ...], words: list[str], i: int, caps: bool) -> bool:
    if i + len(key) > len(words):
        return False
    for n, k in enumerate(key, i):
        if k != (w := words[n]) and not (caps and k.upper() == w) and not (w == k.upper() and len(k) > 4 and k[0].isupper()):
            return False
    return True


def _former(lower: list[str], i: int) -> bool:
    left = lower[max(0, i - 5) : i]
    stop = {",", "and", "said", "that", "by", "with"}
    return any(
        w in _FORMER and not set(left[k + 1 :]) & stop and ("of" not in left[k + 1 :] or left[left.index("of", k + 1) - 1] in _OFFICE)
        for k, w in enumerate(left)
    )


def _given_name(before: str, low: str, i: int) -> bool:
    """Whether the word before a bare surname looks like another person's given name."""
    return (
        before[:1].isupper() and before[1:].islower() and low not in _TITLE and low not in _OFFICE and i > 1
        and low.isalpha() and low not in _NOT_GIVEN
    )  # fmt: skip


_DAYS = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september october november "
    "december jan feb mar apr jun jul aug sep sept oct nov dec . spring summer autumn winter".split()
)
_NOT_GIVEN = _DAYS | frozenset(
    "the but and as if when while after before mr mrs that what how why "
    "in on with from by for at to of or nor why yet both elect american russian israeli iranian turkish syrian chinese french "
    "german british indian venezuelan ukrainian republican democrat democratic general vladimir donald barack hassan".split()
)


def _names(lower: list[str], parts: str, found: list[Mention], known: Collection[str] = ()) -> list[tuple[int, int]]:
    """Runs of capitalised words that may be a person's name, without titles, outside the mentions; single words that are `known` surnames too.

    `parts` has the letter that `_part` gives for each word.
    """
    if found:
        left = list(parts)
        for m in found:
            left[m.first : m.last] = "." * (m.last - m.first)
        parts = "".join(left)
    runs: list[tuple[int, int]] = []
    for run in _NAME.finditer(parts):
        i = run.start()
        size = len(run[0].rstrip("-pPA"))
        if 2 <= size <= 5 or size == 1 and (i and lower[i - 1] in _TITLE or lower[i] in known):
            runs.append((i, i + size))
    return runs


def _of_an_office(lower: list[str], first: int) -> bool:
    """Whether an office stands before the name, of some actor: "trade official Ine Lie", "its deputy minister, Ine Lie"."""
    before = lower[first - 1 : first]
    if before == [","]:
        before = lower[first - 2 : first - 1]
    return bool(before) and before[0] in _OFFICE


_NAME = re.compile(r"(?:[NPA]|E(?!$))(?:[NPAp]|[Ee](?!$)|(?<=[NPAE])-(?=[NPAETpewc]))*")


_JOINING = frozenset("al bin de von van el ul".split())


def _part(word: str) -> str:
    """What a word may be in a person's name, as `_NAME` reads it.

    N: a name, P: "Al", "Van", A: the same in capitals, E: "EL", T: capitalised but no name; p: "al", "van", e: "el", w: another word written small;
    c: one of letters that are neither; - and . for marks. A name ends with none of P, A, p.
    """
    low = word.lower()
    if low in _JOINING:
        ends = low in ("el", "ul")
        if word[0].isupper():
            return "E" if ends and not word[1].islower() else "N" if ends else "P" if word[1].islower() else "A"
        return "e" if ends else "p"
    if word[0].islower():
        return "w"
    if word[0].isupper():
        return "N" if word[1:2].islower() and low not in _TITLE and low not in _OFFICE and low not in _NOT_A_NAME else "T"
    return "c" if word[0].isalpha() else "-" if word == "-" else "."


def _parts(words: list[str]) -> str:
    return "".join(map(_PARTS.__getitem__, words))


_NOT_A_NAME = _DAYS | frozenset(
    "foreign defense defence interior ministry department the a in on it he she they but and we i i'm our his her this that "
    "twitter council security parliament congress senate house state prime deputy vice".split()
)
_PARTS = Memo(_part)


def _only_place(words: list[str], lower: list[str], first: int, last: int, kind: str, tokens: Tokens) -> str:
    """Why a name or capital is only where something happens ('' when it is more)."""
    if kind not in ("name", "capital"):
        return ""
    after = lower[last] if last < len(lower) else ""
    if after == "'s" and lower[last + 1 : last + 3] == ["civil", "war"]:
        return "names the civil war"
    if after == "'s" and last + 1 < len(lower) and lower[last + 1] in _PARTY_WORDS:
        return "the country of a party"
    if kind == "name" and after in _TOPIC and lower[first - 1 : first] in (["the"], ["his"], ["her"], ["their"]):
        return f"names the {after}"
    joined = after == "-" and tokens.starts[last] == tokens.ends[last - 1]
    if after == "'s" or joined or (kind == "name" and last < len(lower) and after in _OFFICE):
        return ""
    i = _before_list(words, lower, first, after)
    return "" if i < 0 else _placed(lower, i, first, kind)


def _before_list(words: list[str], lower: list[str], first: int, after: str) -> int:
    """The token before a name and before the list of names it stands in, regions left out; -1 where nothing is before it."""
    i = first - 1
    while i >= 0 and lower[i] in _REGION or i > 0 and lower[i] == "-" and lower[i + 1] in _REGION:
        i -= 1
    furthest = max(1, first - _LONGEST_LIST)
    while i > furthest and lower[i] in (",", "and", "or") and words[i - 1][:1].isupper():  # "in Namibia, Russia and Iran"
        if lower[i] == "," and (lower[i - 1] in _DAYS or after[:1].isalpha() and after not in ("and", "or")):  # "In May, the Taliban attacked"
            break
        i -= 2
        while i > 0 and words[i][:1].isupper():
            i -= 1
    return i


def _placed(lower: list[str], i: int, first: int, kind: str) -> str:
    """Why the word at `i` makes what follows it, the name at `first`, a place ('' when it does not)."""
    before = lower[i]
    if before in _PLACE_BEFORE:
        aimed = before in ("at", "toward", "towards") and not _AIMED.isdisjoint(lower[max(0, i - 2) : i])
        return "" if aimed else f"place after {before!r}"
    if before == "near" and kind == "capital" or before == "within" and lower[first] not in _UNIONS:
        return f"place after {before!r}"
    if before == "from" and lower[first] not in _UNIONS and not _LEAVING.isdisjoint(lower[max(0, i - 5) : i]):
        return "where something comes from"
    if before == "to" and kind == "capital" and not _JOURNEY.isdisjoint(lower[max(0, i - 6) : i]):
        return "where somebody goes"
    if before == "of" and lower[i - 1 : i] in (["out"], ["outside"], ["inside"]) and lower[first] not in _UNIONS:
        return f"place after '{lower[i - 1]} of'"
    if (
        before in ("for", "to", "from")
        and lower[i - 1] in _TRAVEL
        or before in _TRAVEL
        and before not in ("return", "returned", "reported", "transferred")
    ):
        return f"destination after {before!r}"
    return ""


def _not_the_state(words: list[str], lower: list[str], first: int, last: int, kind: str) -> str:
    """Why the words after a name, demonym or possessive name something else than the state ('' when they do not)."""
    after = lower[last : last + 1]
    if after == ["-"]:
        return "firm, thing or person from there" if kind != "person" and lower[last + 1 : last + 2] and lower[last + 1] in _APART else ""
    owner = after == ["'s"]
    at = last + 1 if owner else last
    noun = lower[at] if at < len(lower) else ""
    if kind in ("person", "seat"):
        return "private person or thing" if noun in _CIRCLE or kind == "seat" and noun in ("correspondent", "reporter") else ""
    if kind == "capital" and not owner and noun in _VENUE:
        return "where something happens"
    if kind == "demonym" or owner:
        third = [*lower[at + 1 : at + 3], "", ""]
        if noun in _GEOGRAPHY and third[0] not in _SERVICE or noun not in _OFFICE and third[0] in _GEOGRAPHY and third[1] not in _SERVICE:
            return "names a place"
        if _private(lower, at, 4):
            return "private person, people or thing"
    elif kind == "name" and _private(lower, at, 2):
        return "private person, people or thing"
    return "a body of its own" if kind != "capital" and noun and words[at][:1].isupper() and _private_body(words, lower, at) else ""


def _private_body(words: list[str], lower: list[str], at: int) -> bool:
    """Whether a name that goes on at `at` is an institute's, a newspaper's or the like."""
    end = next((k for k, w in enumerate(words[at : at + _LONGEST_NAME], at) if not w[:1].isupper()), min(at + _LONGEST_NAME, len(words)))
    return lower[end - 1] in _PRIVATE_BODY or lower[end - 2 : end] == ["news", "agency"] and words[at] != "Central"


def _private(lower: list[str], at: int, reach: int) -> bool:
    """Whether the words from `at` on, at most `reach`, name a private person, firm or thing."""
    for k, w in enumerate(lower[at : at + reach], at):
        following = lower[k + 1] if k + 1 < len(lower) else ""
        if w in _PRIVATE or w[-1:] == "s" and w[:-1] in _PRIVATE or w.endswith(_MAKERS) and not w.startswith(("law", "policy", "peace")):
            if w == "national":
                return following not in _STATE_BODY
            if w == "opposition":  # not "Russian opposition to the plan"
                return following.isalpha() and following not in _NO_ADJECTIVE
            return lower[k - 1] != "policy" and following not in _OFFICE
        if w in _OFFICE or w in _REPORT or w in _AUX or not w[:1].isalpha() or w in _NO_ADJECTIVE:
            return False
    return False


_NO_ADJECTIVE = frozenset(
    "of in to and on for with as at by that but or from into over about after before while when if is a an the its their his".split()
)


def _people(words: list[str], lower: list[str], first: int, last: int) -> bool:
    """Whether a plural demonym means the people ("Yemenis"), not the state ("the Saudis")."""
    plural = words[last - 1].endswith("s") and not words[last - 1].endswith(("ss", "us"))
    return plural and lower[first - 1 : first] != ["the"] and (last >= len(lower) or lower[last] != "'s")


def _inside_after(marks: list[str], inside: bool) -> bool:
    """Whether a text with these quotation marks ends inside a quote."""
    for c in marks:
        inside = not inside if c == '"' else c in _OPEN
    return inside


def _unquoted(parts: list[str], inside: bool) -> list[str]:
    """Tokens, or the pieces of a text between its quotation marks: those in quotes left blank. `inside`: whether they begin in a quote."""
    if not inside and _MARKS.isdisjoint(parts):
        return parts
    out = []
    for part in parts:
        if part in _MARKS:
            inside = _inside_after([part], inside)
        out.append("" if inside and part not in _MARKS else part)
    return out


def _outside_quotes(text: str, inside: bool) -> str:
    """The text without its quotes and their marks."""
    return "".join(part for part in _unquoted(_MARK.split(text), inside) if part not in _MARKS)


_SMALL = b"abcdefghijklmnopqrstuvwxyz"


def _in_capitals(text: str) -> bool:
    """Whether a headline is written in capitals, so that case tells nothing."""
    raw = text.encode("utf-8", "surrogatepass")
    if 5 * (len(raw) - len(raw.translate(None, _SMALL))) >= len(text):  # a fifth is in small letters: the quick way out of nearly every sentence
        return False
    upper = sum(map(str.isupper, text))
    return upper > 6 and (letters := sum(map(str.isalpha, text))) > 8 and upper > 0.8 * letters


def _speaks(lower: list[str], m: Mention) -> bool:
    """Whether a reporting verb outside quotes belongs to the mention: "X, …, said" or "said X"."""
    if m.kind == "quote":
        return True
    if not lower[m.first]:
        return False
    if m.first and lower[m.first - 1] in _INVERTED:
        return True
    if m.first > 1 and lower[m.first - 1] in ("the", "a", "president", "minister", "mr", "mrs") and lower[m.first - 2] in _INVERTED:
        return True
    if m.first and lower[m.first - 1] in ("of", "by", "against", "on", "to", "with", "at", "from", "for", "in"):
        return False
    return any(w in _REPORT for w in lower[m.last : m.last + 9])


def _somebody_speaks(lower: list[str]) -> bool:
    """Whether a sentence with a quote has a reporting verb, of no pronoun and no office."""
    said = next((i for i, w in enumerate(lower) if w in _REPORT), -1)
    if said < 0 or _MARKS.isdisjoint(lower):
        return False
    return _OFFICES_AND_PRONOUNS.isdisjoint(lower[max(0, said - 3) : said] + lower[said + 1 : said + 3])


def _opens(lower: list[str], i: int) -> bool:
    """Whether a subject may begin at token `i`."""
    return i == 0 or lower[i - 1] in _BEFORE_SUBJECT


def _unknown_speaks(outside: list[str], here: Collection[str], found: list[Mention]) -> bool:
    """Whether "he said" is there of somebody who speaks for no actor."""
    if _HE.isdisjoint(here):
        return False
    pronouns = {m.first for m in found if m.kind == "pronoun"}
    return any(w in _HE and i not in pronouns and not _REPORT.isdisjoint(outside[max(0, i - 1) : i + 2]) for i, w in enumerate(outside))


def _stranger_speaks(lower: list[str], names: list[tuple[int, int]], speaking: Mention | None) -> bool:
    """Whether a reporting verb outside quotes is nearer to a name that speaks for nobody: "said Davis", "Davis, who …, told Russia's TASS"."""
    for first, last in names:
        if not lower[first]:
            continue
        before = first - 1
        while before > 0 and (lower[before] in _TITLE or lower[before] == "."):
            before -= 1
        if before >= 0 and lower[before] in _INVERTED:
            return True
        reach = 9 if _opens(lower, first) else 2
        said = next((k for k, w in enumerate(lower[last : last + reach], last) if w in _REPORT), 0)
        if said and (speaking is None or speaking.first > said):
            return True
    return False


_INVERTED = frozenset("said says added adds wrote writes announced replied insisted explained noted tweeted argued continued concluded".split())


def _initial(lower: list[str], m: Mention) -> bool:
    return not (m.first and lower[m.first - 1] in ("of", "by", "against", "on", "to", "with", "at", "from", "for", "in", "over"))
