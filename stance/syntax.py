"""Who does what in a sentence, without a parser: one scan from left to right.

For every token the scan says whose clause it stands in (`subject`), who is quoted or
reported as saying it (`speaker`), what its verb acts on (`object`), in what kind of
clause, whether it is negated or hypothetical, and which cues of the lexicon
(`stance/data/cues.csv`) begin there. Words are told apart by closed classes, by the verbs
and nouns of the cue lexicon, and by their endings; mentions come from `actors`.

The plan of `scan`: stems (`cue_stem`), a tag a word (`tag`), cues (`find_cues`), then `_Scanner`, which keeps a candidate for the subject
until a verb comes, holds it back over insertions, and in the end gives quotes and trailing attributions their speaker. All lists are as long
as the sentence has tokens, but for those by mention. The rules are the project's own, of no published method.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from typing import NamedTuple

from stance.actors import Mention, Reading
from stance.errors import DataError, near_or_all, number
from stance.tables import csv_rows
from stance.text import CALENDAR, DATA, MOST_FORMS, Memo

STANCE_CUES = ("firm", "accuse", "deny", "demand", "threaten", "cooperate")
TONE_CUES = ("hostile", "stern", "warm")
FUNCTION_CUES = ("report", "hedge", "negator", "hypothetical", "past_background", "neutral")
POLARITY = ("positive", "negative")  # from the table of valence, not from the cue table
CUE_LABELS = STANCE_CUES + TONE_CUES + FUNCTION_CUES + POLARITY
CUE_KINDS = ("verb", "noun", "adjective", "phrase")

# Clause kinds of a token.
MAIN, REPORTED, QUOTED, SUBORDINATE, RELATIVE, CONDITIONAL, INFINITIVE = range(7)
NOBODY = -1
PRONOUN = -2


# --------------------------------------------------------------------------- words

_VOWELS = frozenset("aeiouy")
_KEEP = frozenset(  # words whose endings are none of inflection, or make another word of them
    "note does news during nothing something anything everything morning evening "
    "according including concerning regarding following willing having united forces".split()
)


@lru_cache(maxsize=MOST_FORMS)
def stem(word: str) -> str:
    """The inflectional stem of a lower-case word: `accuses, accused, accusing` → `accus`.

    Only endings of inflection are cut, so that `accusation` and `accuse` stay apart.
    """
    if len(word) < 4 or word in _KEEP:
        return word
    if word.endswith(("ies", "ied")):
        return word[:-3] + "y" if len(word) > 4 else word[:-1]
    if word.endswith("ing") and len(word) > 5 and _VOWELS & set(word[:-3]):
        return _bare(word[:-3])
    if word.endswith("ed") and not word.endswith("eed") and _VOWELS & set(word[:-2]):
        return _bare(word[:-2])
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return _bare(word[:-2])
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return _bare(word[:-1])
    return _bare(word)


def _bare(word: str) -> str:
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiosl":
        return word[:-1]
    return word[:-1] if len(word) > 3 and word[-1] == "e" else word


_BE = frozenset("be been being is are was were am 's".split())
_HAVE = frozenset("has have had having 've".split())
_MODAL = frozenset("will would shall should may might can could must 'll won't wouldn't can't cannot couldn't shouldn't".split())
_DO = frozenset("do does did don't doesn't didn't".split())
_PREP = frozenset(
    "of in on at by for from with against about over under between among into onto through toward towards "
    "during despite amid via per upon within without across near along around behind beyond inside outside off up "
    "concerning regarding including following like unlike versus beside besides alongside".split()
)
_DET = frozenset(
    "the a an this that these those its his her their our my your any some no all both each every another such several many few more most".split()
)
_SUBORDINATE = frozenset(
    "after before because since while when why how although though as whereas until once where whether amid following despite".split()
)
_BEFORE_NOUNS = ("after", "before", "since", "amid", "following", "despite")  # subordinators that may be prepositions
_CONDITIONAL = frozenset("if unless should provided lest".split())
_WH = frozenset("which who whom whose that".split())
_SELF = frozenset("we i our us my ourselves we're we've we'll we'd i'm i've i'll".split())
_OTHERS = frozenset("it he she they".split())
_THEIRS = frozenset("its their his her".split())
_ADV = frozenset(  # and all in -ly
    "also not never then later still already again now even just soon often always long earlier further so neither here".split()
)
_MARKS = frozenset(",;:()[]-–—")
_BREAKS = _MARKS - {"[", "]"} | {"--"}  # marks that may end a clause
_QUOTES = frozenset(['"', "“", "”", "«", "»", "''", "``"])
_OFFICE_NOUN = frozenset(
    "spokesman spokeswoman spokesperson minister ministry premier chancellor president official officials government leader leaders ambassador "
    "envoy diplomat diplomats head chief secretary authorities army military forces troops officers statement representative "
    "delegation embassy media agency commander parliament negotiators administration".split()
)
# Nouns that end the phrase of a preposition: "on Monday Chile …", "during the night Chilean troops …"
_TIMES = CALENDAR.union(
    "today yesterday week weeks weekend month months year years day days hours night morning afternoon evening".split(), map(str, range(1900, 2100))
)
_DIRECTIONS = frozenset("north south east west northern southern eastern western central neighbouring neighboring nearby occupied".split())
_COUNTED = frozenset(
    "thousands hundreds dozens scores tens one two three four five both all most many some several none majority group groups number "
    "members couple pair handful rest".split()
)
_POST = frozenset("secretary spokesman spokeswoman spokesperson minister official officials".split())  # "White House press secretary"
_IRREGULAR = {
    "said": "say", "told": "tell", "went": "go", "gone": "go", "made": "make", "took": "take", "taken": "take", "gave": "give", "given": "give",
    "came": "come", "held": "hold", "met": "meet", "sent": "send", "left": "leave", "began": "begin", "begun": "begin", "brought": "bring",
    "saw": "see", "seen": "see", "fell": "fall", "led": "lead", "kept": "keep", "lost": "lose", "won": "win", "paid": "pay", "put": "put",
    "set": "set", "cut": "cut", "hit": "hit", "shot": "shoot", "struck": "strike", "fought": "fight", "sought": "seek", "withdrew": "withdraw",
    "withdrawn": "withdraw", "broke": "break", "broken": "break", "swore": "swear", "sworn": "swear", "drew": "draw", "drawn": "draw",
    "thought": "think", "felt": "feel", "found": "find", "stood": "stand", "understood": "understand", "spoke": "speak", "spoken": "speak",
    "wrote": "write", "written": "write", "called": "call", "knew": "know", "known": "know", "grew": "grow", "threw": "throw", "flew": "fly",
    "bought": "buy", "built": "build", "caught": "catch", "chose": "choose", "fed": "feed", "fled": "flee", "forbade": "forbid",
    "forbidden": "forbid",
    "froze": "freeze", "frozen": "freeze", "laid": "lay", "rose": "rise", "ran": "run", "sank": "sink", "sunk": "sink",
    "shook": "shake", "sold": "sell", "spent": "spend", "stuck": "stick", "tore": "tear", "torn": "tear", "undertook": "undertake",
    "became": "become",
    "did": "do", "done": "do", "noted": "note", "noting": "note", "got": "get", "let": "let", "meant": "mean", "read": "read",
    "heard": "hear", "dealt": "deal", "bore": "bear",
}  # fmt: skip
_PARTICIPLES = frozenset(
    "taken given held sent made told seen brought kept paid put set cut hit shot struck sought withdrawn broken drawn found "
    "written known thrown bought built caught chosen forbidden frozen laid sunk sold torn met said left done sworn".split()
)
_COMMON_VERBS = frozenset(
    "say tell go make take give come hold meet send leave begin bring see fall lead keep lose win pay put set cut hit shoot strike "
    "fight seek withdraw break swear draw think feel find stand speak write know grow throw fly buy build catch choose continue want "
    "need try start stop hope expect believe plan remain seem appear become include involve follow show mean cause help allow let "
    "move return visit arrive work use run turn claim refuse suspect own control rule border sign vote face receive get".split()
)


# --------------------------------------------------------------------------- cue lexicon


class Cue(NamedTuple):
    """A row of the cue lexicon: its stemmed words (`*`: one to three of any), label, kind, weight 1–3."""

    words: tuple[str, ...]
    label: str
    kind: str
    weight: float


class CueLexicon:
    """The cue table; `verbs` and `nouns` are the stems known as such, `digest` names the content; `text` is the table, '' for the one that ships.

    Rows are grouped by first stem when the table is read and parsed when a text first holds that stem: `tables` has the cues by first stem
    (those of `opening`) and second one, longest first; under '' those of one word or with a wildcard, which every other entry holds too.
    """

    def __init__(self, rows: Iterable[list[str]], digest: str, text: str = "") -> None:
        self.digest, self.text = digest, text
        self._rows: dict[str, list[list[str]]] = {}
        self.tables = Memo(self._parse)
        verbs, nouns = set(), set()
        for row in rows:
            first, blank, _ = row[0].replace("-", " ").partition(" ")
            head = cue_stem(first.lower())
            if head in self._rows:
                self._rows[head].append(row)
            else:
                self._rows[head] = [row]
            if row[2] == "verb":
                verbs.add(head)
            elif row[2] == "noun" and not blank:
                nouns.add(head)
        self.verbs = frozenset(verbs - {"be", "the", "a", "in", "on", "not", "have"} | set(map(stem, _COMMON_VERBS)))
        self.nouns = frozenset(nouns)
        self.opening = frozenset(self._rows)  # the stems that cues begin with
        self.telling = self.opening | polarity().keys()
        self.tags = Memo(partial(_fixed_tag, self.verbs))

    def __reduce__(self) -> tuple[type[CueLexicon], tuple[list[list[str]], str, str]]:
        """Pickled as its rows: sets have another order in every process, and what was parsed so far another thread may be adding to."""
        return CueLexicon, ([row for rows in self._rows.values() for row in rows], self.digest, self.text)

    def _parse(self, first: str) -> dict[str, tuple[Cue, ...]]:
        best: dict[tuple[tuple[str, ...], str, str], Cue] = {}
        for row in self._rows[first]:
            cue = _cue(row)
            key = cue.words, cue.label, cue.kind if len(cue.words) == 1 else ""
            if key not in best or best[key].weight < cue.weight:
                best[key] = cue
        ordered = sorted(best.values(), key=lambda c: (-len(c.words), c.label, -c.weight, c.kind))
        seconds = [c.words[1] if c.words[1:2] not in ((), ("*",)) else "" for c in ordered]
        table: dict[str, list[Cue]] = {"": [], **{second: [] for second in seconds}}
        for cue, second in zip(ordered, seconds, strict=True):
            for found in (table[second],) if second else table.values():
                found.append(cue)
        return {second: tuple(found) for second, found in table.items()}


def build_cues(data: str, *, source: str = "cues.csv", shipped: bool = False) -> CueLexicon:
    """Parse a cue table with columns `phrase,label,kind,weight`.

    Raises DataError listing every bad row as `source:line: …`, but for the `shipped` table, which is known to have none.
    """
    import hashlib

    reader = csv_rows(io.StringIO(data, newline=""))
    header = [c.strip() for c in next(reader, [])]
    if header[:4] != ["phrase", "label", "kind", "weight"]:
        raise DataError(f"{source}:1: the columns are {', '.join(header) or 'none'}", "they must be phrase,label,kind,weight")
    rows, problems, line = [], [], reader.line_num
    for row in reader:
        begun, line = line, reader.line_num
        if row:
            rows.append(row if shipped else [c.strip() for c in row])
            try:
                if not shipped:
                    _cue(row)
            except ValueError as e:
                problems.append(f"{source}:{begun + 1}: {e}")
    if problems:
        raise DataError(f"{source}: {number(len(problems), 'bad row')} in the cue table", "correct these rows", tuple(problems))
    return CueLexicon(rows, hashlib.sha256(data.encode()).hexdigest()[:16], text="" if shipped else data)


def _cue(row: list[str]) -> Cue:
    if len(row) != 4:
        raise ValueError(f"{len(row)} cells in {','.join(row)!r:.80}; four are needed")
    phrase, label, kind, weight = (c.strip() for c in row)
    allowed = STANCE_CUES + TONE_CUES + FUNCTION_CUES
    if label not in allowed:
        raise ValueError(f"label {label!r}; {near_or_all(label, allowed)}")
    if kind not in CUE_KINDS:
        raise ValueError(f"kind {kind!r}; one of {', '.join(CUE_KINDS)}")
    if weight not in ("1", "2", "3"):
        raise ValueError(f"weight {weight!r}; 1, 2 or 3")
    words = tuple("*" if w == "*" else cue_stem(w) for w in phrase.lower().replace("-", " - ").split())
    if not words or "*" in (words[0], words[-1]):
        raise ValueError(f"phrase {phrase!r} must begin and end with a word")
    return Cue(words, label, kind, float(weight))


# stem of a word as cues are matched: irregular forms first go to their base
cue_stem = Memo(lambda word: stem(_IRREGULAR.get(word, word))).__getitem__


@lru_cache(maxsize=1)
def default_cues() -> CueLexicon:
    """The cue lexicon that ships with the package."""
    return build_cues((DATA / "cues.csv").read_text("utf-8"), shipped=True)


@lru_cache(maxsize=1)
def polarity() -> dict[str, float]:
    """Valence of word stems, -4 to 4, from the VADER lexicon (Hutto & Gilbert 2014, MIT) and marked by hand (README of `stance/data`)."""
    lines = (DATA / "polarity.csv").read_text("utf-8").splitlines()[1:]
    return {stem_: float(v) for stem_, v in (line.split(",") for line in lines)}


class FoundCue(NamedTuple):
    """A cue in a sentence: tokens `first:last`; `kind` is `verb` or `noun` by how it stands there, where the table has its word as either."""

    first: int
    last: int
    label: str
    kind: str
    weight: float


_NO_CUES: dict[str, tuple[Cue, ...]] = {"": ()}


def find_cues(stems: list[str], tags: list[str], cues: CueLexicon) -> list[FoundCue]:
    """All cues of a sentence, by its stems ('' in mentions: a name holds no cue); a longer cue of the same label hides the shorter ones it covers."""
    found: list[FoundCue] = []
    covered: dict[str, int] = {}
    valence = polarity()
    opening, telling, tables, verbs = cues.opening, cues.telling, cues.tables, cues.verbs
    held, after = set(stems), [*stems[1:], ""]
    for i, s in enumerate(stems):
        if s not in telling:
            continue
        table = tables[s] if s in opening else _NO_CUES
        for words, label, kind, weight in table.get(after[i]) or table[""]:
            if words[-1] not in held or covered.get(label, 0) > i:
                continue
            if len(words) > 1:
                last = _match(words, stems, i)
            else:
                last = 0 if kind == "adjective" and _noun_after_all(tags, i) else i + 1
            if last:
                if s in verbs and kind in ("verb", "noun"):
                    kind = "verb" if tags[i] in "VBGE" else "noun"
                found.append(FoundCue(i, last, label, kind, weight))
                covered[label] = last
        if (v := valence.get(s)) is not None:
            found.append(FoundCue(i, i + 1, "positive" if v > 0 else "negative", "adjective", min(3.0, abs(v))))
    return found


def _match(words: tuple[str, ...], stems: list[str], i: int) -> int:
    """Position after the match of `words`, of which the first is that at `i`, or 0."""
    n = len(stems)
    for k, w in enumerate(words):
        if w == "*":
            rest = words[k + 1 :]
            near = stems[i + 1 : i + 4]
            if rest[0] != "*" and rest[0] not in near:
                return 0
            return next((e for skip in (1, 2, 3) if i + skip < n and (e := _match(rest, stems, i + skip))), 0)
        if i >= n or stems[i] != w:
            return 0
        i += 1
    return i


def _noun_after_all(tags: list[str], i: int) -> bool:
    """Whether an adjective cue heads a noun phrase, and so is another word: "the firm said"."""
    return i > 0 and tags[i] == "N" and tags[i - 1] in "D'" and tags[i + 1 : i + 2] not in (["N"], ["M"], ["C"])


# --------------------------------------------------------------------------- tags


def tag(lower: list[str], stems: list[str], mentions: Sequence[Mention], cues: CueLexicon) -> list[str]:
    """One letter a token: M mention, V finite verb, B base verb, G -ing, E passive participle, X auxiliary,
    P preposition, D determiner, S subordinator, W relative, C and/or/but, Q quote, K other mark,
    R adverb, I we/I, H it/he/she/they, T to, ' possessive, N anything else."""
    tags = list(map(cues.tags.__getitem__, lower))  # in small letters those that are not settled yet
    for m in mentions:
        tags[m.first : m.last] = "M" * (m.last - m.first)
    adjectives = {m.last: lower[m.last - 1] for m in mentions if m.kind == "demonym"}
    asking = _ASKING.search("".join(tags)) is not None  # the quick way out of nearly every sentence
    for i, form in [(i, t) for i, t in enumerate(tags) if t in _OPEN]:
        k = i - 1
        while k >= 0 and tags[k] == "R":
            k -= 1
        prev = tags[k] if k >= 0 else "K"
        if prev == "M" and asking and _asked(tags, k):
            prev = "X"
        told = prev in "KQ" and lower[i][-1] == "s" and tags[i + 1 : i + 2] == ["M"] and (prev == "Q" or lower[i - 1] == ",")  # ", warns Oslo"
        noun = i in adjectives and (form == "s" or form == "b" and not adjectives[i].endswith(_NATIONS))  # "Chilean claims were denied"
        tags[i] = "N" if noun else "V" if told else _open_class(form, lower, i, stems[i], prev, cues)
    return tags


_NATIONS = ("sh", "ch", "se", "ss")  # of demonyms that name the people as well: "the French claim that"
_ASKING = re.compile("(?:^|[KCQRS])XD?M")


def _asked(tags: list[str], k: int) -> bool:
    """Whether an auxiliary stands before its subject, the mention that ends at `k`: "has Oslo", ", nor did the Norwegian"."""
    while k >= 0 and tags[k] in "MD":
        k -= 1
    return k >= 0 and _precedes_subject(tags, k)


def _precedes_subject(tags: list[str], i: int) -> bool:
    """Whether the auxiliary at `i` opens its clause and stands before its subject: "Nor has Oslo …", "So did the Chinese minister"."""
    return tags[i] == "X" and (not i or tags[i - 1] in "KCQRS") and (tags[i + 1 : i + 2] == ["M"] or tags[i + 1 : i + 3] == ["D", "M"])


_CLOSED: dict[str, str] = {
    **dict.fromkeys(_ADV, "R"), **dict.fromkeys(_DET, "D"), **dict.fromkeys(_PREP, "P"), **dict.fromkeys(_SUBORDINATE, "S"),
    **dict.fromkeys(_CONDITIONAL, "S"), **dict.fromkeys(_WH, "W"), **dict.fromkeys(_BE | _HAVE | _MODAL | _DO, "X"),
    **dict.fromkeys(("and", "or", "but", "nor", "yet"), "C"), **dict.fromkeys(_QUOTES, "Q"), **dict.fromkeys(_MARKS | set(".!?…"), "K"),
    **dict.fromkeys(_SELF, "I"), **dict.fromkeys(_OTHERS, "H"), "to": "T", "'s": "'", "--": "K", "...": "K",
}  # fmt: skip


def _fixed_tag(verbs: frozenset[str], w: str) -> str:
    """A word's tag where that does not hang on its neighbours, else one of _OPEN, by its ending."""
    if closed := _CLOSED.get(w):
        return closed
    if not w[0].isalpha():
        return "N"
    if w.endswith("ly"):
        return "R"
    if w.endswith("ing") and len(w) > 5:
        return "g"
    if w.endswith("ed") and len(w) > 4 and w != "united" or w in _IRREGULAR:
        return "p"
    if cue_stem(w) not in verbs:
        return "N"
    return "s" if w.endswith("s") and not w.endswith("ss") else "b"


_OPEN = frozenset("gpsb")  # of words that may be verbs: in -ing, past, in -s, the bare form


def _open_class(form: str, lower: list[str], i: int, s: str, prev: str, cues: CueLexicon) -> str:
    """The tag of word `i`, of stem `s` and of a `form` of _OPEN; `prev` is that of the word before it, but for adverbs."""
    if form == "g":
        return "N" if prev == "D" and s not in cues.verbs else "G"
    if form == "p":
        return _past(lower, i, prev)
    if prev in "TX" and (prev == "T" or _last_aux(lower, i) not in _BE | _HAVE):
        return "B"
    if prev in "DP'":
        return "N"
    if form == "s" and prev in "NMWHC":
        return "V" if s not in cues.nouns or _acts(lower, i) else "N"
    if prev in "IHW":
        return "V"
    return "V" if s not in cues.nouns and prev in "MN" and i + 1 < len(lower) and lower[i + 1] not in _POST else "N"


def _acts(lower: list[str], i: int) -> bool:
    """Whether a word that may be a plural noun or a verb ("sanctions") is followed by an object or a complement."""
    nxt = lower[i + 1] if i + 1 < len(lower) else "."
    return nxt in _DET or nxt in ("it", "them", "him", "that", "to") and lower[i] != "talks"


_ADDRESSING = frozenset("warn ask urg remind".split())  # stems of verbs of reporting that have an object
_ADDRESSED = frozenset("tell warn remind inform assur call".split())  # … and of those that whoever stands right behind is the object of
_ALONE = frozenset("each both all some many several few most this that these those".split())  # determiners that may be a subject


def _past(lower: list[str], i: int, prev: str) -> str:
    """The tag of a past form: a passive participle, an attribute, else a finite verb."""
    if prev == "X":
        return "E" if _last_aux(lower, i) in _BE and (lower[i].endswith("ed") or lower[i] in _PARTICIPLES) else "V"
    if prev in "DP'" and lower[i - 1] not in _ALONE:
        return "N"
    if prev in "NKM" and _by_phrase(lower, i, 2 if prev == "M" else 6):
        return "E"
    return "V"


def _by_phrase(lower: list[str], i: int, reach: int) -> bool:
    """Whether a past form is the participle of "the ones issued on Monday by …"."""
    for w in lower[i + 1 : i + 1 + reach]:
        if w == "by":
            return True
        if w in (",", ".", ";", "and", "that", "to") or w in _BE or w in _HAVE or w in _DET and reach < 3:
            return False
    return False


def _last_aux(lower: list[str], i: int) -> str:
    for k in range(i - 1, max(-1, i - 4), -1):
        if lower[k] in _BE or lower[k] in _HAVE or lower[k] in _MODAL or lower[k] in _DO:
            return lower[k]
    return ""


# --------------------------------------------------------------------------- scan


class Scan(NamedTuple):
    """What the scan says of every token; mention numbers index `Reading.mentions`, NOBODY and PRONOUN else.

    `group[m]` is the first mention of the list that mention `m` belongs to ("X, Y and Z").
    `subject`, `speaker` and `object` hold group numbers. `role[m]` is the mention's own place.
    """

    lower: list[str]
    stems: list[str]
    tags: list[str]
    mention_at: list[int]
    group: list[int]
    subject: list[int]
    speaker: list[int]
    object: list[int]
    clause: list[int]
    negated: list[bool]
    hypothetical: list[bool]
    passive: list[bool]
    modal: list[int]
    role: list[str]
    cues: list[FoundCue]


def scan(reading: Reading, cues: CueLexicon) -> Scan:
    """Scan one sentence; see the module's first lines."""
    lower = reading.tokens.lower
    stems = list(map(cue_stem, lower))
    mentions = reading.mentions
    at = [NOBODY] * len(lower)
    unnamed = stems.copy()
    for k, m in enumerate(mentions):
        at[m.first : m.last] = [k] * (m.last - m.first)
        unnamed[m.first : m.last] = [""] * (m.last - m.first)
    tags = tag(lower, stems, mentions, cues)
    found = find_cues(unnamed, tags, cues)
    return _Scanner(reading, stems, tags, at, found).run()


MODALS = (  # auxiliaries, by the number that a verb has for the first one of its group: 0 for none, 12 for a bare infinitive
    "", "will 'll shall we'll they'll", "would wouldn't", "must", "should ought shouldn't", "can", "could", "may might", "need needs",
    "has have had we've", "is are was were been be we're", "do does did don't doesn't didn't", "", "let", "won't", "can't cannot couldn't",
)  # fmt: skip
_INFINITIVE = 12
_MODAL_OF = {word: number for number, words in enumerate(MODALS) for word in words.split()}


def _modals(lower: list[str], tags: list[str]) -> list[int]:
    """For every verb the number, as of MODALS, of the first auxiliary of its verb group."""
    out = [0] * len(lower)
    for i in [i for i, t in enumerate(tags) if t in "VBGE"]:
        k = i - 1
        first = 0
        while k >= 0 and i - k <= 5 and (tags[k] in "XRT" or lower[k] == "n't" or lower[k] in _MODAL_OF):
            first = _INFINITIVE if tags[k] == "T" and not first else _MODAL_OF.get(lower[k], first)
            k -= 1
        out[i] = first
    return out


class _State:
    """Where the scan stands in a sentence."""

    __slots__ = ("clause", "fresh", "has_np", "held", "last_verb", "np", "obj", "outer", "prep", "relative_of", "speaker", "subject")

    def __init__(self) -> None:
        self.np = self.held = NOBODY  # subject candidate since the last boundary, and the one before an insertion
        self.fresh, self.has_np = True, False  # no verb since the boundary; a noun phrase
        self.subject = self.outer = self.speaker = self.obj = self.relative_of = NOBODY
        self.clause, self.last_verb, self.prep = MAIN, -1, ""

    def boundary(self, prep: str = "") -> None:
        """A clause begins; who might have been the subject of the one before is held."""
        if self.np >= 0:
            self.held = self.np
        self.np, self.has_np, self.fresh, self.prep = NOBODY, False, True, prep

    def turn(self, quoted: bool) -> None:
        """A quote begins or ends; the subject before it is that behind it."""
        self.boundary()
        self.held = self.obj = NOBODY
        self.subject, self.outer = (NOBODY, self.subject) if quoted else (self.outer, NOBODY)
        self.clause = MAIN
        if quoted:
            self.last_verb, self.clause = -1, QUOTED


class _Scanner:
    """A sentence that is scanned: the lists of `Scan`, filled as the scan goes on, and where it stands (`now`)."""

    def __init__(self, reading: Reading, stems: list[str], tags: list[str], at: list[int], found: list[FoundCue]) -> None:
        lower, mentions = reading.tokens.lower, reading.mentions
        n = len(lower)
        self.lower, self.stems, self.tags, self.at, self.mentions, self.found = lower, stems, tags, at, mentions, found
        self.next_tag = [*tags[1:], ""]
        self.group = list(range(len(mentions)))
        self.subject = [NOBODY] * n
        self.speaker = [NOBODY] * n
        self.object = [NOBODY] * n
        self.clause = [MAIN] * n
        self.passive = [False] * n
        self.role = ["other"] * len(mentions)
        self.report_verbs = {f.first for f in found if f.label == "report"}
        self.report_at = self.report_verbs | {f.first for f in found if f.kind == "verb" and f.label in STANCE_CUES}
        self.negated = self._scope([f for f in found if f.label == "negator"], 5)
        self.hypothetical = self._scope([f for f in found if f.label == "hypothetical"], 8)
        self.in_quote = self._quotes(reading)
        self.carried = next((k for k, m in enumerate(mentions) if m.kind == "quote"), NOBODY)
        self.follows = [False] * len(mentions)  # whether the next mention follows it in a list: from the last one, which none does
        for k in range(len(mentions) - 2, -1, -1):
            self.follows[k] = self._listed(k, k + 1)
        self.now = _State()

    def _scope(self, found: list[FoundCue], reach: int) -> list[bool]:
        out = [False] * len(self.lower)
        for f in found:
            for i in range(f.last, min(len(out), f.last + reach)):
                if self.lower[i] in (".", ";", "but") or self.tags[i] == "Q":
                    break
                out[i] = True
        return out

    def _quotes(self, reading: Reading) -> list[bool]:
        inside = reading.in_quote and _QUOTES.isdisjoint(self.lower[:1])
        if _QUOTES.isdisjoint(self.lower):
            return [inside] * len(self.lower)
        out, depth = [], int(inside)  # a quotation inside another one does not end it
        for w in self.lower:
            if w not in _QUOTES:
                out.append(depth > 0)
                continue
            out.append(False)
            if w in ("“", "«"):
                depth += 1
            elif w in ("”", "»"):
                depth = max(0, depth - 1)
            else:
                depth = int(not depth)
        return out

    # -- the scan

    def run(self) -> Scan:
        """The scan itself, by the word class of each token (`_ON`)."""
        now, quoted = self.now, False
        subject, speaker, clause = self.subject, self.speaker, self.clause
        for i, (act, inside) in enumerate(zip(map(_ON.get, self.tags), self.in_quote, strict=True)):
            if inside != quoted:
                now.turn(inside)
                quoted = inside
            if act and act(self, i):
                continue
            subject[i] = self._candidate(i) if now.has_np else now.subject
            speaker[i] = now.speaker
            clause[i] = now.clause
        self._backfill()
        return Scan(
            self.lower, self.stems, self.tags, self.at, self.group, self.subject, self.speaker, self.object, self.clause,
            self.negated, self.hypothetical, self.passive, _modals(self.lower, self.tags), self.role, self.found,
        )  # fmt: skip

    def _candidate(self, i: int) -> int:
        """Who may be the subject at `i`; it/they stand for the speaker, else for the last subject, we/I in a quote for whom is found in the end."""
        now = self.now
        if now.np != PRONOUN or self.in_quote[i]:
            return now.np
        return now.speaker if now.speaker >= 0 else now.subject if now.subject >= 0 else PRONOUN

    def _on_noun(self, i: int) -> None:
        now = self.now
        if now.prep:
            if self.next_tag[i] not in ("N", "M") or self.lower[i] in _TIMES:
                now.prep = ""
        elif now.fresh:
            if now.np == NOBODY and self.lower[i] in _OFFICE_NOUN and not self.in_quote[i] and not _THEIRS.isdisjoint(self.lower[max(0, i - 3) : i]):
                now.np = PRONOUN  # "its foreign minister said"
            now.has_np = True

    def _on_mention(self, i: int) -> bool:
        """A token of a mention; True for one of a place that only owns the next mention: it is nobody's."""
        k = self.at[i]
        if i == 0 or self.at[i - 1] != k:
            if self._only_owner(k):
                return True
            self._on_first(i, k)
        if i + 1 == len(self.at) or self.at[i + 1] != k:
            self.now.prep = ""
        return False

    def _on_first(self, i: int, k: int) -> None:
        """The first token of a mention: its place, and whether it is a subject, an object or an agent."""
        now, m = self.now, self.mentions[k]
        if now.prep and self._after_phrase(i, m.last):
            now.prep = ""
        elif now.prep and m.kind in ("person", "learnt"):
            now.prep = self._prep_of_title(i, now.prep)
        self._place(k)
        prep, g = now.prep, self.group[k]
        if g != k:  # it shares the place of the list it stands in
            return
        if prep and not (now.np == NOBODY and now.has_np and (
            prep in ("of", "for", "in", "from") and self._office_before(i) or prep == "of" and self._counted_before(i)
        )):  # fmt: skip
            if prep == "by" and now.last_verb >= 0 and self.passive[now.last_verb]:
                self._agent(now.last_verb, g, i)
        elif now.fresh and not self._addressed(i, k):
            if not now.has_np or now.np == NOBODY and self.tags[i - 1] != "'":  # "Last week Chile …", "Two senior Chilean diplomats …"
                now.np, now.has_np = g, True
        elif now.obj == NOBODY:
            now.obj = g
            if now.last_verb >= 0:
                self.object[now.last_verb] = g

    def _on_preposition(self, i: int) -> None:
        """A preposition governs what follows; "to" before a base form is none, and a possessive ends its phrase."""
        t = self.tags[i]
        none = t == "'" or t == "T" and self.next_tag[i] == "B"
        self.now.prep = "" if none else self.lower[i]

    def _on_pronoun(self, i: int) -> None:
        now = self.now
        if now.fresh and (not now.has_np or now.np == NOBODY and not now.prep):
            now.np, now.has_np = PRONOUN, True
        now.prep = ""

    def _on_verb(self, i: int) -> None:
        """A finite verb, a participle, or the auxiliary that comes first in its clause: its subject is found."""
        now = self.now
        if now.fresh and not now.has_np and _precedes_subject(self.tags, i):
            return
        who = self._inverted(i) if i in self.report_verbs and not now.has_np else NOBODY
        if who >= 0 or who == PRONOUN and now.held == NOBODY:  # "Chile, warned Oslo, must pay"; not "Lie, in Oslo, said a word"
            now.subject = now.speaker = max(who, NOBODY)
            now.np, now.has_np, now.fresh, now.prep, now.obj, now.last_verb = PRONOUN, True, True, "", NOBODY, i
            return
        if now.fresh:
            if now.relative_of != NOBODY and not now.has_np and not self._after_mark(i):
                now.subject, now.relative_of = now.relative_of, NOBODY
            elif now.has_np:
                now.subject = self._candidate(i)
            elif now.held != NOBODY:
                now.subject = now.held
                if not self._after_mark(i):  # a participle there may open an insertion: "Chile, stung by this, rejected it"
                    now.held = NOBODY
                elif now.clause == RELATIVE:
                    now.clause = MAIN
            if now.np >= 0 and not (i in self.report_verbs and self.lower[i + 1 : i + 2] == [","]):  # "Chile, Oslo warned, must pay"
                now.held = NOBODY
        elif self.tags[i] == "X":
            return
        now.np, now.has_np, now.fresh, now.prep, now.obj = NOBODY, False, False, "", NOBODY
        if self.tags[i] != "X":
            now.last_verb = i
            self.passive[i] = self.tags[i] == "E"
            if i in self.report_verbs:
                now.speaker = now.subject if now.subject >= 0 else now.speaker
                now.fresh = True

    def _on_base(self, i: int) -> bool:
        """A base form or one in -ing: of the object ("urged X to go"), of what an insertion held back, else of the subject; it tells so itself."""
        now, t = self.now, self.tags[i]
        to = t == "B" and self.lower[i - 1] == "to"
        infinitive = now.obj >= 0 and now.last_verb >= 0 and (now.prep in ("of", "for", "from", "into", "against", "at", "about") or to)
        subject = now.obj if infinitive else now.held if t == "G" and now.fresh and not now.has_np and now.held >= 0 else now.subject
        if t == "B" and now.has_np:  # modal + base: "China would respond"
            subject = now.subject = self._candidate(i)
            now.np, now.has_np, now.fresh = NOBODY, False, False
        now.last_verb, now.prep = i, ""
        self.subject[i], self.speaker[i], self.clause[i] = subject, now.speaker, INFINITIVE if infinitive else now.clause
        if i in self.report_verbs:
            now.fresh = True
        return True

    def _on_subordinator(self, i: int) -> None:
        now, w = self.now, self.lower[i]
        if self.next_tag[i] == "T":  # "how to reach it"
            return
        now.boundary(w if w in _BEFORE_NOUNS and self._nominal(i) else "")
        now.obj = NOBODY
        now.clause = CONDITIONAL if w in _CONDITIONAL else SUBORDINATE

    def _on_relative(self, i: int) -> None:
        """which, who, that: a reported clause after a verb of saying, else a relative one."""
        now, tags, at = self.now, self.tags, self.at
        previous = at[i - 1] if i else NOBODY
        if i > 1 and tags[i - 1] == "K":
            previous = at[i - 2]
        if self.lower[i] == "that" and (i - 1 in self.report_at or previous < 0):
            now.clause = REPORTED if now.clause != QUOTED else now.clause
            if now.subject >= 0 and (now.speaker < 0 or self.tags[i - 1] != "C"):  # "said … and that …"
                now.speaker = now.subject
            now.np = NOBODY  # not held
        else:
            now.relative_of = self.group[previous] if previous >= 0 else (now.np if now.np >= 0 else NOBODY)
            now.clause = RELATIVE if now.clause != QUOTED else now.clause
        now.boundary()

    def _on_break(self, i: int) -> None:
        """A conjunction, or a mark: whether it ends a clause or a list goes on."""
        now, conjunction = self.now, self.tags[i] == "C"
        if not conjunction and self.lower[i] not in _BREAKS:
            return
        if self._list_goes_on(i):
            if now.np >= 0:
                now.held = now.np
            return
        if now.fresh or not conjunction:
            now.obj = NOBODY
        now.boundary()
        if conjunction and self.lower[i] == "but" or self.lower[i] == ";":
            now.clause = QUOTED if self.in_quote[i] else MAIN

    def _only_owner(self, k: int) -> bool:
        """A place that owns the next mention: "Yemen's Houthi movement"."""
        m = self.mentions[k]
        nxt = self.mentions[k + 1] if k + 1 < len(self.mentions) else None
        return m.kind == "place" and nxt is not None and self.lower[m.last : m.last + 1] == ["'s"] and nxt.first == m.last + 1

    def _after_phrase(self, i: int, end: int) -> bool:
        """Whether the mention from `i` to `end` stands behind the phrase that opens its clause, before its verb: "In a statement Chile said …"."""
        opens = self.now.fresh and not self.now.has_np and self.tags[i - 1] == "N" and self.lower[i - 1] not in _DIRECTIONS
        return opens and self.next_tag[end - 1] in ("V", "X")

    def _prep_of_title(self, i: int, prep: str) -> str:
        """The preposition that governs "Secretary of State X": the one before the title, if any."""
        j = i - 1
        office = NOBODY
        while j >= 0 and i - j <= 7 and (self.tags[j] in "NM'" or self.lower[j] in ("of", "for", "and", "the")):
            if self.lower[j] in _OFFICE_NOUN:
                office = j
            j -= 1
        if office == NOBODY:
            return prep
        j = office - 1
        while j >= 0 and self.tags[j] in "NMD'":
            j -= 1
        return self.lower[j] if j >= 0 and self.tags[j] == "P" else ""

    def _office_before(self, i: int) -> bool:
        return any(self.lower[j] in _OFFICE_NOUN for j in range(max(0, i - 6), i))

    def _counted_before(self, i: int) -> bool:
        """Whether the mention at `i` is what a number or group is of: "dozens of Chilean troops"; not in "the loss of dozens of Chilean troops"."""
        of = next((j for j in range(max(1, i - 3), i) if self.lower[j] == "of"), 0)
        return of > 0 and self.lower[of - 1] in _COUNTED

    def _addressed(self, i: int, k: int) -> bool:
        """Whether the mention is who a verb of saying right before it speaks to, and no clause of its own: "warned Chile against it"."""
        after = self.tags[self.mentions[k].last : self.mentions[k].last + 2]
        return i - 1 == self.now.last_verb and self.stems[i - 1] in _ADDRESSED and {"V", "X", "N", "'"}.isdisjoint(after)

    def _after_mark(self, i: int) -> bool:
        j = i - 1
        while j > 0 and self.tags[j] in "RX":
            j -= 1
        return j >= 0 and self.lower[j] in (",", ")", "-", "–", "—", "--")

    def _nominal(self, i: int) -> bool:
        """Whether no finite verb follows before the next mark: "after the talks in Geneva,"."""
        for j in range(i + 1, min(len(self.lower), i + 12)):
            if self.tags[j] == "V" or self.tags[j] == "X":
                return False
            if self.tags[j] in "KQ":
                return True
        return True

    def _list_goes_on(self, i: int) -> bool:
        """Whether the mark or conjunction stands inside a list of mentions."""
        left = self.at[i - 1] if i else NOBODY
        return left >= 0 and any(self._listed(left, k) for k in range(left + 1, min(left + 3, len(self.mentions))))

    def _listed(self, k: int, other: int) -> bool:
        """Whether mention `other` follows mention `k` in a list: "A and B", or "A, B" that goes on to an "and"."""
        a, b = self.mentions[k], self.mentions[other]
        if b.first < a.last or b.first - a.last > 4 or a.actor == b.actor:
            return False
        gap = self.tags[a.last : b.first]
        words = self.lower[a.last : b.first]
        if any(t not in "CD" and w != "," for t, w in zip(gap, words, strict=True)) or not gap:
            return False
        if "C" in gap:
            return "but" not in words
        return words == [","] and self.follows[other]

    def _place(self, k: int) -> None:
        """The role of a mention: that of the list it goes on, else its own."""
        before = next((j for j in range(k - 1, max(-1, k - 3), -1) if self._listed(j, k)), NOBODY)
        if before >= 0:
            self.group[k], self.role[k] = self.group[before], self.role[before]
            return
        m, now = self.mentions[k], self.now
        if now.prep:
            self.role[k] = f"prep:{now.prep}"
        elif m.kind == "demonym":
            self.role[k] = "modifier" if now.fresh else "object modifier"
        elif self.lower[m.last : m.last + 1] == ["'s"]:
            self.role[k] = "possessor" if now.fresh else "object possessor"
        else:
            self.role[k] = "head" if now.fresh else "object"

    def _agent(self, verb: int, g: int, i: int) -> None:
        """The by-phrase of a passive: the mention is who acts."""
        old = self.subject[verb]
        for j in range(verb, i):
            if self.subject[j] == old:
                self.subject[j] = g
        self.object[verb] = old
        self.passive[verb] = False
        self.role[g] = "agent"

    def _backfill(self) -> None:
        """Give quotes and trailing attributions their speaker, and resolve we/I to it."""
        speaker, trailing = self._attributed()
        source = NOBODY
        if "according" in self.lower:
            source = next((self.group[k] for i, k in enumerate(self.at) if k >= 0 and self.lower[max(0, i - 2) : i] == ["according", "to"]), NOBODY)
        if source == NOBODY and trailing < 0 and True not in self.in_quote and PRONOUN not in self.subject:
            return
        for i, quoted in enumerate(self.in_quote):
            if quoted:
                self.speaker[i] = speaker
            elif self.speaker[i] == NOBODY:
                if source >= 0:
                    self.speaker[i] = source
                elif trailing > i:
                    self.speaker[i] = self.subject[trailing]
                    self.clause[i] = REPORTED if self.clause[i] == MAIN else self.clause[i]
            if self.subject[i] == PRONOUN:
                self.subject[i] = self.speaker[i]

    def _attributed(self) -> tuple[int, int]:
        """Who is quoted, and the reporting verb that closes the sentence (-1: none does); the verbs' own subjects are set right."""
        speaker, trailing = self.carried, -1
        for i in sorted(self.report_verbs):
            if self.in_quote[i] or self.tags[i] not in "VBG":
                continue
            who = self._inverted(i)
            if who < 0:
                who = self.subject[i]
            if who >= 0:
                self.subject[i] = who
                speaker = who if speaker == self.carried else speaker
                trailing = i if self._trails(i) else trailing
        return speaker, trailing

    def _inverted(self, i: int) -> int:
        """Who speaks in `," said X`, `, said the X minister` or `, warns X,`: the mention, or PRONOUN for somebody else (`, said a farmer.`).

        NOBODY where the verb has its subject before it: `, said X would pay`, `, warned X of war`.
        """
        tags, lower = self.tags, self.lower
        if tags[i] != "V" or not i or tags[i - 1] != "Q" and lower[i - 1] != "," or self.stems[i] == "tell":
            return NOBODY
        end = i + 1
        while end < len(lower) and tags[end] in "MDN'R":
            end += 1
        after = tags[end] if end < len(lower) else "K"
        if tags[i - 1] == "Q":
            closes = after not in "VX"
        else:
            closes = lower[end : end + 1] in ([","], ["."]) if self.stems[i] in _ADDRESSING else after in "KP"
        if not closes or end == i + 1:
            return NOBODY
        k = next((k for k in self.at[i + 1 : min(end, i + 5)] if k >= 0), NOBODY)
        return self.group[k] if k >= 0 else PRONOUN

    def _trails(self, i: int) -> bool:
        """Whether the reporting verb closes the sentence: ", the ministry said on Monday."."""
        if not any(self.lower[j] == "," or self.tags[j] == "Q" for j in range(max(0, i - 12), i)):
            return False
        rest = self.tags[i + 1 :]
        return not any(t in "VBXQ" for t in rest) and len(rest) <= 14 and "that" not in self.lower[i + 1 : i + 3]


_ON: dict[str, Callable[[_Scanner, int], bool | None]] = {  # what the scan does at a tag; True: the token's own subject, speaker and clause are told
    "N": _Scanner._on_noun, "M": _Scanner._on_mention, **dict.fromkeys("PT'", _Scanner._on_preposition), **dict.fromkeys("IH", _Scanner._on_pronoun),
    **dict.fromkeys("VEX", _Scanner._on_verb), **dict.fromkeys("BG", _Scanner._on_base), "S": _Scanner._on_subordinator,
    "W": _Scanner._on_relative, **dict.fromkeys("CK", _Scanner._on_break),
}  # fmt: skip
