"""Who is in the sentence: mentions, and (sentence, actor) pairs.

One pass over an article in order (`_Reader.read`), by rules alone. Every sentence goes through five steps, each of which may rest on what the
sentences before have told:

1. names (`_named`): aliases of the lexicon, and short forms of persons named before. What stands beside a name decides whether it speaks for its
   actor or is a place or a private thing only (`stance.naming`);
2. officials that the lexicon does not know (`_learnt`), by appositions: "Norway's Foreign Minister Ine Lie";
3. quotation attribution (`_quoted`): who speaks in a quote that goes on without saying so, in the turn of a transcript (`_Turns`), or in a text
   whose speaker is told beside it;
4. coreference (`_carried`): "he" and "she", "the ministry", "the country", "both sides", "it" stand for an actor of the sentences before;
5. memory (`_remember`): who spoke or acted last, and which people were named, with the pronoun that is theirs.

Nothing is looked at twice but the rest of a paragraph that opens with a quote, for the name behind it (`_told_later`).
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from operator import attrgetter

from stance.dates import checked_date, valid_date
from stance.errors import InputError
from stance.lexicon import Alias, Lexicon, check_lexicon, country_codes, default_lexicon, words_of
from stance.naming import (
    AUX,
    DAYS,
    FORMER,
    NAME,
    OFFICE,
    OFFICE_OR_TITLE,
    ORGAN_WORDS,
    PARTIES,
    REPORT,
    TELLING_OFFICES,
    TITLE,
    after_titles,
    elsewhere,
    given_names,
    in_america,
    is_former,
    is_given_name,
    is_namesake,
    is_of_another,
    is_ourselves,
    is_seat,
    is_surname,
    name_goes_on,
    name_parts,
    of_an_office,
    pronoun_before,
    pronoun_of_name,
    pronoun_told,
    word_before,
)
from stance.text import Sentence, Tokens, quoted_lines, sentences, tokenize


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
    """A sentence with its tokens and mentions; `speaker` is whose quote it goes on with, or '', `speakers` are those of a joint statement."""

    sentence: Sentence
    tokens: Tokens = field(repr=False)
    mentions: tuple[Mention, ...]
    speaker: str = ""
    in_quote: bool = False
    speakers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Person:
    """An official named at sentence `at`, and the pronoun that is known to be theirs ('' for none)."""

    actor: str
    pronoun: str
    at: int


@dataclass(slots=True)
class _Before:
    """Of the people named before a token of a sentence, those whose pronoun `he` (or `she`) may be."""

    official: str = ""  # the actor of the last official
    end: int = 0  # where that name ends
    stranger: int = 0  # where the name of the last one ends who speaks for nobody and holds no office
    private: bool = False  # whether anybody who speaks for nobody is named


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
    """The pairs of a sentence, one an actor, in the order of first mention; places make none. Raises InputError for what is no Reading."""
    if not isinstance(reading, Reading):
        said = f"the reading of a sentence is given as {type(reading).__name__} ({reading!r:.60})"
        raise InputError(said, "of a text: [p for r in stance.read(text) for p in stance.pairs(r)]")
    if not reading.mentions:
        return []
    by_actor: dict[str, list[Mention]] = {}
    for m in reading.mentions:
        if m.actor and m.kind != "place":
            by_actor.setdefault(m.actor, []).append(m)
    return [Pair(in_words_of(actor, reading), actor, tuple(ms)) for actor, ms in by_actor.items()]


def in_words_of(actor: str, reading: Reading) -> Reading:
    """The reading, of a joint statement as if this actor alone made it (the first of its speakers, where it is none of them)."""
    if not reading.speakers:
        return reading
    who = actor if actor in reading.speakers else reading.speakers[0]
    return replace(reading, speaker=who, speakers=(), mentions=tuple(m for m in reading.mentions if m.kind != "quote" or m.actor == who))


def named(mentions: Sequence[Mention]) -> Mention | None:
    """The first that names its actor in the sentence itself."""
    return next((m for m in mentions if m.end > m.start and not m.carried), None)


# --------------------------------------------------------------------------- words of the trade

# quotation marks, words
_MARKS = frozenset('"“”«»')
_QUOTING = _MARKS | {"''", "``"}  # the tokens that are such marks
_MARK = re.compile(f"([{''.join(sorted(_MARKS))}])")
_OPEN = "“«"
_LETTERS = re.compile(r"\w+")
_RUNNING = re.compile(r"[\w'’.]+")

# datelines and bylines
_MONTH = r"(?i:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)[A-Za-z]*\.?"
_DATE = (  # "March 14, 2024", "14 March 2024", "14.03.2024"
    rf"(?:{_MONTH} ?\d{{1,2}}(?:, \d{{4}})?|\d{{1,2}}(?:st|nd|rd|th)? {_MONTH}(?:,? \d{{4}})?|\d{{1,2}}[./]\d{{1,2}}[./]\d{{2,4}}|\d{{4}}-\d\d-\d\d)"
)
_DATELINE = re.compile(rf"\s*[A-Z][A-Z .,/'’-]{{2,60}}(?:,? {_DATE})?\s*(?:\([^)]{{2,40}}\)\s*)?(?:--|[-–—])\s")
_AGENCIES = (
    r"[(/](?:AP|AFP|(?:The )?Associated Press|(?:Thomson )?Reuters|CNN ?[A-Za-z]*|UPI|Xinhua|(?:ITAR-)?TASS|Interfax(?:-\w+)?|RIA Novosti|Sputnik|"
    r"IANS|PTI|ANI|APP|Bloomberg|dpa|DPA|EFE|ANSA|Kyodo|Yonhap|KCNA|IRNA|ISNA|KUNA|QNA|NAN|SANA|WAM|SPA|MENA|Anadolu|AA|BBC|VOA|RFE/RL|NPR|JTA|Ukrinform)"
    r"(?: News)?[)/]"
)
_PLACES = r"\s*[A-Z][\w.'’/-]*(?: [A-Z][\w.'’-]*){0,3}(?: \[[A-Z]\w+\])?(?:, [A-Z][\w.'’-]*(?: [A-Z][\w.'’-]*){0,2}?)?"
_OPENING_DATELINE = re.compile(  # with the agency, or the date or any agency and a dash or colon, or a place in capitals, its country and a dash
    rf"{_PLACES}(?:,? ?{_DATE}\.?)?,? ?{_AGENCIES}\s*(?:--|[-–—:.])?"
    rf"|{_PLACES},? ?(?:{_DATE}|(?:{_DATE},? ?)?\([A-Z][\w ./-]{{1,30}}\))\s*(?:--|[-–—:])\s"
    r"|\s*[A-Z][A-Z.'’ -]{2,40}, [A-Z][a-z]+(?: [A-Z][a-z]+)?\s*(?:--|[–—])\s"
)
_PLACE_AND_COLON = re.compile(r"\s*[A-Z][\w'’.-]*(?:[ /][A-Z][\w'’.-]*){0,3}(?:, [A-Z][a-z]+)?:\s(?=.*[.!][\"”’)]*$)")  # and prose, no headline
_ALSO_CITIES = frozenset("singapore kuwait luxembourg djibouti un nations".split())  # last words of names that a dateline has too
_DATELINES = 12  # sentences of an article in which a paragraph may open with one
_BYLINE = re.compile(  # "Ine Lie and Rob Holm, Riga Times": whose words stand around it
    r"\s*(?P<given>[A-Z][\w.'’-]+)(?: [A-Z][\w.'’-]*){1,3}(?: and [A-Z][\w.'’-]+(?: [A-Z][\w.'’-]*){1,3})?, (?:The )?"
    r"(?:[A-Z][\w&.]+ ){0,3}(?:Times|Post|Journal|News|Review|Insider|Examiner|Telegraph|Herald|Tribune|Mail|Monitor|CNN|BBC|NPR|Politico)\s*"
)

# transcripts
_QUESTION_OR_ANSWER = re.compile(r"[QA][:.]\s")
_COLON = re.compile(r"\s*(?:\(?@\w+\)?\s*)?:")  # behind a name, with the name it has on a network
_SPEAKING = re.compile(r"(?:[A-Z][\w.'’-]*\s+){0,4}[A-Z][\w.'’-]+\s*(?:\([^)]{1,40}\))?:\s")  # who speaks in a paragraph of a transcript
_ASKER = re.compile(  # who asks, in a text that is said to be another one's: "QUESTION:", "AFP:"
    r"(?i:Q[:.]|(?:question|reporter|journalist|correspondent|moderator|interviewer|host|press|operator|afp|ap|reuters|bloomberg|cnn|bbc|nhk|kyodo|"
    r"yonhap|tass|ria novosti|xinhua|cctv|cgtn|global times|china daily|pti|ani|dpa|efe|ansa)(?: \w+){0,3}:)\s"
)
_SPOKEN = frozenset("we i our we're we'll we've we'd i'm i'll i've i'd".split())  # words of the speaker in a transcript
_BESIDE_AN_OFFICE = frozenset(  # in what a speaker is called: "H.E. the Permanent Representative of Norway"
    "the of for foreign affairs permanent deputy acting he h.e excellency his her".split()
)

# persons and their offices
_CIVIL = frozenset("mr mrs ms miss dr sen lord dame sir lady madam".split())  # with one of these a surname may be anybody's
_SURNAMED = _CIVIL | {"rep", "gov", "prof"}  # behind one of these a country's name is a surname: "Mr. Cuban", "Rep. Jordan"
_NAMED_PERSONS = ("person", "learnt")  # kinds of mentions
_PERSONS = (*_NAMED_PERSONS, "pronoun")
_PERSONAL_OFFICE = OFFICE - {"government", "army", "military", "navy", "forces", "troops", "director", "chair", "chairman"}
_BEFORE_NO_PERSON = (["the"], ["a"], ["in"], ["on"], ["across"], ["around"])  # "in the Middle East, the US president said"
_FORCES = frozenset("troops forces army military navy government".split())  # nobody's title
_NO_APPOSITION = frozenset("said says told added party campaign opposition shadow company senate parliament".split())
_OFFICE_ENDS = frozenset(  # between an actor and an office, these make it another's
    ", and said with of under party campaign opposition shadow business senate house killed fired incoming accused told according".split()
)
_SUMMON = frozenset("summon summons summoned summoning".split())
_ENVOYS = frozenset("ambassador ambassadors envoy envoys diplomat diplomats charge chargé attache attaché".split())

# organs: whose they are, and when a place stands for those that sit there
_CARRIERS = frozenset(
    "ministry spokesman spokeswoman spokesperson statement minister president ambassador official officials secretary "
    "premier chancellor administration government military army embassy diplomat envoy negotiator general "
    "commander delegation regime leadership agency communique letter department council commission".split()
)
_COUNTRY = frozenset("country nation state kingdom republic government bloc alliance organization organisation body group movement".split())
_BODIES = frozenset("bloc alliance organization organisation body group movement".split())  # of `_COUNTRY`, those that no state is
_PAPERS = frozenset("statement communique letter".split())
_INDEFINITE = _PAPERS | {"spokesman", "spokeswoman", "spokesperson"}  # "a spokesman said" is one of whom was told
_BY_ITSELF = frozenset("president minister premier chancellor administration regime".split())  # they need no reporting verb
_OF_AN_ORGAN = frozenset("veto vetoes seat presidency resolution critics allies visit vote".split())  # "Latvia's Security Council seat"
_AGENCY = frozenset("anadolu xinhua afp ria tass itar interfax yonhap kcna irna fars mehr tasnim sputnik".split())
_CREDIT = frozenset("photo copyright credit".split())
_OF_THE_SEAT = frozenset("official officials spokesman spokeswoman spokesperson".split())  # "in Riga" makes them no other state's
_SENT = frozenset("embassy ambassador diplomat envoy delegation".split())  # and these are not that state's

# he, it, both sides, the rebels
_REMEMBERED = 2  # sentences for which an official who is not named again is still `he`
_HE = frozenset("he she he'd she'd he'll she'll".split())
_OFFICES_AND_PRONOUNS = _CARRIERS | _HE | {"it", "they"}
_CARRY = _CARRIERS | _COUNTRY | _HE | {"north", "south"}
_ANNOUNCING = frozenset(("interview", "interviewed"))
# words without which a sentence needs none of the rules below
_ASKED = OFFICE_OR_TITLE | _CARRY | REPORT | _QUOTING | _SUMMON | _ANNOUNCING | {"it", "two", "both", "koreas"}
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
_TWO = re.compile(
    r"\b(?:(?:the|both|these|those) +two +(?:sides|countries|nations|governments|states|neighbou?rs|powers|leaders|men|ministers|"
    r"allies|rivals|parties|foes)|both +(?:sides|countries|nations|governments|states|capitals|leaders|parties))\b"
    r"(?! +of | +in +(?:congress|parliament|the))",
    re.I,
)
_OF_CONGRESS = ("Democrats", "Democratic", "Republicans", "Republican")  # where these are, "both parties" are no states
_REBELS = re.compile(
    r"\b(?:the |pro-\w+ )?(?:rebels|militants|insurgents|separatists|separatist fighters|guerrillas|jihadists|"
    r"extremist group|terror group|Islamist group|militia)\b",
    re.I,
)
_REBEL_WORDS = ("rebels", "militants", "insurgents", "separatist", "guerrillas", "jihadists", "group", "militia")  # one of these is in any match
_ARMIES = frozenset(("Hamas", "Hezbollah", "Taliban", "IS", "al-Qaeda", "Islamic Jihad"))
_NEVER = {  # what parties are not called
    "rebels": _ARMIES,
    "separatists": PARTIES - {"Ukrainian rebels", "PKK", "Polisario"},
    "militia": _ARMIES - {"Hezbollah"} | {"Syrian opposition"},
}

# subjects
_BEFORE_SUBJECT = frozenset(", that as while if and but when because after before although though \" “ whether".split())
_OBLIQUE = frozenset("of by against on to with at from for in".split())  # what follows these neither acts nor speaks
_AFTER_NO_SUBJECT = frozenset("of in for on at to from and or with by who whom elect".split())


# --------------------------------------------------------------------------- reading

_AND = re.compile(r"\s*,\s*(?:and\s+)?|\s+(?:and|&)\s+")


def read(text: str, *, lexicon: Lexicon | None = None, date: str = "", speaker: str = "") -> list[Reading]:
    """Sentences of an article with their mentions, in order.

    `date` decides who was in office; `speaker` is whose words all of the text is (`speakers_of`), '' for a report. Context is carried from
    sentence to sentence. Raises InputError for a date that is not understood, and for what is no text.
    """
    if not isinstance(text, str):
        raise InputError(f"the text is given as {type(text).__name__} ({text!r:.60}), not as a str", "that of an Article is its .text")
    check_lexicon(lexicon)
    return read_sentences(sentences(text), lexicon or default_lexicon(), date=checked_date(date, "the date"), speaker=speaker)


def read_sentences(
    sents: Sequence[Sentence], lexicon: Lexicon, *, date: str = "", speaker: str | Sequence[str] = "", present: Sequence[Collection[str]] = ()
) -> list[Reading]:
    """As `read`, for sentences already cut (a labelled data set has its own), each of which may have a speaker of its own.

    `present` are the actors of each sentence, where a labeller has told them: the one who is not named is who its quote or pronoun stands for.
    """
    return list(iter_readings(sents, lexicon, date=date, speaker=speaker, present=present))


def iter_readings(
    sents: Sequence[Sentence], lexicon: Lexicon, *, date: str = "", speaker: str | Sequence[str] = "", present: Sequence[Collection[str]] = ()
) -> Iterator[Reading]:
    """As `read_sentences`, one by one."""
    reader, none = _Reader(lexicon, date, sents), [()] * len(sents)
    speakers = [speaker] * len(sents) if isinstance(speaker, str) else speaker
    whose = {name: speakers_of(name, lexicon, date=date) for name in set(speakers)}
    return (reader.read(s, actors, whose[name]) for s, actors, name in zip(sents, present or none, speakers, strict=True))


def speaker_of(name: str, lexicon: Lexicon, *, date: str = "") -> str:
    """The actor that a speaker is or speaks for, '' for one whom the lexicon does not know.

    `name` is that of an actor, its code of three letters (ISO 3166: `DEU`), or one that the lexicon finds in all of it, but for titles:
    `Great Britain`, `President Xi Jinping`, `Germany's foreign ministry`.
    """
    code = country_codes().get(name, "") if len(name) == 3 else ""
    for actor in (code, name):
        if actor in lexicon.actors:
            return actor
    if actor := lexicon.meant([name]).get(name, ""):
        return actor
    reading = read(name.title() if name.islower() else name, lexicon=lexicon, date=valid_date(date))[:1]
    if not reading or not (mine := pairs(reading[0])) or mine[1:]:
        return ""
    told = {i for m in mine[0].mentions for i in range(m.first, m.last)}
    rest = [w for i, w in enumerate(reading[0].tokens.lower) if i not in told and w[0].isalpha()]
    return mine[0].actor if all(w in OFFICE_OR_TITLE or w in _BESIDE_AN_OFFICE for w in rest) else ""


def speakers_of(name: str, lexicon: Lexicon, *, date: str = "") -> tuple[str, ...]:
    """The actors whose words a text is: that of one speaker (`speaker_of`) or all of a joint statement's (`USA; JPN`, `the United States and Japan`).

    A name that the lexicon does not know is that of an actor of its own. Semicolons part any names, commas and "and" those that it knows.
    """
    found: list[str] = []
    for part in filter(None, map(str.strip, name.split(";"))):
        one = speaker_of(part, lexicon, date=date)
        several = [one] if one else [speaker_of(x, lexicon, date=date) for x in _AND.split(part)]
        found += several if all(several) else [part]
    return tuple(dict.fromkeys(found))


class _Line:
    """A sentence while it is read."""

    __slots__ = ("found", "here", "lower", "names", "outside", "parts", "tokens")

    def __init__(self, text: str) -> None:
        self.tokens = tokenize(text)
        self.lower = self.outside = self.tokens.lower  # `outside`: with the words in quotes left blank, once that is known
        self.here = _ASKED.intersection(self.lower)
        self.parts = name_parts(self.tokens.folded)
        self.found: list[Mention] = []  # in their order, the carried ones once all are known
        self.names: list[tuple[int, int]] = []  # token spans of people who are known to speak for nobody


class _Turns:
    """Who speaks in the paragraphs of a transcript ("MR. PRICE: Good morning."), an interview ("A: No.") or a debate."""

    def __init__(self, sents: Sequence[Sentence], lines: Sequence[str]) -> None:
        self.sents, self.lines = sents, lines
        self.actor = ""  # whose words the paragraph is, by the name before its first colon
        self.sure = False  # whether it is sure to be a turn: what it says of others without "we" is the speaker's too
        self.asking = False  # whether a "Q:" was read
        self.interviewed = False  # whether an interview is announced before it
        self.introduced: set[str] = set()  # of which actors officials are named before it

    @cached_property
    def openings(self) -> Counter[str]:
        """What stands before the first colon of sentences: that of a transcript comes back."""
        return Counter(line.partition(":")[0].strip() for line in self.lines if ":" in line)

    @cached_property
    def interview(self) -> bool:
        """Whether the article has two questions and two answers that are marked "Q:" and "A:"."""
        marks = [s.text[0] for s in self.sents if _QUESTION_OR_ANSWER.match(s.text)]
        return min(marks.count("Q"), marks.count("A")) > 1

    @cached_property
    def transcript(self) -> bool:
        """Whether three paragraphs, and a third of all, begin with who speaks in them: "MR. PRICE: Good afternoon."."""
        opening = [s.line for s, before in zip(self.sents, [None, *self.sents], strict=False) if before is None or before.paragraph != s.paragraph]
        turns = sum(_SPEAKING.match(line) is not None for line in opening)
        return turns > 2 and 3 * turns >= len(opening)

    def begin(self, at: int, line: _Line, strangers: Collection[str]) -> None:
        """A paragraph begins with sentence `at`: a turn, or more of the one before. `strangers`: surnames of people who speak for nobody."""
        if not (self.actor and self.transcript and not _SPEAKING.match(line.tokens.text)):
            self.actor, self.sure = self._turn(at, line.tokens, line.found, strangers)

    def hear(self, line: _Line) -> None:
        """What a sentence says of an interview that may follow."""
        if not self.asking:
            self.introduced.update([m.actor for m in line.found if m.kind in _NAMED_PERSONS])
            self.interviewed |= not _ANNOUNCING.isdisjoint(line.here)

    def speaker(self, line: _Line) -> str:
        """Whose turn the sentence is said in, '' for nobody's, and where the speaker is named in it: "Blinken met us"."""
        others = {m.actor for m in line.found if m.kind != "place"}
        said = self.sure and (others or self.transcript) or not _SPOKEN.isdisjoint(line.lower)
        return self.actor if said and self.actor not in others else ""

    def _turn(self, at: int, tokens: Tokens, found: list[Mention], strangers: Collection[str]) -> tuple[str, bool]:
        """Who speaks in a paragraph, '' for nobody known, and whether it is sure to be a turn.

        "SECRETARY BLINKEN: Good morning."; a mere surname may be a headline's ("Blinken: No deal") unless a question stands before.
        "A: No." is said by the officials of the one actor who were named before the first "Q:", where an interview is announced there.
        """
        if _QUESTION_OR_ANSWER.match(tokens.text) and self.interview:
            answer = tokens.text[0] == "A"
            self.asking |= not answer
            known = answer and self.interviewed and self.asking and len(self.introduced) == 1
            return next(iter(self.introduced)) if known else "", answer
        m = next((m for m in found if m.kind in ("person", "learnt", "organ", "seat")), None)
        if m is None or ":" not in tokens.lower or not _COLON.match(tokens.text, m.end):
            return "", False
        before = tokens.lower[: m.first]
        if any(w not in (".", "@", "vice") and w not in OFFICE_OR_TITLE for w in before):
            return "", False
        asked = at > 0 and self.sents[at - 1].text.endswith("?") or self.transcript
        person, handle = m.kind in _NAMED_PERSONS, before[-1:] == ["@"]
        if m.text.isupper() or handle or person and m.last > 1:
            return m.actor, asked or self.openings[tokens.text[: m.end]] > 1 or handle or bool(before) and m.text.isupper()
        junior = re.compile(rf"\b{re.escape(m.text)},? Jr")
        return ("", False) if not person or tokens.lower[m.first] in strangers or any(map(junior.search, self.lines)) else (m.actor, asked)


class _Reader:
    """Reads one article's sentences in order; holds what they have told so far."""

    def __init__(self, lexicon: Lexicon, date: str, sents: Sequence[Sentence]) -> None:
        self.lexicon, self.small, self.date = lexicon, lexicon.uncapitalised, valid_date(date)
        self.sents, self.lines = sents, quoted_lines(sents)
        self.at = 0  # sentences read
        self.paragraph = 0  # that of the sentence read last
        self.has: dict[str, bool] = {}  # which words the article has, of those that were asked for
        # names
        self.known: dict[str, list[tuple[tuple[str, ...], str, str]]] = {}  # first word → short forms told so far, their actor, and why
        self.surnames: dict[str, Alias] = {}  # of persons read so far with a surname that tells nothing before
        self.pronouns: dict[str, str] = {}  # `he` or `she` of a name or surname, where the table or the text tells
        self.strangers: set[str] = set()  # surnames of people who speak for no actor
        # who speaks
        self.turns = _Turns(sents, self.lines)
        self.asks = False  # whether somebody asks the one whose words the text is said to be
        self.both: tuple[str, ...] = ()  # those of a joint statement of two
        self.quote_open = False  # whether the sentence read last ends in a quote
        self.speaker = ""  # who spoke or acted last; nobody after a quote of someone who is no actor
        # of whom later words may be said
        self.subject = ""  # the actor of the sentence before, who is "it"
        self.people: list[_Person] = []  # officials named, of whom `he` and `she` are said: the last one first
        self.stranger = ""  # the pronoun of somebody else named after the last official, "any" of an unknown one
        self.silence = 0  # sentences since an official was named
        self.recent: list[str] = []  # actors named, latest last
        self.party = ""  # the organised party named last
        self.organs: dict[str, list[str]] = {}  # "military" → the actors whose military was named, one by one

    @cached_property
    def text(self) -> str:
        return " ".join(self.lines)

    def _has(self, phrase: str) -> bool:
        """Whether the article has the first word of a phrase: the few guarded aliases ask for it."""
        if phrase not in self.has:
            self.has[phrase] = _holds(self.text, phrase.split()[0])
        return self.has[phrase]

    def read(self, sentence: Sentence, present: Collection[str] = (), whose: tuple[str, ...] = ()) -> Reading:
        """The next sentence. `present`: the actors in it, where a labeller has told them; `whose`: the actors whose words it is, none in a report."""
        line = _Line(text := self.lines[self.at])
        opening = sentence.paragraph != self.paragraph
        whose = self._whose(text, whose) if whose or self.both else ()
        byline = _is_byline(text)
        line.found = [] if byline else self._named(line, opens=not self.at or opening and self.at < _DATELINES)
        line.found += self._learnt(line)
        line.found.sort(key=_BY_FIRST)
        line.names = _names(line.lower, line.parts, line.found, self.strangers)
        if opening or not self.at:
            self.turns.begin(self.at, line, self.strangers)
        self.turns.hear(line)
        quotes = not _MARKS.isdisjoint(line.here)
        if quotes:  # prose: its quotes have their own speakers
            self.turns.actor = ""
        if present:
            self._note_present(present, line.found)
        self.at += 1
        if opening:  # a quote that goes on in a new paragraph has its mark again
            self.paragraph, self.quote_open = sentence.paragraph, False
        if quotes or self.quote_open:
            line.outside = _unquoted(line.lower, self.quote_open)
        speaker, in_quote = (whose[0], True) if whose else self._quoted(line, opening)
        line.found += self._carried(line)
        if speaker:
            why = "speaker of the text" if whose else "quote that goes on"
            line.found += [Mention(x, "", 0, 0, 0, 0, "quote", why) for x in whose or (speaker,)]
        line.found.sort(key=_BY_PLACE)
        self._remember(line)
        if byline or line.lower[-1:] == [":"] and self._announced(line):
            self.speaker = ""
        return Reading(sentence, line.tokens, tuple(line.found), speaker, in_quote, whose if whose[1:] else ())

    def _whose(self, text: str, given: tuple[str, ...]) -> tuple[str, ...]:
        """Whose words the sentence is, of a text with a speaker: those `given`, nobody's where it is a question to them."""
        if given:
            self.asks = bool(_ASKER.match(text) or self.asks and not _SPEAKING.match(text) and not _QUESTION_OR_ANSWER.match(text))
        whose = () if self.asks else given
        self.speaker = whose[0] if whose else self.speaker
        self.both = whose if len(whose) == 2 else ()
        return whose

    def _note_present(self, present: Collection[str], found: list[Mention]) -> None:
        """Who is told to be there, as the only one without a name, is who is meant by a pronoun or quote."""
        if len(missing := set(present) - {m.actor for m in found}) == 1:
            self.speaker = self.subject = missing.pop()
            self._note_people([_Person(self.speaker, "", self.at)])

    def _announced(self, line: _Line) -> bool:
        """Whether the words behind a colon are somebody's who is no actor: "Riga Radio's Ine Lie reports:"."""
        if not line.names or not _HE.isdisjoint(line.lower):
            return False
        return not any(_speaks(line.outside, m) for m in line.found if m.kind != "place")

    # -- names

    def _named(self, line: _Line, *, opens: bool = False) -> list[Mention]:
        """The names of the lexicon, and those learnt so far; `opens`: whether the sentence may open with a dateline."""
        tokens, lower, words, text = line.tokens, line.lower, line.tokens.folded, line.tokens.text
        caps = _in_capitals(text)
        dateline = None if caps else _DATELINE.match(text) or (_OPENING_DATELINE.match(text) or self._place_and_colon(text) if opens else None)
        opening, known, surnames = self.lexicon.opening, self.known, self.surnames
        titled = () if TITLE.isdisjoint(line.here) else after_titles(lower)
        following = [*lower[1:], ""]
        found: list[Mention] = []
        free = 0
        for i in self._candidates(line.parts, lower):
            if i < free:
                continue
            opened = opening[words[i]]
            entries = opened.get(following[i]) or opened[""] if opened else []
            if not (entries or lower[i] in known or words[i] in surnames or i in titled):
                continue
            if (hit := self._match(entries, words, lower, i, caps)) is None:
                continue
            size, alias, why = hit
            free = i + size
            kind = alias.kind
            of_a_person = kind in ("name", "demonym", "capital") and _is_surname(words, lower, i)
            if alias.actor and not of_a_person and not (kind in ("name", "capital") and size == 1 and is_namesake(words, lower, i)):
                if kind in ("name", "capital") and alias.actor != "US" and in_america(words, free):
                    kind, why = "place", "of a state of the US"
                elif dateline and tokens.starts[i] < dateline.end() and _is_place(dateline, kind, lower, i, free, found):
                    kind, why = "place", "dateline"
                elif reason := elsewhere(words, lower, i, i + size, alias, tokens):
                    before, listed = (found[-1].last, found[-1].why == _ORGAN_IN) if found else (0, False)
                    state = alias.actor in self.lexicon.states and kind in ("name", "capital")
                    organ = state and is_seat(words, lower, i, free, kind, before=before, listed=listed)
                    kind, why = ("name", _ORGAN_IN) if organ else ("place", reason)
                elif kind == "organ" and (reason := self._not_its(tokens, i, free, alias, found)):
                    kind, why = "place", reason
                found.append(_mention(tokens, i, i + size, alias.actor, kind, why))
                if kind == "person":
                    self._note_pronoun(alias.pronoun or pronoun_of_name(alias.text) or pronoun_told(lower, i, free), found[-1].text, lower[free - 1])
        return found

    def _place_and_colon(self, text: str) -> re.Match[str] | None:
        """The dateline of "ISLAMABAD: The foreign minister said …."; a speaker's label stands before "we" or a mere quote."""
        m = _PLACE_AND_COLON.match(text)
        told = _RUNNING.findall(_outside_quotes(text[m.end() :], False).lower()) if m else []
        return m if len(told) > 1 and _SPOKEN.isdisjoint(told) and not self.turns.transcript else None

    def _not_its(self, tokens: Tokens, first: int, last: int, alias: Alias, found: list[Mention]) -> str:
        """Why the organ at `first:last` is not that of its actor ('' when it is): "Latvia's Security Council", "Photo: Ine Lie/Xinhua"."""
        lower = tokens.lower
        before = lower[first - 1] if first else ""
        told = before in (":", "by") and not _CREDIT.isdisjoint(lower[max(0, first - 4) : first])
        if lower[first] in _AGENCY and ("/" in lower[max(0, first - 1) : last + 1] or before in ("©", "copyright") or told):
            return "credit of a picture"
        if not found or lower[last : last + 1] and lower[last] in _OF_AN_ORGAN or alias.actor not in self.lexicon.states and alias.actor != "UN":
            return ""
        state = found[-1]
        if state.actor == alias.actor or state.actor not in self.lexicon.states or state.kind not in ("name", "demonym", "capital"):
            return ""
        adjective = state.kind == "demonym" and state.last == first
        if not adjective and lower[state.last : first] not in (["'s"], ["'"], ["'s", "own"]):
            return ""
        own = any(len(key) == 1 and a.actor == alias.actor for key, a in self.lexicon.starting(lower[first]))
        return "" if own else f"that of {state.actor}"  # "Latvia's US embassy"

    def _note_pronoun(self, pronoun: str, name: str, surname: str) -> None:
        if pronoun and self.pronouns.get(name) != pronoun:
            self.pronouns[surname] = pronoun if self.pronouns.get(surname, pronoun) == pronoun else ""  # two of one surname
            self.pronouns[name] = pronoun

    def _pronoun(self, m: Mention, lower: list[str]) -> str:
        """The pronoun that is known to be that of a mention's person, '' for none."""
        if m.kind == "pronoun":  # of nobody known it tells nothing: it may be somebody else's
            own = _pronoun_of(m.text.lower())
            return own if any(p.actor == m.actor and p.pronoun == own for p in self.people) else ""
        if m.kind in _NAMED_PERSONS:
            return self.pronouns.get(m.text) or self.pronouns.get(lower[m.last - 1], "")
        behind = lower[m.first : m.last + 5]  # up to a verb: of "Norway said the chairwoman" she is another's
        return next((TELLING_OFFICES.get(w, "") for w in behind if w in REPORT or w in TELLING_OFFICES), "")

    def _pronoun_of_stranger(self, lower: list[str], first: int, last: int) -> str:
        return pronoun_told(lower, first, last) or self.pronouns.get(lower[last - 1], "")

    def _candidates(self, parts: str, lower: list[str]) -> list[int]:
        """Where a name may begin: at any word but one that is written small and begins no alias."""
        small = self.small
        return [i for i, (part, w) in enumerate(zip(parts, lower, strict=True)) if part not in "wpe" or w in small]

    def _match(
        self, entries: Sequence[tuple[tuple[str, ...], Alias]], words: list[str], lower: list[str], i: int, caps: bool
    ) -> tuple[int, Alias, str] | None:
        """The size, alias and why of the name at `i`; `entries` are the aliases that the word there and the one behind it may begin."""
        for key, alias in chain(entries, _recased(entries, words, i)) if lower[i] in self.small else entries:
            if self._fits(key, alias, words, lower, i, caps):
                if alias.kind == "person" and alias.short:
                    self._know(words_of(alias.short), alias.actor, f"short for {alias.text}")
                elif alias.kind == "person" and len(key) > 1 and is_surname(key[-1]):
                    self.surnames[key[-1]] = alias
                return len(key), alias, f"{alias.kind} {alias.text!r}"
        told = self.known.get(lower[i], ())
        barred = {a.actor for _, a in self.lexicon.opening[words[i]].get("", ()) if _barred(a, words, i, i + 1)} if told else ()
        for short, actor, why in told:
            another = len(short) == 1 and why.startswith(f"short for {words[i]} ") and is_of_another(words, lower, i)
            if _same(short, words, i, caps) and (len(short) > 1 or actor not in barred) and not another and self._may_be(short[-1].lower(), lower, i):
                return len(short), Alias(" ".join(short), actor, "person"), why
        full = self.surnames.get(words[i])
        other = full and (name_goes_on(words, i + 1) or i and is_given_name(words[i - 1], lower[i - 1], i + 1))
        if full and not other and self._may_be(lower[i], lower, i):
            return 1, Alias(words[i], full.actor, "person"), f"surname of {full.text}"
        if word_before(lower, i) in TITLE:
            return self._after_title(words, lower, i, caps)
        return None

    def _may_be(self, surname: str, lower: list[str], i: int) -> bool:
        """Whether "Ms" and the like before a surname allow for the one who is known by it."""
        known = self.pronouns.get(surname)
        return not known or (pronoun_before(lower, i) or known) == known

    def _after_title(self, words: list[str], lower: list[str], i: int, caps: bool) -> tuple[int, Alias, str] | None:
        titled = ("", pronoun_before(lower, i))
        entries = [
            (short, a)
            for short, a in self.lexicon.short(lower[i])
            if (not titled[1] or (a.pronoun or pronoun_of_name(a.text)) in titled)
            and a.in_office(self.date) and _same(short, words, i, caps) and not is_former(lower, i) and not name_goes_on(words, i + len(short))
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
        if not _same(key, words, i, caps and not a.case or caps and a.text.isupper(), 5 if a.case else 4):
            return False
        if _barred(a, words, i, i + len(key)):
            return False
        if a.kind == "person" and (not a.in_office(self.date) or is_former(lower, i)):
            return False
        before = words[i - 1] if i else ""
        if caps and key == ("US",) and is_ourselves(lower, i):
            return False
        if a.title and before.lower().rstrip(".") not in TITLE:
            return False
        if a.kind == "person" and len(key) == 1 and before and is_given_name(before, lower[i - 1], i):
            return False  # another Trump: "Ivanka Trump"
        if a.pronoun and len(key) == 1 and i and (pronoun_before(lower, i) or a.pronoun) != a.pronoun:
            return False  # "Mrs Trump"
        return self._context_allows(a)

    def _context_allows(self, a: Alias) -> bool:
        return (not a.needs or any(map(self._has, a.needs))) and not any(map(self._has, a.not_with))

    def _know(self, short: tuple[str, ...], actor: str, why: str) -> None:
        entries = self.known.setdefault(short[0].lower(), [])
        if all(e[0] != short for e in entries):
            entries.append((short, actor, why))

    # -- officials the lexicon does not know

    def _learnt(self, line: _Line) -> list[Mention]:
        if not line.found or OFFICE_OR_TITLE.isdisjoint(line.here) or not (real := [m for m in line.found if m.kind != "place"]):
            return []
        tokens, words, lower = line.tokens, line.tokens.folded, line.lower
        out: list[Mention] = []
        for first, last in _names(lower, line.parts, line.found):
            actor, why = self._office_holder(lower, first, last, real)
            if actor:
                name = tuple(words[first:last])
                self._know(name[-1:], actor, why)
                self._know(name, actor, why)
                out.append(_mention(tokens, first, last, actor, "learnt", why))
                self._note_pronoun(pronoun_told(lower, first, last), out[-1].text, lower[last - 1])
        return out

    def _office_holder(self, lower: list[str], first: int, last: int, found: list[Mention]) -> tuple[str, str]:
        """The actor whose office the name at `first:last` holds, and how the text says so."""
        left = lower[max(0, first - 7) : first]
        if any(w in FORMER for w in left[-4:]):
            return "", ""
        if left and (
            left[-1] in OFFICE and left[-1] not in _FORCES
            or left[-1] == "." and len(left) > 1 and left[-2] in TITLE
            or left[-1].rstrip(".") in ("gen", "adm", "col")
        ):
            for m in reversed(found):  # "Norway's Foreign Minister Ine Lie", "Russian army spokesman X"
                if m.last <= first and first - m.last <= 6 and _OFFICE_ENDS.isdisjoint(lower[m.last : first]):
                    return m.actor, f"office of {m.actor} before the name"
        if last < len(lower) and lower[last] == "," and left[-1:] not in _BEFORE_NO_PERSON:  # "Ine Lie, Norway's foreign minister,"
            right = lower[last + 1 : last + 14]
            stop = right.index(",") if "," in right else len(right)
            apposition = set(right[:stop])
            once = right[:1] in (["who"], ["as"]) and right[1:2] and right[1] in ("served", "was", "had", "as", "became")
            if apposition & _PERSONAL_OFFICE and not apposition & _NO_APPOSITION and not apposition & FORMER and not once:
                for m in found:
                    accredited = "to" in lower[max(last, m.first - 2) : m.first] and OFFICE.isdisjoint(lower[m.last : m.last + 4])
                    if last < m.first <= last + 1 + stop and not accredited:  # "the ambassador to Chile" is not Chile's
                        return m.actor, f"office of {m.actor} after the name"
        return "", ""

    # -- carried

    def _quoted(self, line: _Line, opening: bool) -> tuple[str, bool]:
        """Whose quote or turn the sentence is without saying so, and whether it is one; `opening`: whether it opens a paragraph."""
        opened = self.quote_open
        if opened or not _QUOTING.isdisjoint(line.here):
            text = line.tokens.text.replace("''", '"').replace("``", '"')
            marks = _MARK.findall(text)
            self.quote_open = _inside_after(marks, opened)
            if opened or text.lstrip()[:1] in marks:
                if len(_RUNNING.findall(_outside_quotes(text, opened))) >= 2:  # the sentence has its own attribution or goes on after the quote
                    return "", True
                return self.speaker if opened or not opening else self._told_later(), True
        turn = self.turns.speaker(line) if self.turns.actor else ""
        return turn, bool(turn)

    def _told_later(self) -> str:
        """The speaker of a quote that opens a paragraph: the one its paragraph names behind it, or the last one when it names nobody."""
        inside = self.quote_open
        for s, text in zip(self.sents[self.at :], self.lines[self.at :], strict=True):
            if s.paragraph != self.paragraph:
                break
            marks = _MARK.findall(text)
            if len(_RUNNING.findall(_outside_quotes(text, inside))) >= 2:
                line = _Line(text)
                outside = _unquoted(line.lower, inside)
                speaking = next((m for m in self._named(line) if m.kind != "place" and _speaks(outside, m)), None)
                if speaking or _somebody_speaks(outside):
                    return speaking.actor if speaking else ""
                return self.speaker
            inside = _inside_after(marks, inside)
        return self.speaker

    def _carried(self, line: _Line) -> list[Mention]:
        tokens, lower = line.tokens, line.lower
        out: list[Mention] = []
        if not _HE.isdisjoint(line.here):
            for i, actor in self._pronouns(line):
                out.append(_mention(tokens, i, i + 1, actor, "pronoun", f"{_pronoun_of(lower[i])}: the official named before"))
        for i in () if _CARRY.isdisjoint(line.here) else [i for i, w in enumerate(lower) if w in _CARRY]:
            mention = None
            if lower[i] in _CARRIERS and i and self.speaker:
                mention = self._organ(line, i)
            elif lower[i] in _COUNTRY and i and self.recent:
                mention = self._country(line, i)
            elif lower[i] in ("north", "south"):
                mention = self._korea(tokens, i)
            if mention:
                out.append(mention)
        out += self._groups(line)
        m = _IT.match(tokens.text) if self.subject and "it" in line.here else None
        if m and ((verb := m[2].lower()) in REPORT or verb in _IT_ACTS or " not " in m[0]):
            out.append(_mention(tokens, *_token_span(tokens, *m.span(1)), self.subject, "pronoun", "it: the actor of the sentence before"))
        return out

    def _pronouns(self, line: _Line) -> Iterator[tuple[int, str]]:
        """Where `he` and `she` of an official stand, and whose; in one sweep over them and the people named in the sentence."""
        lower, outside = line.lower, line.outside
        named = [(m.last, m.first, m.actor, self._pronoun(m, lower)) for m in line.found if m.kind in _NAMED_PERSONS]
        named += [(last, first, "", self._pronoun_of_stranger(lower, first, last)) for first, last in line.names]
        named.sort(reverse=True)
        everywhere, unquoted = ({"he": _Before(), "she": _Before()} for _ in range(2))  # what is named in a quote is no antecedent outside it
        for i, w in enumerate(lower):
            if w not in _HE:
                continue
            while named and named[-1][0] <= i:
                last, first, actor, own = named.pop()
                office = not actor and of_an_office(outside, first)
                for before in (everywhere, unquoted) if outside[first] else (everywhere,):
                    for b in (before[own],) if own else before.values():
                        if actor:
                            b.official, b.end = actor, last
                        else:
                            b.private, b.stranger = True, b.stranger if office else last
            if actor := self._official(_pronoun_of(w), unquoted if outside[i] else everywhere):
                yield i, actor

    def _official(self, pronoun: str, before: dict[str, _Before]) -> str:
        """Whose official `he` or `she` is, '' for somebody else's: of those whose it may be the one named nearest, in the sentence or before."""
        here = before[pronoun]
        if here.official:
            return here.official if here.end >= here.stranger else ""
        if here.stranger or self.turns.actor and self.turns.sure or self.silence > _REMEMBERED or self.stranger in (pronoun, "any"):
            return ""
        passed = bool(self.stranger or any(b.official or b.stranger for b in before.values()))
        for n, p in enumerate(self.people):
            if p.pronoun == pronoun or not p.pronoun and not passed:
                near = not n or self.at - p.at <= _REMEMBERED + 1
                return p.actor if near and not (here.private and (n or passed)) else ""
        return ""

    def _korea(self, tokens: Tokens, i: int) -> Mention | None:
        """“The North”, where Korea is in the article, and “North and South Korea”."""
        lower = tokens.lower
        actor, why = f"{lower[i].capitalize()} Korea", f"the {lower[i]} of Korea"
        if lower[i - 1 : i] == ["the"] and tokens.words[i][0].isupper() and self._has("Korea"):
            goes_on = i + 1 < len(lower) and (tokens.words[i + 1][0].isupper() or lower[i + 1] == "of")
            return None if goes_on else _mention(tokens, i, i + 1, actor, "description", why)
        if lower[i + 1 : i + 4] in (["and", "south", "korea"], ["and", "north", "korea"]):
            return _mention(tokens, i, i + 1, actor, "description", "Korea is told behind it")
        return None

    def _organ(self, line: _Line, i: int) -> Mention | None:
        """“The (foreign) ministry”, “its statement”, “the spokesman”: whoever spoke last."""
        lower, found = line.lower, line.found
        start = _organ_start(lower, i)
        if not start or lower[i] in _PAPERS and line.names or not _organ_acts(lower, start, i):  # "Mr. Lie said in a statement"
            return None
        near = found[max(0, bisect_left(found, i - 8, key=_BY_FIRST) - 1) : bisect_right(found, i + 8, key=_BY_FIRST)]
        if any(_names_organ(m, lower, i) for m in near):
            return None
        seat = next((m for m in near if lower[i + 1 : i + 2] == ["in"] and m.first - i in (2, 3)), None)
        if seat and lower[i] in _OF_THE_SEAT:
            return None
        by = next((m for m in found if m.first and lower[m.first - 1] == "by" and m.last < start), None)
        own = self.subject if lower[start - 1] in ("its", "their") else ""  # "Its ministry": of the actor of the sentence before
        actor = by.actor if by else own or self._with_office(lower[i - 1 : i + 1], self._holder(lower[i]))
        if not actor or seat and seat.actor == actor and lower[i] in _SENT:
            return None
        return _mention(line.tokens, start - 1, i + 1, actor, "phrase", f"the {lower[i]}: whose it was before")

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

    def _with_office(self, words: list[str], actor: str) -> str:
        """The actor, unless it lacks the office that `words` end with; then one of the last three named, of an office that few have, or nobody."""
        for office in (words[-1], " ".join(words)):
            having, lacking = self.lexicon.offices.get(office, ((), ()))
            if having and actor not in having:
                return next((a for a in reversed(self.recent[-3:]) if a in having), "")
            if actor in lacking:
                return ""
        return actor

    def _country(self, line: _Line, i: int) -> Mention | None:
        lower, start = line.lower, i - 1
        while start > 0 and lower[start] not in ("the", "a") and i - start < 3:
            start -= 1
        if lower[start] != "the" or not self.subject or lower[i] == "state" or line.found and line.found[0].first < i:
            return None
        if (lower[i] in _BODIES) == (self.subject in self.lexicon.states):
            return None
        if not any(w in REPORT or w in AUX for w in lower[i + 1 : i + 3]):
            return None
        return _mention(line.tokens, start, i + 1, self.subject, "phrase", f"the {lower[i]}: the actor of the sentence before")

    def _groups(self, line: _Line) -> list[Mention]:
        tokens, text, here, found = line.tokens, line.tokens.text, line.here, line.found
        out: list[Mention] = []
        if "two" in here or "both" in here:
            named = list(dict.fromkeys(m.actor for m in found if m.kind != "place"))
            for m in _TWO.finditer(text):
                if m[0].endswith("parties") and any(map(self._has, _OF_CONGRESS)):
                    continue
                states = m[0].lower().endswith(("countries", "nations", "governments", "capitals"))
                now = [a for a in named if a in self.lexicon.states] if states else named
                before = [a for a in reversed(self.recent) if not states or a in self.lexicon.states]
                two = list(self.both) or (now[:2] if len(now) >= 2 else list(dict.fromkeys([*reversed(now), *before]))[:2])
                if len(two) < 2:
                    continue
                first, last = _token_span(tokens, m.start(), m.end())
                out += [_mention(tokens, first, last, actor, "phrase", "the two named last") for actor in two]
        if self.party and any(map(text.lower().__contains__, _REBEL_WORDS)) and (r := _REBELS.search(text)):
            first, last = _token_span(tokens, r.start(), r.end())
            fits = self.party not in _NEVER.get(r[0].split()[-1].lower(), ())
            if fits and not _qualified(tokens, first) and not any(m.first <= last and first <= m.last for m in found):
                out.append(_mention(tokens, first, last, self.party, "phrase", "the party named before"))
        if "koreas" in here and word_before(tokens.lower, k := tokens.lower.index("koreas")) not in ("north", "south"):  # "North Koreas rockets"
            out += [_mention(tokens, k, k + 1, actor, "description", "both Koreas") for actor in ("North Korea", "South Korea")]
        return out

    # -- memory

    def _remember(self, line: _Line) -> None:
        lower, outside = line.lower, line.outside
        self.silence += 1
        reported = not REPORT.isdisjoint(line.here)
        if not line.found and not line.names and not reported:
            return
        names = [n for n in line.names if not of_an_office(lower, n[0])]
        self.strangers.update([lower[last - 1] for first, last in names if last - first > 1])
        real = [m for m in line.found if m.kind != "place"]
        self._note(real)
        if not _CARRIERS.isdisjoint(line.here):
            self._note_organs(lower, line.found)
        speaking = next((m for m in real if m.kind == "quote" or reported and _speaks(outside, m)), None)
        other = bool(reported or names) and self._note_strangers(line, names, reported=reported, speaking=speaking)
        summoning = not _SUMMON.isdisjoint(line.here)
        voiced = [m for m in real if (m.kind == "quote" or outside[m.first]) and not (summoning and _summoned(lower, m))]
        if other:
            self.speaker = ""
        if not voiced:
            return
        subject = (None if other else speaking) or next((m for m in voiced if _initial(lower, m)), voiced[0])
        self.subject = subject.actor
        if not other:
            self.speaker = subject.actor
            self._note_officials(lower, voiced, subject, holds_office=bool(speaking) or not OFFICE.isdisjoint(line.here))

    def _note_strangers(self, line: _Line, names: list[tuple[int, int]], *, reported: bool, speaking: Mention | None) -> bool:
        """Whether somebody speaks in the sentence who is no actor; and which pronoun may be theirs from now on. `names`: those without office."""
        outside = line.outside
        unknown = _unknown_speaks(outside, line.here, line.found) if reported and not speaking else ""
        somebody = reported and not speaking and not unknown and _somebody_speaks(outside)
        other = bool(unknown or somebody or reported and _stranger_speaks(outside, names, speaking))
        if self.silence <= _REMEMBERED and self.stranger != "any":
            met = {unknown or "any"} if unknown or somebody else set()
            if other or not any(m.kind in _NAMED_PERSONS for m in line.found):
                met.update(self._pronoun_of_stranger(line.lower, first, last) or "any" for first, last in names)
            if met:
                self.stranger = met.pop() if len(met) == 1 and self.stranger in ("", *met) else "any"
        return other

    def _note_officials(self, lower: list[str], voiced: list[Mention], subject: Mention, *, holds_office: bool) -> None:
        """The people of a sentence: who speaks comes first, of others the last one named."""
        persons = [m for m in voiced if m.kind in _PERSONS]
        if persons:
            speaks = next((m for m in persons if m.actor == subject.actor), persons[0])
            persons = [speaks, *(m for m in reversed(persons) if m is not speaks)]
            if subject.kind not in _PERSONS and self._pronoun(subject, lower):  # "the ministry's spokeswoman"
                persons.append(subject)
        elif holds_office:
            persons = [subject]
        if persons:
            before = [p for p in self.people if p.pronoun and self.at - p.at <= _REMEMBERED]
            self._note_people([_Person(m.actor, self._pronoun(m, lower), self.at) for m in persons] + before)

    def _note_people(self, people: list[_Person]) -> None:
        self.people, self.stranger, self.silence = people, "", 0

    def _note(self, real: list[Mention]) -> None:
        for m in real:
            if m.actor in self.recent:
                self.recent.remove(m.actor)
            self.recent.append(m.actor)
            if m.actor in PARTIES:
                self.party = m.actor

    def _note_organs(self, lower: list[str], found: list[Mention]) -> None:
        for m in found:
            if m.kind != "place" or m.why != "dateline":
                for w in lower[m.first : m.last + 4]:
                    if w in _CARRIERS:
                        self.organs.setdefault(w, []).append(m.actor)
                    elif w in (",", "and", "said", ".", '"'):
                        break
                if "ministry" in lower[max(0, m.first - 9) : m.first] and _ministry_of(lower, m.first):
                    self.organs.setdefault("ministry", []).append(m.actor)


_BY_FIRST, _BY_PLACE = attrgetter("first"), attrgetter("first", "last")


def _qualified(tokens: Tokens, first: int) -> bool:
    """Whether a word before "militants" and the like says whose they are: "Shiite militants", "Latvia's rebels", "a foreign-backed militia"."""
    if not first or tokens.lower[first] == "the" or tokens.lower[first - 1] in DAYS:
        return False
    before = tokens.words[first - 1]
    return before in ("'s", "’s", "backed", "allied", "foreign", "western") or first > 1 and before[:1].isupper() and before[1:].islower()


def _mention(tokens: Tokens, first: int, last: int, actor: str, kind: str, why: str) -> Mention:
    start, end = tokens.starts[first], tokens.ends[last - 1]
    return Mention(actor, tokens.text[start:end], start, end, first, last, kind, why)


def _token_span(tokens: Tokens, start: int, end: int) -> tuple[int, int]:
    first, last = bisect_right(tokens.ends, start), bisect_left(tokens.starts, end)
    return (first, last) if first < last else (0, 1)


def _holds(text: str, word: str) -> bool:
    """Whether the text has the word, no part of a longer one."""
    at = text.find(word) if _LETTERS.fullmatch(word) else -1
    while at >= 0 and (_LETTERS.match(text, max(0, at - 1), at) or _LETTERS.match(text, at + len(word))):
        at = text.find(word, at + 1)
    return at >= 0


_ORGAN_IN = "the organ that sits there"


def _summoned(lower: list[str], m: Mention) -> bool:
    """Whether the mention is of an envoy who is summoned: "summoned the Russian ambassador", "Russia's ambassador was summoned"."""
    envoy = next((k for k in range(m.first, min(m.last + 3, len(lower))) if lower[k] in _ENVOYS), -1)
    return envoy >= 0 and not (_SUMMON.isdisjoint(lower[max(0, m.first - 4) : m.first]) and _SUMMON.isdisjoint(lower[envoy + 1 : envoy + 4]))


def _organ_start(lower: list[str], i: int) -> int:
    """Where the phrase of the organ at `i` begins behind its article: "the foreign ministry", "the country's army"; 0 where it is none."""
    start = i
    while start > 0 and lower[start - 1] in ORGAN_WORDS:
        start -= 1
    if start > 2 and lower[start - 1] == "'s" and lower[start - 2] in _COUNTRY:
        start -= 2
    if not start or lower[start - 1] not in ("the", "its", "his", "a", "an", "their"):
        return 0
    return 0 if lower[start - 1] in ("a", "an") and lower[i] not in _INDEFINITE else start


def _organ_acts(lower: list[str], start: int, i: int) -> bool:
    """Whether the organ at `start:i + 1` speaks or acts: with a verb of reporting or auxiliary near, or as a subject ("the president left")."""
    following, behind = lower[i + 1] if i + 1 < len(lower) else "", lower[i + 1 : i + 4]
    if lower[i] == "general" and following not in REPORT and following not in AUX:  # "the general election"
        return False
    subject = following == "'s" or following.isalpha() and following not in _AFTER_NO_SUBJECT and _opens(lower, start - 1)
    near = not REPORT.isdisjoint(lower[max(0, start - 3) : start] + behind) or not AUX.isdisjoint(behind)
    return near or subject and lower[i] in _BY_ITSELF


def _names_organ(m: Mention, lower: list[str], i: int) -> bool:
    """Whether a mention tells whose the organ at `i` is, or who holds it: "the Chilean ministry", "the ministry of Chile", "premier Ine Lie"."""
    if m.first <= i < m.last or m.kind in _NAMED_PERSONS and m.first - i == 1:
        return True
    near = 0 <= i - m.last <= 4 or lower[i + 1 : i + 2] == ["of"] or m.first - i in (2, 3)
    return near and abs(m.first - i) <= 8 and m.kind != "place"


def _ministry_of(lower: list[str], at: int) -> bool:
    """Whether a ministry is told to be that of the name at `at`: "Ministry of Foreign Affairs of Estonia"."""
    of = at - 2 if lower[at - 1 : at] == ["the"] else at - 1
    name = lower[max(0, of - 7) : of]
    return lower[of : of + 1] == ["of"] and "ministry" in name and {",", ".", "said", "with"}.isdisjoint(name[name.index("ministry") :])


def _is_surname(words: list[str], lower: list[str], i: int) -> bool:
    """Whether a title makes what begins at `i` a surname: "Mr. Cuban", and not in "we miss Cuba", "MR. CUBAN" or "miss" alone."""
    if word_before(lower, i) not in _SURNAMED:
        return False
    title = words[i - 2] if lower[i - 1] == "." else words[i - 1]
    return title[0].isupper() and title[1:].islower()


def _is_place(dateline: re.Match[str], kind: str, lower: list[str], first: int, last: int, found: list[Mention]) -> bool:
    """Whether an alias in a dateline is its place or agency; before a mere colon a state may be who speaks."""
    if dateline.re is not _PLACE_AND_COLON:
        return kind in ("name", "capital") or lower[first - 1] in ("(", "/")
    return kind == "capital" or kind == "name" and (lower[last - 1] in _ALSO_CITIES or first > 0 and all(m.kind == "place" for m in found))


def _barred(a: Alias, words: list[str], first: int, last: int) -> bool:
    """Whether a guard keeps the alias from a word beside it: "Ivanka Trump", "Trump Tower", "TRUMP TOWER"."""
    after = a.not_after and first > 0 and (words[first - 1] in a.not_after or _small(words[first - 1]) in a.not_after)
    return bool(after or a.not_before and last < len(words) and (words[last] in a.not_before or _small(words[last]) in a.not_before))


def _small(word: str) -> str:
    """A word in capitals as it is written elsewhere: "JR" → "Jr"."""
    return word.capitalize() if word.isupper() else word


def _recased(entries: Sequence[tuple[tuple[str, ...], Alias]], words: list[str], i: int) -> Iterator[tuple[tuple[str, ...], Alias]]:
    """The aliases with the first letter as the text has it: "EasyJet", "Von der Leyen", "The airline", and "the airline" for "The airline".

    One to be written as in the table (`case`) may have a capital where a sentence or quote begins.
    """
    word = words[i]
    for key, a in entries:
        first = key[0]
        if first != word and first[1:] == word[1:] and (first[0].islower() and (not a.case or not i or words[i - 1] in _OPENING) or word == "the"):
            yield (word, *key[1:]), a


_OPENING = frozenset("\" “ « ' ‘ : – — -".split())


def _same(key: tuple[str, ...], words: list[str], i: int, caps: bool, letters: int = 4) -> bool:
    """Whether the words at `i` are those of an alias; a lone one in capitals has so many `letters`, but where all is so (`caps`)."""
    if i + len(key) > len(words):
        return False
    long = len(key) > 1
    for n, k in enumerate(key, i):
        if k != (w := words[n]) and not (caps and k.upper() == w) and not (w == k.upper() and (len(k) >= letters or long) and k[0].isupper()):
            return False
    return True


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
    for run in NAME.finditer(parts):
        i = run.start()
        size = len(run[0].rstrip("-pPA"))
        titled = size == 1 and i and lower[i - 1] in TITLE and parts[i + 1 : i + 2] != "T"  # not "President George W. Bush"
        if 2 <= size <= 5 or titled or size == 1 and lower[i] in known:
            runs.append((i, i + size))
    return runs


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
    if m.first and lower[m.first - 1] in _OBLIQUE and m.why != _ORGAN_IN:
        return False
    return any(w in REPORT for w in lower[m.last : m.last + 9])


def _somebody_speaks(lower: list[str]) -> bool:
    """Whether a sentence with a quote has a reporting verb, of no pronoun and no office."""
    said = next((i for i, w in enumerate(lower) if w in REPORT), -1)
    if said < 0 or _MARKS.isdisjoint(lower):
        return False
    return _OFFICES_AND_PRONOUNS.isdisjoint(lower[max(0, said - 3) : said] + lower[said + 1 : said + 3])


def _opens(lower: list[str], i: int) -> bool:
    """Whether a subject may begin at token `i`."""
    return i == 0 or lower[i - 1] in _BEFORE_SUBJECT


def _unknown_speaks(outside: list[str], here: Collection[str], found: list[Mention]) -> str:
    """`he` or `she` where "he said" is there of somebody who speaks for no actor, else ''."""
    if _HE.isdisjoint(here):
        return ""
    pronouns = {m.first for m in found if m.kind == "pronoun"}
    told = (w for i, w in enumerate(outside) if w in _HE and i not in pronouns and not REPORT.isdisjoint(outside[max(0, i - 1) : i + 2]))
    return _pronoun_of(next(told, ""))


def _pronoun_of(word: str) -> str:
    """`he` for "he'd", `she` for "she'll"; '' for other words."""
    own = word.partition("'")[0]
    return own if own in ("he", "she") else ""


def _stranger_speaks(lower: list[str], names: list[tuple[int, int]], speaking: Mention | None) -> bool:
    """Whether a reporting verb outside quotes is nearer to a name that speaks for nobody: "said Davis", "Davis, who …, told Russia's TASS"."""
    for first, last in names:
        if not lower[first]:
            continue
        before = first - 1
        while before > 0 and (lower[before] in TITLE or lower[before] == "."):
            before -= 1
        if before >= 0 and lower[before] in _INVERTED:
            return True
        reach = 9 if _opens(lower, first) else 2
        said = next((k for k, w in enumerate(lower[last : last + reach], last) if w in REPORT), 0)
        if said and (speaking is None or speaking.first > said):
            return True
    return False


def _is_byline(text: str) -> bool:
    """Whether a line names who wrote the text: "Ine Lie, Riga Times"."""
    line = _BYLINE.fullmatch(text)
    return line is not None and line["given"].lower() in given_names()


_INVERTED = frozenset("said says added adds wrote writes announced replied insisted explained noted tweeted argued continued concluded".split())


def _initial(lower: list[str], m: Mention) -> bool:
    """Whether no preposition stands before the mention, which makes it no subject."""
    before = lower[m.first - 1 : m.first]
    return m.why == _ORGAN_IN or not before or before[0] not in _OBLIQUE and before[0] != "over"
