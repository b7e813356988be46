"""Who does what in a sentence, without a parser: one scan from left to right.

For every token the scan says whose clause it stands in (`subject`), who is quoted or
reported as saying it (`speaker`), what its verb acts on (`object`), in what kind of
clause, whether it is negated or hypothetical, and which cues of the lexicon
(`stance/data/cues.csv`) begin there. Words are told apart by closed classes, by the verbs
and nouns of the cue lexicon, and by their endings; mentions come from `actors`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from stance.actors import Mention, Reading
from stance.errors import DataError, near_miss, number
from stance.tables import csv_rows
from stance.text import DATA, MOST_FORMS, Memo

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
_KEEP = frozenset(
    "note this thus was is has does its his us as gas news bus plus need speed indeed bed red led ring king bring thing "
    "sing string spring wing during nothing something anything everything morning evening "
    "according including concerning regarding following willing being having united forces".split()
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
    "concerning regarding including following like versus beside besides alongside because_of".split()
)
_DET = frozenset(
    "the a an this that these those its his her their our my your any some no all both each every another such several many few more most".split()
)
_SUBORDINATE = frozenset("after before because since while when although though as whereas until once where whether amid following despite".split())
_CONDITIONAL = frozenset("if unless should provided lest".split())
_WH = frozenset("which who whom whose that".split())
_SELF = frozenset("we i our us my ourselves we're we've we'll we'd i'm i've i'll".split())
_OTHERS = frozenset("it he she they".split())
_ADV = frozenset(
    "also not never then later still already again now only even just repeatedly immediately quickly soon once "
    "often always long earlier further strongly sharply formally officially publicly flatly firmly".split()
)
_MARKS = frozenset(",;:()[]-–—")
_BREAKS = _MARKS - {"[", "]"} | {"--"}  # marks that may end a clause
_QUOTES = frozenset(['"', "“", "”", "«", "»", "''", "``"])
_OFFICE_NOUN = frozenset(
    "spokesman spokeswoman spokesperson minister ministry president official officials government leader leaders ambassador "
    "envoy diplomat diplomats head chief secretary authorities army military forces troops officers statement representative "
    "delegation embassy media agency commander parliament foreign-ministry negotiators administration".split()
)
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
    "froze": "freeze", "frozen": "freeze", "laid": "lay", "met_with": "meet", "rose": "rise", "ran": "run", "sank": "sink", "sunk": "sink",
    "shook": "shake", "sold": "sell", "spent": "spend", "stuck": "stick", "tore": "tear", "torn": "tear", "undertook": "undertake",
    "became": "become",
    "did": "do", "done": "do", "noted": "note", "noting": "note", "got": "get", "let": "let", "meant": "mean", "read": "read",
    "heard": "hear", "dealt": "deal", "bore": "bear",
}  # fmt: skip
_PARTICIPLES = frozenset(
    "taken given held sent made told seen brought kept paid put set cut hit shot struck sought withdrawn broken drawn found "
    "written known thrown bought built caught chosen forbidden frozen laid sunk sold torn met said called left done sworn".split()
)
_COMMON_VERBS = frozenset(
    "say tell go make take give come hold meet send leave begin bring see fall lead keep lose win pay put set cut hit shoot strike "
    "fight seek withdraw break swear draw think feel find stand speak write know grow throw fly buy build catch choose continue want "
    "need try start stop hope expect believe plan remain seem appear become include involve follow show mean cause help allow let "
    "move return visit arrive work use run turn claim refuse suspect own control rule border sign vote face receive get".split()
)


# --------------------------------------------------------------------------- cue lexicon


@dataclass(frozen=True, slots=True)
class Cue:
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
            first, *more = row[0].replace("-", " ").split(" ", 1)
            head = cue_stem(first.lower())
            if head in self._rows:
                self._rows[head].append(row)
            else:
                self._rows[head] = [row]
            if row[2] == "verb":
                verbs.add(head)
            elif row[2] == "noun" and not more:
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
        loose = [c for c in ordered if len(c.words) == 1 or c.words[1] == "*"]
        seconds = {c.words[1] for c in ordered if len(c.words) > 1} - {"*"}
        table = {x: tuple(c for c in ordered if len(c.words) == 1 or c.words[1] in ("*", x)) for x in seconds}
        return {**table, "": tuple(loose)}


def build_cues(data: str, source: str = "cues.csv", *, shipped: bool = False) -> CueLexicon:
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
    return CueLexicon(rows, hashlib.sha256(data.encode()).hexdigest()[:16], "" if shipped else data)


def _cue(row: list[str]) -> Cue:
    if len(row) != 4:
        raise ValueError(f"{len(row)} cells in {','.join(row)!r:.80}; four are needed")
    phrase, label, kind, weight = (c.strip() for c in row)
    allowed = STANCE_CUES + TONE_CUES + FUNCTION_CUES
    if label not in allowed:
        raise ValueError(f"label {label!r}; one of {', '.join(allowed)} {near_miss(label, allowed)}".rstrip())
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


@dataclass(frozen=True, slots=True)
class FoundCue:
    """A cue in a sentence: tokens `first:last`; `kind` is `verb` or `noun` by how it stands there, where the table has its word as either."""

    first: int
    last: int
    label: str
    kind: str
    weight: float


_NO_CUES: dict[str, tuple[Cue, ...]] = {"": ()}


def find_cues(stems: list[str], tags: list[str], cues: CueLexicon) -> list[FoundCue]:
    """All cues of a sentence; a longer cue of the same label hides the shorter ones it covers."""
    found: list[FoundCue] = []
    covered: dict[str, int] = {}
    valence = polarity()
    opening, telling, tables, verbs = cues.opening, cues.telling, cues.tables, cues.verbs
    after = [*stems[1:], "", ""]
    for i in [i for i, s in enumerate(stems) if s in telling]:
        s = stems[i]
        table = tables[s] if s in opening else _NO_CUES
        for cue in table.get(after[i]) or table[""]:
            words, label, kind = cue.words, cue.label, cue.kind
            if covered.get(label, 0) > i or len(words) > 2 and words[2] != after[i + 1] and "*" not in words[1:3]:
                continue
            if len(words) > 1:
                last = _match(words, stems, i)
            else:
                last = 0 if kind == "adjective" and _noun_after_all(tags, i) else i + 1
            if last:
                if s in verbs and kind in ("verb", "noun"):
                    kind = "verb" if tags[i] in "VBGE" else "noun"
                found.append(FoundCue(i, last, label, kind, cue.weight))
                covered[label] = last
        if (v := valence.get(s)) is not None and tags[i] != "M":
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
    tags = list(map(cues.tags.__getitem__, lower))
    for m in mentions:
        tags[m.first : m.last] = "M" * (m.last - m.first)
    for i in [i for i, t in enumerate(tags) if not t]:
        k = i - 1
        while k >= 0 and tags[k] == "R":
            k -= 1
        tags[i] = _open_class(lower[i], stems[i], tags[k] if k >= 0 else "K", lower, i, cues)
    return tags


_CLOSED: dict[str, str] = {
    **dict.fromkeys(_ADV, "R"), **dict.fromkeys(_DET, "D"), **dict.fromkeys(_PREP, "P"), **dict.fromkeys(_SUBORDINATE, "S"),
    **dict.fromkeys(_CONDITIONAL, "S"), **dict.fromkeys(_WH, "W"), **dict.fromkeys(_BE | _HAVE | _MODAL | _DO, "X"),
    **dict.fromkeys(("and", "or", "but", "nor", "yet"), "C"), **dict.fromkeys(_QUOTES, "Q"), **dict.fromkeys(_MARKS | set(".!?…"), "K"),
    **dict.fromkeys(_SELF, "I"), **dict.fromkeys(_OTHERS, "H"), "to": "T", "'s": "'", "--": "K", "...": "K",
}  # fmt: skip


def _fixed_tag(verbs: frozenset[str], w: str) -> str:
    """A word's tag where that does not hang on its neighbours, else ''."""
    if closed := _CLOSED.get(w):
        return closed
    if not w[0].isalpha():
        return "N"
    if w.endswith("ly"):
        return "R"
    inflected = w.endswith("ing") and len(w) > 5 or w.endswith("ed") and len(w) > 4 and w != "united"
    return "" if inflected or w in _IRREGULAR or cue_stem(w) in verbs else "N"


def _open_class(w: str, s: str, prev: str, lower: list[str], i: int, cues: CueLexicon) -> str:
    """The tag of a word that may be a verb."""
    if w.endswith("ing") and len(w) > 5:
        return "N" if prev == "D" and not (s in cues.verbs or w in _IRREGULAR) else "G"
    if (w.endswith("ed") and len(w) > 4 and w != "united") or w in _IRREGULAR:
        return _past(w, prev, lower, i)
    if prev in "TX" and (prev == "T" or _last_aux(lower, i) not in _BE | _HAVE):
        return "B"
    if prev in "DP'":
        return "N"
    if w.endswith("s") and prev in "NMWHC":
        return "V" if s not in cues.nouns or _acts(lower, i) else "N"
    if prev in "IHW":
        return "V"
    return "V" if s not in cues.nouns and prev in "MN" and not w.endswith("s") and (i + 1 < len(lower)) else "N"


def _acts(lower: list[str], i: int) -> bool:
    """Whether a word that may be a plural noun or a verb ("sanctions") is followed by an object or a complement."""
    nxt = lower[i + 1] if i + 1 < len(lower) else "."
    return nxt in _DET or nxt in ("it", "them", "him", "that", "to") and lower[i] != "talks"


def _past(w: str, prev: str, lower: list[str], i: int) -> str:
    if prev == "X":
        aux = _last_aux(lower, i)
        return "E" if aux in _BE and (w.endswith("ed") or w in _PARTICIPLES) else "V"
    if prev in "DP'" and lower[i - 1] not in ("each", "both", "all", "some", "many", "several", "few", "most", "this", "that", "these", "those"):
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


@dataclass(frozen=True, slots=True)
class Scan:
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
    unnamed = stems.copy()  # a name holds no cue
    for k, m in enumerate(mentions):
        at[m.first : m.last] = [k] * (m.last - m.first)
        unnamed[m.first : m.last] = [""] * (m.last - m.first)
    tags = tag(lower, stems, mentions, cues)
    found = find_cues(unnamed, tags, cues)
    scanner = _Scanner(lower, stems, tags, at, mentions, found, reading)
    scanner.run()
    return scanner.result(found)


MODALS = ("", "will", "would", "must", "should", "can", "could", "may", "need", "have", "be", "do", "to", "let", "won't", "can't")
_MODAL_OF = {
    "will": 1, "'ll": 1, "shall": 1, "would": 2, "must": 3, "should": 4, "ought": 4, "can": 5, "could": 6, "may": 7, "might": 7,
    "need": 8, "needs": 8, "has": 9, "have": 9, "had": 9, "is": 10, "are": 10, "was": 10, "were": 10, "been": 10, "be": 10,
    "do": 11, "does": 11, "did": 11, "don't": 11, "doesn't": 11, "didn't": 11, "let": 13, "won't": 14, "wouldn't": 2, "can't": 15,
    "cannot": 15, "couldn't": 15, "shouldn't": 4, "we'll": 1, "they'll": 1, "we've": 9, "we're": 10,
}  # fmt: skip


def _modals(lower: list[str], tags: list[str]) -> list[int]:
    """For every verb the number in MODALS of the first auxiliary of its verb group, 12 for a bare infinitive, else 0."""
    out = [0] * len(lower)
    for i in [i for i, t in enumerate(tags) if t in "VBGE"]:
        k = i - 1
        first = 0
        while k >= 0 and i - k <= 5 and (tags[k] in "XRT" or lower[k] in ("n't", "not") or lower[k] in _MODAL_OF):
            first = 12 if tags[k] == "T" and not first else _MODAL_OF.get(lower[k], first)
            k -= 1
        out[i] = first
    return out


class _State:
    """Where the scan stands in a sentence."""

    __slots__ = ("clause", "fresh", "has_np", "held", "last_verb", "np", "obj", "prep", "relative_of", "speaker", "subject")

    def __init__(self) -> None:
        self.np = self.held = NOBODY  # subject candidate since the last boundary, and the one before an insertion
        self.fresh, self.has_np = True, False  # no verb since the boundary; a noun phrase
        self.subject = self.speaker = self.obj = self.relative_of = NOBODY
        self.clause, self.last_verb, self.prep = MAIN, -1, ""

    def boundary(self, prep: str = "") -> None:
        """A clause begins; who might have been the subject of the one before is held."""
        if self.np >= 0:
            self.held = self.np
        self.np, self.has_np, self.fresh, self.prep = NOBODY, False, True, prep

    def turn(self, quoted: bool) -> None:
        """A quote begins or ends."""
        self.boundary()
        self.held = self.obj = NOBODY
        self.clause = MAIN
        if quoted:
            self.subject, self.last_verb, self.clause = NOBODY, -1, QUOTED


class _Scanner:
    def __init__(
        self, lower: list[str], stems: list[str], tags: list[str], at: list[int],
        mentions: tuple[Mention, ...], found: list[FoundCue], reading: Reading,
    ) -> None:  # fmt: skip
        n = len(lower)
        self.lower, self.stems, self.tags, self.at, self.mentions = lower, stems, tags, at, mentions
        self.group = list(range(len(mentions)))
        self.subject = [NOBODY] * n
        self.speaker = [NOBODY] * n
        self.object = [NOBODY] * n
        self.clause = [MAIN] * n
        self.passive = [False] * n
        self.role = ["other"] * len(mentions)
        self.report_at = {f.first for f in found if f.label == "report" or f.label in STANCE_CUES and f.kind == "verb"}
        self.report_verbs = {f.first for f in found if f.label == "report"}
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
        inside = reading.in_quote and self.lower[:1] not in ([q] for q in _QUOTES)
        if _QUOTES.isdisjoint(self.lower):
            return [inside] * len(self.lower)
        out, depth = [], int(inside)  # a quotation inside another one does not end it
        for w in self.lower:
            if w in ("“", "«"):
                depth += 1
            elif w in ("”", "»"):
                depth = max(0, depth - 1)
            elif w in ('"', "''", "``"):
                depth = int(not depth)
            out.append(depth > 0 and w not in _QUOTES)
        return out

    # -- the scan

    def run(self) -> None:
        tags, lower, at, in_quote, now = self.tags, self.lower, self.at, self.in_quote, self.now
        subject_of, speaker_of, clause_of = self.subject, self.speaker, self.clause
        n = len(lower)
        turns = {i for i, (was, here) in enumerate(zip([False, *in_quote], in_quote, strict=False)) if was != here} if True in in_quote else ()
        for i, t in enumerate(tags):
            if i in turns:
                now.turn(in_quote[i])
            if t == "N":
                if now.prep:
                    if i + 1 == n or tags[i + 1] not in "NM":
                        now.prep = ""
                elif now.fresh and not now.has_np:
                    now.has_np = True
            elif t in "DRQ":
                pass
            elif t == "M":
                k = at[i]
                if i == 0 or at[i - 1] != k:
                    if self._only_owner(k):
                        continue
                    self._on_mention(i, k)
                if i + 1 == n or at[i + 1] != k:
                    now.prep = ""
            elif t == "P":
                now.prep = lower[i]
            elif t in "IH":
                if now.fresh and not now.has_np:
                    now.np, now.has_np = PRONOUN, True
                now.prep = ""
            elif t in "VE" or t == "X" and now.fresh:
                self._on_verb(i)
            elif t in "BG":
                self._on_base(i)
                continue
            elif t == "S":
                w = lower[i]
                now.boundary(w if w in ("after", "before", "since", "amid", "following", "despite") and self._nominal(i) else "")
                now.obj = NOBODY
                now.clause = CONDITIONAL if w in _CONDITIONAL else SUBORDINATE
            elif t == "W":
                self._on_relative(i)
            elif t == "C" or t == "K" and lower[i] in _BREAKS:
                self._on_break(i)
            elif t == "'":
                now.prep = ""
            elif t == "T":
                now.prep = "to" if tags[i + 1 : i + 2] != ["B"] else ""
            subject_of[i] = self._candidate(i) if now.fresh and now.has_np else now.subject
            speaker_of[i] = now.speaker
            clause_of[i] = now.clause
        self._backfill()

    def _candidate(self, i: int) -> int:
        now = self.now
        return now.np if now.np != PRONOUN else self._antecedent(i, now.speaker, now.subject)

    def _on_mention(self, i: int, k: int) -> None:
        """The first token of a mention."""
        now, m = self.now, self.mentions[k]
        if now.prep and m.kind in ("person", "learnt"):
            now.prep = self._prep_of_title(i, now.prep)
        self._mention(k, now.prep, now.fresh)
        prep, g = now.prep, self.group[k]
        if g != k:  # it shares the place of the list it stands in
            return
        if prep and not (prep in ("of", "for", "in", "from") and now.np == NOBODY and now.has_np and i > 1 and self._office_before(i)):
            if prep == "by" and now.last_verb >= 0 and self.passive[now.last_verb]:
                self._agent(now.last_verb, g, i)
        elif now.fresh:
            if not now.has_np or now.np == NOBODY and self._office_before(i):
                now.np, now.has_np = g, True
            elif now.np == NOBODY and self.tags[i - 1] in "NK" and m.kind in ("person", "learnt"):
                now.np = g
        elif now.obj == NOBODY:
            now.obj = g
            if now.last_verb >= 0:
                self.object[now.last_verb] = g

    def _on_verb(self, i: int) -> None:
        """A finite verb, a participle, or the auxiliary that comes first in its clause: its subject is found."""
        now = self.now
        if now.fresh or now.has_np:
            after_insert = self._after_mark(i)
            if now.relative_of != NOBODY and not after_insert and not now.has_np:
                now.subject, now.relative_of = now.relative_of, NOBODY
            elif after_insert and now.held != NOBODY and now.np == NOBODY:
                now.subject, now.held = now.held, NOBODY
                now.clause = MAIN if now.clause == RELATIVE else now.clause
            elif now.has_np:
                now.subject = self._candidate(i)
            elif now.held != NOBODY:
                now.subject, now.held = now.held, NOBODY
            if now.np >= 0:
                now.held = NOBODY
        now.np, now.has_np, now.fresh, now.prep, now.obj = NOBODY, False, False, "", NOBODY
        if self.tags[i] != "X":
            now.last_verb = i
            self.passive[i] = self.tags[i] == "E"
            if i in self.report_verbs:
                now.speaker = now.subject if now.subject >= 0 else now.speaker
                now.fresh = True

    def _on_base(self, i: int) -> None:
        """A base form or one in -ing: of the object ("urged X to go"), of what an insertion held back, else of the subject."""
        now, t = self.now, self.tags[i]
        to = t == "B" and i and self.lower[i - 1] == "to"
        infinitive = now.obj >= 0 and now.last_verb >= 0 and (now.prep in ("of", "for", "from", "into", "against", "at", "about") or to)
        subject = now.obj if infinitive else now.held if t == "G" and now.fresh and not now.has_np and now.held >= 0 else now.subject
        if t == "B" and now.fresh and now.has_np:  # modal + base: "China would respond"
            subject = now.subject = self._candidate(i)
            now.np, now.has_np, now.fresh = NOBODY, False, False
        now.last_verb, now.prep = i, ""
        self.subject[i], self.speaker[i], self.clause[i] = subject, now.speaker, INFINITIVE if infinitive else now.clause
        if i in self.report_verbs:
            now.fresh = True

    def _on_relative(self, i: int) -> None:
        """which, who, that: a reported clause after a verb of saying, else a relative one."""
        now, tags, at = self.now, self.tags, self.at
        previous = at[i - 1] if i else NOBODY
        if i > 1 and tags[i - 1] == "K":
            previous = at[i - 2]
        if self.lower[i] == "that" and (i - 1 in self.report_at or previous < 0):
            now.clause = REPORTED if now.clause != QUOTED else now.clause
            now.speaker = now.subject if now.subject >= 0 else now.speaker
            now.np = NOBODY  # not held
        else:
            now.relative_of = self.group[previous] if previous >= 0 else (now.np if now.np >= 0 else NOBODY)
            now.clause = RELATIVE if now.clause != QUOTED else now.clause
        now.boundary()

    def _on_break(self, i: int) -> None:
        """A conjunction, or a mark that may end a clause."""
        now, conjunction = self.now, self.tags[i] == "C"
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
        while j >= 0 and (self.tags[j] in "NMD'" and self.lower[j] not in _QUOTES):
            j -= 1
        return self.lower[j] if j >= 0 and self.tags[j] == "P" else ""

    def _office_before(self, i: int) -> bool:
        return any(self.lower[j] in _OFFICE_NOUN for j in range(max(0, i - 6), i))

    def _after_mark(self, i: int) -> bool:
        j = i - 1
        while j > 0 and self.tags[j] in "RX":
            j -= 1
        return j >= 0 and self.lower[j] in (",", ")", "-", "–", "—", "--")

    def _antecedent(self, i: int, speaker: int, subject: int) -> int:
        """Whom we/I (the quote's speaker) or it/they stand for (the speaker, else the last subject)."""
        if self.in_quote[i]:
            return PRONOUN
        return speaker if speaker >= 0 else subject if subject >= 0 else PRONOUN

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
            return words[0] != "but" and "but" not in words
        return words == [","] and self.follows[other]

    def _mention(self, k: int, prep: str, fresh: bool) -> None:
        before = next((j for j in range(k - 1, max(-1, k - 3), -1) if self._listed(j, k)), NOBODY)
        if before >= 0:
            self.group[k] = self.group[before]
            self.role[k] = self.role[before]
            return
        after = self.lower[self.mentions[k].last : self.mentions[k].last + 1]
        if prep:
            self.role[k] = f"prep:{prep}"
        elif self.mentions[k].kind == "demonym":
            self.role[k] = "modifier" if fresh else "object modifier"
        elif after == ["'s"]:
            self.role[k] = "possessor" if fresh else "object possessor"
        elif fresh:
            self.role[k] = "head"
        else:
            self.role[k] = "object"

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
        n = len(self.lower)
        speaker = self.carried
        end_report = -1
        for i in sorted(self.report_verbs):
            if self.in_quote[i] or self.tags[i] not in "VBG":
                continue
            who = self._inverted(i)
            if who == NOBODY:
                who = self.subject[i]
            if who >= 0:
                self.subject[i] = who
                if speaker == NOBODY or speaker == self.carried:
                    speaker = who
                if self._trails(i):
                    end_report = i
        source = NOBODY
        if "according" in self.lower:
            source = next((k for i, k in enumerate(self.at) if k >= 0 and i > 1 and self.lower[i - 2 : i] == ["according", "to"]), NOBODY)
        if source == NOBODY and end_report < 0 and True not in self.in_quote and PRONOUN not in self.subject:
            return
        for i in range(n):
            if source >= 0 and self.speaker[i] == NOBODY:
                self.speaker[i] = self.group[source]
            elif end_report > i and self.speaker[i] == NOBODY and not self.in_quote[i]:
                self.speaker[i] = self.subject[end_report]
                self.clause[i] = REPORTED if self.clause[i] == MAIN else self.clause[i]
            if self.in_quote[i]:
                self.speaker[i] = speaker
                if self.subject[i] == PRONOUN:
                    self.subject[i] = speaker
            elif self.subject[i] == PRONOUN:
                self.subject[i] = self.speaker[i]

    def _inverted(self, i: int) -> int:
        """The mention in `," said X` or `, said the X minister`."""
        j = i + 1
        while j < len(self.lower) and j <= i + 4 and self.at[j] < 0 and self.tags[j] in "DN":
            j += 1
        if j < len(self.lower) and self.at[j] >= 0 and i and (self.tags[i - 1] == "Q" or self.lower[i - 1] == ","):
            return self.group[self.at[j]]
        return NOBODY

    def _trails(self, i: int) -> bool:
        """Whether the reporting verb closes the sentence: ", the ministry said on Monday."."""
        if not any(self.lower[j] == "," or self.tags[j] == "Q" for j in range(max(0, i - 12), i)):
            return False
        rest = self.tags[i + 1 :]
        return not any(t in "VBXQ" for t in rest) and len(rest) <= 14 and "that" not in self.lower[i + 1 : i + 3]

    def result(self, found: list[FoundCue]) -> Scan:
        return Scan(
            self.lower, self.stems, self.tags, self.at, self.group, self.subject, self.speaker, self.object, self.clause,
            self.negated, self.hypothetical, self.passive, _modals(self.lower, self.tags), self.role, found,
        )  # fmt: skip
