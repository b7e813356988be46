"""Text to paragraphs, sentences and tokens, every one with exact character offsets.

No model and no data files: a boundary is decided by the token before the mark, the
mark with its closing quotes, and the token after it. The abbreviation classes are
those of the Punkt paper (Kiss & Strunk 2006: title-like abbreviations never end a
sentence, others may) filled with the abbreviations of news English. Offsets are kept by never
changing the length of a text: `Sentence.line` and `quoted_lines` put one character for another.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, pairwise
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

V = TypeVar("V")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
DATA = Path(__file__).parent / "data"  # the tables that ship with the package


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an article: `article.text[start:end] == text`."""

    index: int
    paragraph: int
    start: int
    end: int
    text: str

    @property
    def line(self) -> str:
        """The text as it is read, with plain blanks (also for line ends of a hard-wrapped one) and English quotation marks: offsets are the same."""
        return _in_a_line(self.text)


class Tokens:
    """Tokens of one sentence: parallel lists, offsets in characters of the sentence.

    `folded` are the words without accents and dots (see `fold`), `lower` the same in lower case. Offsets are found when first asked for:
    most sentences never are.
    """

    __slots__ = ("_spans", "folded", "lower", "text", "words")

    def __init__(self, text: str, words: list[str]) -> None:
        self.text, self.words = text, words
        plain = text.isascii() and "." not in text[:-1]  # then there is nothing to fold
        self.folded = words if plain else list(map(_FOLDED.__getitem__, words))
        self.lower = list(map(_LOWER.__getitem__, words))
        self._spans: tuple[list[int], list[int]] | None = None

    def __len__(self) -> int:
        return len(self.words)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokens) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    @property
    def starts(self) -> list[int]:
        """Where each token begins."""
        return (self._spans or self._found())[0]

    @property
    def ends(self) -> list[int]:
        """Where each token ends."""
        return (self._spans or self._found())[1]

    def _found(self) -> tuple[list[int], list[int]]:
        text, starts, ends, end = self.text, [], [], 0
        for word in self.words:  # nothing but blanks lies between two tokens
            start = text.index(word, end)
            end = start + len(word)
            starts.append(start)
            ends.append(end)
        self._spans = starts, ends
        return self._spans


_UNSEEN = "\u00ad\u200b-\u200d\u2060\ufeff"  # soft hyphens and joiners, which web pages leave inside words
_MARKS = f"\u0300-\u036f{_UNSEEN}"  # and accents as characters of their own
_ANY_MARK = re.compile(f"[{_MARKS}]")
_ANY_UNSEEN = re.compile(f"[{_UNSEEN}]")
_WORD = r"\w++(?:['’](?!s\b)\w++)*"  # words, didn't, O'Neill; no possessive group: Python 3.11.2 forgets to go back before the mark
_MARKED_WORD = rf"\w[\w{_MARKS}]*+(?:['’](?!s\b)\w[\w{_MARKS}]*+)*"


def _token(word: str) -> str:
    return (
        r"[^\W\d_](?:\.[^\W\d_])+\b\.?"  # U.S. U.N. p.m. J.D.
        r"|\d+(?:[.,:]\d+)*"  # 1,500 10:30 2.5
        r"|['’]s\b"  # possessive
        rf"|{word}"
        r"|\.\.\.|--|''|``|[^\w\s]"
    )


# most tokens are words of two letters and more: asked first, and by ASCII's own rules where that will do
_TOKEN = re.compile(f"[A-Za-z]{_WORD}|{_token(_WORD)}")
_ASCII_TOKEN = re.compile(_TOKEN.pattern, re.A)
_MARKED_TOKEN = re.compile(_token(_MARKED_WORD))


def _pattern(text: str) -> re.Pattern[str]:
    if text.isascii():
        return _ASCII_TOKEN
    return _MARKED_TOKEN if _ANY_MARK.search(text) else _TOKEN


_HASHTAG = re.compile(r"(?<=#)\w+\b", re.A)
_HASHED = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^A-Za-z]+")  # the words of a hashtag, as its capitals part them


def printable(text: str) -> str:
    """The text without control characters other than tabs and line ends, which would tell a terminal what to do."""
    return _CONTROL.sub("", text)


def tokenize(text: str) -> Tokens:
    """Words, numbers and marks of `text`, hyphens and possessives apart, `U.S.` whole, `#StopTheWar` not."""
    words = _pattern(text).findall(text)
    if "#" in text and (tags := set(_HASHTAG.findall(text))):
        words = [part for before, word in pairwise(["", *words]) for part in (_HASHED.findall(word) if before == "#" and word in tags else [word])]
    return Tokens(text, words)


def fold(word: str) -> str:
    """Without accents, `ß` as `ss`, straight apostrophes, acronyms without dots: `U.S.` → `US`."""
    if not word.isascii():
        word = _ANY_UNSEEN.sub("", word) or word
        word = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c)).strip() or word
        word = word.replace("’", "'").replace("ı", "i").replace("ø", "o").replace("ł", "l").replace("đ", "d").replace("ß", "ss")
    return word.replace(".", "") if "." in word and word[0].isalpha() else word


def _lowered(word: str) -> str:
    low = fold(word).lower()
    return word if low == word else low  # the same object: it is kept once, and found faster


MOST_FORMS = 20_000  # words a memo holds before it starts anew: memory stays bounded on any archive


class Memo(dict[str, V]):
    """What `compute` says of a word, computed when first asked for. Pickled without it: another thread may be adding to it."""

    def __init__(self, compute: Callable[[str], V]) -> None:
        self.compute = compute

    def __missing__(self, word: str) -> V:
        if len(self) > MOST_FORMS:
            self.clear()
        self[word] = found = self.compute(word)
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        return Memo, (self.compute,)


_FOLDED = Memo(fold)
_LOWER = Memo(_lowered)


# Always followed by a name or a number: never the end of a sentence.
_TITLES = frozenset(
    "mr mrs ms mx dr prof rev fr sen sens rep reps gov govs gen lt col maj capt cmdr adm sgt cpl brig pvt spc "
    "pres supt hon amb sec msgr mt ft st messrs mme mlle vs v cf fig figs art dept".split()
)
# Before a number or a name in the middle, but may end a sentence.
_MAYBE = frozenset(
    "jr sr inc corp ltd co bros plc llc etc al e.g i.e u.s u.k u.n e.u d.c u.a.e p.m a.m ph.d m.d b.a "
    "jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun "
    "ariz ark calif colo conn del fla ga ill ind kan ky mass md mich minn miss mo mont neb nev okla ore pa "
    "tenn tex va vt wash wis wyo ave blvd rd univ assn bn mn est min hrs cent dem ind ret".split()
)
_BEFORE_NUMBER = frozenset("approx ca no nos p pp vol ch sec art para jan feb mar apr jun jul aug sep sept oct nov dec".split())
# Words that open a sentence far more often than they go on a name.
_OPENERS = frozenset(
    "the a an this that these those it he she they we i you his her its their our my in on at by from for with "
    "but and or so yet if when while as after before since although though however meanwhile there here what "
    "who why how both all some many most one two several no not nor asked according earlier later last next "
    "speaking under during despite instead also then now still only even such another other each every "
    "officials talks critics analysts relations negotiations nobody neither either none today yesterday".split()
)
CALENDAR = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday "
    "january february march april may june july august september october november december".split()
)
_GO_ON = CALENDAR.union("est edt et gmt utc cet bst pst pdt local".split())  # after a time or an abbreviation: "10 p.m. EST", "5 a.m. Monday"
_SPEECH = frozenset("said says asked asks added told wrote replied tweeted shouted warned insisted wondered cried declared".split())
_CLOSERS = "\"'”’»)]"
_QUOTE_ENDS = frozenset("\"'”’»")
_BOUNDARY = re.compile(  # the mark comes first: the search runs from mark to mark
    rf"[.!?…](?:[.!?…]*+[{re.escape(_CLOSERS)}]*+(?=\s|$)"
    r"|(?<=[a-z]{2}[.!?])(?:[\"”]?(?=[A-Z][a-z’']*[ ,])|(?=“[A-Z]))"
    r"|([.!?…]++))"  # none: what the first mark of a run is not, no other is
)
_NEXT = re.compile(r"\s*([\"'“‘«(\[—–-]*\s*)([^\W_]+(?:[.'’][^\W_]+)*|\S)?")
_BEFORE = re.compile(r"(?:.*[\s\"'“‘«(\[])?(.*)")  # the last token of what comes before
_ACRONYM = re.compile(r"[^\W\d_](?:\.[^\W\d_])+")
_NUMBERED = re.compile(r"[-•*]?\d{1,2}")
_NAME_PARTICLE = re.compile(r"(?:al|el|de|von|van|bin|ibn)\b")
_ADDRESS = re.compile(r"(?:www\.|://|@)\S*$")
_LINE = re.compile(r"[^\r\n\u2028\u2029]+")
_LINE_END = re.compile(r"\r\n?|[\n\u2028\u2029]")
_LOWER_LINE = re.compile(r"\n[ \t]*+[a-z]")
_ENDED = re.compile(rf"[.!?…:][{re.escape(_CLOSERS)}]*+(?=\s|$)")
_STOP = re.compile(rf"[.!?…][{re.escape(_CLOSERS)}]*+(?=\s|$)")
_ITEM = re.compile(r"[•·▪‣*-]\s|\d{1,2}[.)]\s|\(?(?:[a-z]|[ivx]{1,4}|\d{1,2})\)\s")
_LABEL = re.compile(r"(?:[QA][:.]|@?[A-Z][\w.'’ -]{0,40}(?:\(?@\w+\)?)?:)\s")
_BULLET = re.compile(r"(?:(?:[•·▪‣*–—-]|\d{1,2}[.)]|\([a-z0-9]\))\s*)?")
_BLANK = re.compile(r"\s*")
_LETTER = re.compile(r"[^\W_]")


def paragraphs(text: str) -> list[tuple[int, int]]:
    """Offsets of the non-blank lines of `text`, without surrounding blanks; in a hard-wrapped text those that go on in one another are one."""
    lines = _lines(text)
    width = wrapped(text)
    if not width:
        return lines
    spans = lines[:1]
    for before, line in pairwise(lines):
        if _adjoin(text, before, line) and _goes_on(text, before, line, width):
            spans[-1] = spans[-1][0], line[1]
        else:
            spans.append(line)
    return spans


def wrapped(text: str) -> int:
    """How wide the lines are of a hard-wrapped text, as of an e-mail or from a PDF, where a line may end within a sentence; 0 of any other.

    A third of the lines that follow one another, and three at least, begin in lower case behind one that does not end a sentence, lines are no
    longer than a page is wide and mostly filled, and sentences do end, which tells prose from lists.
    """
    if len(_LOWER_LINE.findall(text)) < 3:
        return 0
    lines = _lines(text)
    width = sorted(end - start for start, end in lines)[int(0.95 * (len(lines) - 1))]  # but for a long address or two
    follow = [(a, b) for a, b in pairwise(lines) if _adjoin(text, a, b)]
    on = [end - start for (start, end), b in follow if _lower(text, b) and not _ENDED.search(text, max(start, end - 9), end)]
    prose = 3 * len(on) >= len(follow) and 8 * len(_STOP.findall(text)) >= len(on) >= 3
    return width if prose and 30 <= width <= 100 and 5 * sorted(on)[len(on) // 4] >= 4 * width else 0


def _lines(text: str) -> list[tuple[int, int]]:
    spans = []
    for m in _LINE.finditer(text):
        line = m.group()
        start = m.start() + len(line) - len(line.lstrip())
        end = m.start() + len(line.rstrip())
        if start < end:
            spans.append((start, end))
    return spans


def _adjoin(text: str, before: tuple[int, int], line: tuple[int, int]) -> bool:
    """Whether no blank line lies between two lines, and the second is no item of a list."""
    return len(_LINE_END.findall(text, before[1], line[0])) == 1 and not _ITEM.match(text, line[0])


def _lower(text: str, line: tuple[int, int]) -> bool:
    return text[line[0] : line[1]].lstrip("\"'“‘«([")[:1].islower()


def _goes_on(text: str, before: tuple[int, int], line: tuple[int, int], width: int) -> bool:
    """Whether a line of a hard-wrapped text goes on: the next begins in lower case, its first word had no room (or, where letters are not all of one
    width, three quarters are filled by what is no end of a sentence), or the last word wants more; and no turn of a transcript begins."""
    first, last = text[line[0] : line[1]].split(None, 1)[0], text[before[0] : before[1]].rsplit(None, 1)[-1]
    size, ended = before[1] - before[0], bool(_ENDED.search(text, max(before[0], before[1] - 3), before[1]))
    if ended and _LABEL.match(text, line[0]):
        return False
    filled = size + 1 + len(first) > width or (4 * size >= 3 * width and not ended)
    return _lower(text, line) or filled or last.lower() in _ENGLISH


def sentences(text: str) -> list[Sentence]:
    """Sentences of `text` in order; a line end always ends a sentence, but in a hard-wrapped text.

    Lines without a letter or a digit are left out.
    """
    found: list[Sentence] = []
    for number, (start, end) in enumerate(paragraphs(text)):
        for s, e in _split(_in_a_line(text[start:end])):
            if _LETTER.search(text, start + s, start + e):
                found.append(Sentence(len(found), number, start + s, start + e, text[start + s : start + e]))
    return found


_PLAIN = str.maketrans({**dict.fromkeys("\n\r\t\u2028\u2029\u00a0\u2009\u202f", " "), **dict.fromkeys("ʼ´", "’")})
# a character class first, its left side asked after it: so these fly over what they do not match
_UNPLAIN = re.compile(f"[{''.join(map(chr, _PLAIN))}]")
_LOOSE = re.compile(rf"[{_UNSEEN}](?<![\w{_MARKS}].)")  # joiners that join nothing
_TURNED = re.compile(  # quotation marks that English writes otherwise: „one“, »one«, ”one”, «one»
    r"[„“”«»](?:(?P<open>(?<=„)|(?<=[»”])(?<![^\s(\[–—-].)(?=\w))|(?<=[“«])(?<=[^\s:(\[].)(?=[\s.,;:!?)\]—–]|$)|(?P<left>(?<=«))|(?<=»))"
)


def _in_a_line(text: str) -> str:
    if _UNPLAIN.search(text):
        text = text.translate(_PLAIN)
    if text.isascii():
        return text
    return _TURNED.sub(lambda m: "”" if m["open"] is m["left"] is None else "“", _LOOSE.sub(" ", text))


_SINGLE = re.compile(r"['‘’](?<!\w.)")  # a mark that is no apostrophe of a word
_QUOTING = re.compile(  # "none" is for letters left out ('em, '90s, rock 'n' roll), "weak" closes or is an apostrophe (the players' union)
    r"(?P<double>[\"“”«»]|''|``)"
    r"|(?P<none>['‘’](?<!\w.)(?:[nN]['’]|(?:[Ee]m|[Tt]il|[Tt]is|[Tt]was|\d\ds?)\b))"
    r"|(?P<open>(?:‘(?<!\w.)|'(?<![^\s(\[\"“/:—–-].))(?=\.\.|[^\s,.;:!?)\]'’]))"
    r"|(?P<weak>['’](?:(?<=[sS\d].)(?= [^\W_])|(?<=[a-z]in.)(?= [a-z])|(?<=[A-Z]\..)(?= [a-z])))"
    r"|(?P<close>['’](?:(?<=\S.)(?!\w)|(?<=[,.!?…].)(?!s\b)))"
)
_CAPITAL = re.compile(r"\W{0,50}[^\W_a-z]")


def quoted_lines(sents: Sequence[Sentence]) -> list[str]:
    """The lines of an article's sentences, quotes in single marks put in double ones, and those inside them in single ones: offsets are the same.

    All sentences of a paragraph tell which single marks are a quote's. In a quote in double marks they stay what they are.
    """
    lines = [_in_a_line(s.text) for s in sents]
    if not any(map(_SINGLE.search, lines)):
        return lines
    end = 0
    for _, members in groupby(sents, attrgetter("paragraph")):
        begin, end = end, end + sum(1 for _ in members)
        if any(map(_SINGLE.search, lines[begin:end])):
            lines[begin:end] = _double_quoted("\n".join(lines[begin:end])).split("\n")
    return lines


def _double_quoted(text: str) -> str:
    """The text of a paragraph, a sentence a line, with double quotation marks for single ones."""
    marks = list(_QUOTING.finditer(text))
    openings = [k for k, m in enumerate(marks) if m.lastgroup == "open"]
    ends = {k: _quote_end(text, marks, k, following) for k, following in pairwise([*openings, len(marks)])}
    out, inside, end = list(text), False, 0  # `inside` a quote in double marks; `end`: the mark that ends the one in single marks
    for k, m in enumerate(marks):
        at, kind = m.start(), m.lastgroup
        if k < end:
            out[at] = "‘" if kind == "double" and len(m[0]) == 1 else out[at]
        elif kind == "double":
            inside = m[0] in ("“", "«", "``") or m[0] in ('"', "''") and not inside
        elif kind == "open" and not inside and ends[k]:
            out[at], end = "“", ends[k]
        elif kind != "open" and k == end > 0 or kind == "close" and not inside and text[at - 1] in ",.!?…":
            out[at] = "”"
    return "".join(out)


def _quote_end(text: str, marks: list[re.Match[str]], k: int, following: int) -> int:
    """The number of the mark that ends the quote which mark `k` opens, 0 where it opens none. `following`: the next that opens one.

    A quote without an end goes on to there, if it begins a sentence.
    """
    start = marks[k].start()
    line = text.find("\n", start, marks[following - 1].start())
    line = line if line >= 0 else len(text)
    begins = text[max(0, start - 2) : start].rstrip(" ")[-1:] in ("", "\n", ":") and bool(_CAPITAL.match(text, start))
    closing = [n for n in range(k + 1, following) if marks[n].lastgroup in ("close", "weak")]
    sure = [n for n in closing if marks[n].lastgroup == "close"]
    here = sure if begins else [n for n in sure if marks[n].start() < line]
    weak = [n for n in closing if marks[n].start() < line]
    later = [n for n in sure if text[marks[n].start() - 1] in ",.!?…"]
    end = next(chain(here, weak, later), following if begins else 0)
    doubles = sum(m.lastgroup == "double" for m in marks[k + 1 : end])
    return 0 if doubles % 2 else end


def _split(line: str) -> list[tuple[int, int]]:
    """The sentences of a line that is not blank."""
    spans: list[tuple[int, int]] = []
    begin = 0
    for m in _BOUNDARY.finditer(line, _BULLET.match(line).end()):  # type: ignore[union-attr]  # matches the empty string too
        start, end = m.span()
        if end < len(line) and not m[1] and (_ends(line, start, end) if line[end].isspace() else not _ADDRESS.search(line, max(0, end - 200), end)):
            spans.append((begin, end))
            begin = _BLANK.match(line, end).end()  # type: ignore[union-attr]  # matches the empty string too
    return [*spans, (begin, len(line))]


def _ends(line: str, start: int, end: int) -> bool:
    """Whether the mark at `line[start:end]`, before a blank, ends a sentence."""
    mark = line[start:end]
    quote, word = _NEXT.match(line, end).groups("")  # type: ignore[union-attr]  # matches the empty string too
    if not word or word == "/" and not quote:  # "MOSCOW, December 3. /TASS/."
        return False
    if word[0].islower() and (not _NAME_PARTICLE.match(word) or "-" not in line[end : end + 6] and not quote.strip()):
        return False
    closed = not _QUOTE_ENDS.isdisjoint(mark)
    if closed and mark[0] in "?!" and not quote.strip() and _attribution(line, end):
        return False
    if mark.startswith(("...", "…")) and not closed:
        return bool(word[0].isupper() and (word.lower() in _OPENERS or quote.strip()))
    if mark[0] != "." or closed or ")" in mark:
        return bool(word[0].isalnum() or quote)
    return _full_stop(line, start, quote.strip(), word)


def _full_stop(line: str, start: int, quote: str, word: str) -> bool:
    """Whether the full stop at `start` ends a sentence: not behind an abbreviation, an initial or a list's number; `quote` and `word` follow."""
    token = _BEFORE.match(line, max(0, start - 40), start)[1]  # type: ignore[index]  # matches the empty string too
    last = token.rsplit("-", 1)[-1]  # "then-Sen."
    bare = last.lower().rstrip(".")
    if bare in _TITLES and last[:1].isupper() or bare in ("vs", "v"):
        return False
    if bare in _BEFORE_NUMBER and word[0].isdigit():
        return False
    if len(token) == 1 and token.isupper() and token != "I":
        return False  # an initial: "George W. Bush"
    if "." in token and _ACRONYM.fullmatch(token) or bare in _MAYBE and token not in ("sun", "sat", "miss"):
        if word.lower() in _GO_ON and bare in ("a.m", "p.m"):
            return False
        if quote or word.lower() in _OPENERS:
            return True
        return bare in ("a.m", "p.m", "etc", "bn", "mn") and word[0].isupper()
    return not (start <= 3 and _NUMBERED.fullmatch(token))  # "• 1. We stay": a numbered line does not end at its number


def _attribution(line: str, end: int) -> bool:
    """Whether a quote's mark is followed by who says it: `?" she asked`."""
    words = re.findall(r"[\w'’.-]+", line[end : end + 60])[1:5]
    return any(w.lower().rstrip(".") in _SPEECH for w in words)


# --------------------------------------------------------------------------- languages

_NOT_LATIN = re.compile(r"[^\W\d_\u0041-\u024f\u1e00-\u1eff]")
_ENGLISH = frozenset("the of to and in a that is was for on it with as his by at from has had be are were said an its he will would not".split())
# The commonest words of other languages of the news, without those that are English words or name parts too.
_OTHERS = {
    "German": "der die das und den von mit ist des sich dem nicht ein eine auch auf für im zu wird hat nach bei einer wurde",
    "French": "le la les et des du une est dans qui que pour par sur pas ne au aux ce il elle ont été avec leur",
    "Spanish": "el la los las de que y en un una por con para del se su es al lo como más fue ha sus pero",
    "Italian": "il di che e la è per un una del della con non sono gli alla nel dei si le anche ha più dal",
    "Portuguese": "o os as de que e do da em um uma para com não dos das por no na se foi é ao mais pelo",
    "Dutch": "de het een van en dat te zijn op voor met niet aan er door ook bij naar uit wordt heeft om werd",
    "Polish": "w i na z się do nie że to jest o jak po od przez za dla ale oraz są został przed",
    "Turkish": "ve bir bu için ile da de olarak daha çok olan gibi kadar sonra ancak ise olduğu",
    "Indonesian": "yang dan di dengan untuk pada dari ini itu dalam tidak akan oleh telah kepada juga",
}
_COMMON: dict[str, list[str]] = {}  # the languages of a word
for _name, _words in _OTHERS.items():
    for _word in {*_words.split()} - _ENGLISH:
        _COMMON.setdefault(_word, []).append(_name)


def foreign(text: str) -> str:
    """The language a text looks to be in when it is not English, else ''.

    Not Latin: most letters are of another script. Else the language of at least three of whose commonest words
    there are at least twice as many as of English ones.
    """
    letters = 0 if text.isascii() else sum(map(str.isalpha, text))
    if letters and 2 * len(_NOT_LATIN.findall(text)) > letters:
        return "not to be in Latin script"
    words = set(re.findall(r"[^\W\d_]+", text.lower()))  # each once: who says "I" three times does not speak Polish
    english = sum(w in _ENGLISH for w in words)
    hits = Counter(name for w in words if w in _COMMON for name in _COMMON[w])
    best = max(_OTHERS, key=lambda k: hits[k])
    return best if hits[best] >= max(3, 2 * english) else ""
