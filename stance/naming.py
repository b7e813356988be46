"""What a name in a sentence stands for: its state, a place, a private body, a person out of office; rules over the words beside it."""

from __future__ import annotations

import re
from functools import lru_cache

from stance.lexicon import Alias, words_of
from stance.text import CALENDAR, DATA, MOST_FORMS, Memo, Tokens

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
_TOLD_FROM = frozenset("report reports story dispatch live".split())
_OF_A_PLACE = frozenset(  # "north of Riga", "the streets of Riga"
    "out outside inside north south east west northeast northwest southeast southwest outskirts streets neighborhoods neighbourhoods".split()
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
    "mercenary mercenaries pilgrim pensioner taxpayer producer exporter importer lender insurer charity charities association "
    "capitalism socialism kid expat equity equities mountaineer airline hostage demonstrator islamist jihadist militant insurgent separatist militia "
    "history heritage ancestry exceptionalism population electorate adult household teen youth mother father elites scientist researcher "
    "historian philosopher academic designer striker couple comedian musician painter sculptor photographer filmmaker cartoonist photojournalist "
    "broadcaster tabloid employer customer user individual victim corporation university universities college school church dollar pound yen "
    "accent colony colonies politician candidate nun monk swimmer sprinter cyclist golfer boxer gymnast midfielder goalkeeper coach architect "
    "poet composer conductor surgeon nurse climber hiker holidaymaker socialite celebrity celebrities star detainee emigre émigré".split()
)
_MEMBERS = frozenset(  # those of a party are the party
    "extremist attacker rebel islamist jihadist militant insurgent separatist militia politician candidate detainee".split()
)
_PRESS = frozenset("newspaper magazine broadcaster media tabloid".split())  # of the state where they are the state's
_BEFORE_HYPHEN = frozenset("state far left right well high multi long ex non privately".split())  # "state-owned company"
_OF_THE_STATE = frozenset("backed sponsored".split())  # "state-backed hackers" act for it
_PLURAL_ADJECTIVES = frozenset("rights sports arms news communications telecommunications metals textiles airlines affairs relations".split())
OFFICE = frozenset(
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
_SERVICE = OFFICE | frozenset("guard guards police agency authority authorities control controls service services officers customs".split())
_VENUE = frozenset(
    "meeting meetings summit conference negotiations declaration protocol attack attacks attackers bombing bombings suburb suburbs mayor airport "
    "hotel daily bureau office hospital think thinktank".split()
)
_CIRCLE = frozenset(  # what belongs to a person, not to the state
    "campaign campaigns associate associates lawyer lawyers attorney attorneys supporter supporters voter voters hat rally rallies family".split()
)
_PRIVATE_BODY = frozenset(  # last words of names that only begin with a country
    "institute university college airlines airways index times mail post society party football museum foundation league".split()
)
_APART = frozenset(  # "US-based"
    "based linked related educated affiliated born made assembled listed flagged centric language speaking style owned registered".split()
)
TITLE = frozenset(
    "president premier minister secretary chancellor mr mrs ms miss dr sen gen lt col maj adm general admiral king queen "
    "prince princess emir sultan sheikh sheik ayatollah ambassador leader spokesman spokeswoman spokesperson chief "
    "commander envoy colonel brigadier field marshal madam lord dame sir lady dictator strongman counterpart".split()
)
OFFICE_OR_TITLE = OFFICE | TITLE | {f"{rank}{dot}" for rank in ("gen", "adm", "col") for dot in ("", ".")}
FORMER = frozenset("former ex late ousted deposed exiled then retired".split())
_LEAGUES = (["coalition"], ["alliance"], ["campaign"], ["force"], ["bloc"])  # "the anti-ISIS coalition"
REPORT = frozenset(
    "said says say saying told tells telling added adds adding announced announces stated states declared declares "
    "warned warns insisted insists accused accuses called calls wrote writes tweeted replied reiterated stressed noted "
    "denied denies confirmed vowed vows condemned urged urges argued claimed claims quoted explained remarked continued "
    "asked asks responded countered described dismissed rejected promised pledged demanded criticised criticized "
    "complained acknowledged reported blamed praised welcomed maintained testified commented concluded "
    "emphasized emphasised underlined alleged charged".split()
)
AUX = frozenset(
    "has have had is are was were be been will would shall may might can could should must did does do also then later not "
    "never again still already repeatedly earlier further".split()
)
PARTIES = frozenset(
    ("Hamas", "Hezbollah", "Taliban", "IS", "Houthis", "Ukrainian rebels", "Syrian opposition", "al-Qaeda", "Boko Haram",
     "al-Shabab", "FARC", "PKK", "Islamic Jihad", "M23", "RSF", "LNA", "SDF", "Polisario")
)  # fmt: skip
_PARTY_WORDS = frozenset(w.lower() for p in PARTIES for w in p.split()[:1]) - {"ukrainian", "syrian", "islamic", "boko"} | {"houthi", "hizbollah"}


def elsewhere(words: list[str], lower: list[str], first: int, last: int, alias: Alias, tokens: Tokens) -> str:
    """Why the name at `first:last` speaks for no actor here ('' when it does): a place, a private person or thing, an office of the past."""
    kind = alias.kind
    if first > 1 and lower[first - 1] == "-" and lower[first - 2] in ("pro", "anti") and lower[last : last + 1] not in _LEAGUES:
        return f"{lower[first - 2]}-{words[first]}"
    if kind != "person" and _once(lower, first, last):
        return "a former office"
    if reason := _only_place(words, lower, first, last, kind, tokens):
        return reason
    if kind in ("name", "demonym", "capital", "seat", "person") and (reason := _not_the_state(words, lower, last, alias)):
        return reason
    if kind == "demonym" and _language(words, lower, first, last):
        return "a language"
    if alias.actor == "UN" and kind == "name" and lower[last : last + 1] == ["ambassador"]:
        return "an ambassador there"
    return "people" if kind == "demonym" and alias.actor != "EU" and _people(words, lower, first, last) else ""


def _once(lower: list[str], first: int, last: int) -> bool:
    """Whether "former" before the name of an actor makes the office behind it one of the past: "a former British spy", "ex-US ambassador"."""
    i = first - 1
    if i > 0 and lower[i] in ("-", "the", "senior", "top"):
        i -= 1
    if i > 1 and lower[i] == "of":  # "the former chief inspector of the IAEA"
        office = lower[max(0, i - 5) : i]
        return not OFFICE.isdisjoint(office) and any(w in FORMER and not {",", "and"} & set(office[k:]) for k, w in enumerate(office))
    if i < 0 or lower[i] not in FORMER or lower[i - 1 : i] == ["and"] and lower[i - 2 : i - 1] in (["current"], ["present"]) or lower[i] == "then":
        return False
    return not OFFICE_OR_TITLE.isdisjoint(lower[last : last + 4]) or not _SERVANT.isdisjoint(lower[last : last + 4])


def _language(words: list[str], lower: list[str], first: int, last: int) -> bool:
    """Whether a demonym is a language: "said in French.", "in English, Italian and German"."""
    i, furthest = first - 1, max(0, first - _LONGEST_LIST)
    while i > furthest and (lower[i] in (",", "and", "or") or words[i][:1].isupper()):
        i -= 1
    if i < 0 or lower[i] != "in" or not {lower[first], *lower[i + 1 : first]} <= _LISTED:
        return False
    ends = last == len(lower) or lower[last] in (".", "!", "?", ";")
    return ends or not {"english", "arabic"}.isdisjoint(lower[i + 1 : first]) and lower[last] in (",", "and", "or")


_LISTED = frozenset(", and or english arabic french german spanish italian portuguese russian chinese turkish hebrew japanese korean".split())
_SERVANT = frozenset("spy agent officer soldier intelligence operative analyst aide prosecutor senator congressman lawmaker".split())


def word_before(lower: list[str], i: int) -> str:
    """The word before token `i`, '' for none: a title, behind its full stop too ("Mr. Lie")."""
    return lower[i - 2] if i > 1 and lower[i - 1] == "." else lower[i - 1] if i else ""


def after_titles(lower: list[str]) -> set[int]:
    """Where a word stands behind a title, and behind its full stop."""
    return {k + 2 if lower[k + 1 : k + 2] == ["."] else k + 1 for k, w in enumerate(lower) if w in TITLE}


def is_former(lower: list[str], i: int) -> bool:
    """Whether what begins at `i` is told to be out of office: "former", "ousted", "the late"."""
    left = lower[max(0, i - 5) : i]
    stop = {",", "and", "said", "that", "by", "with"}
    return any(
        w in FORMER and not set(left[k + 1 :]) & stop and ("of" not in left[k + 1 :] or left[left.index("of", k + 1) - 1] in OFFICE)
        for k, w in enumerate(left)
    )


def is_given_name(before: str, low: str, i: int) -> bool:
    """Whether the word before a bare surname looks like another person's given name."""
    return (
        before[:1].isupper() and before[1:].islower() and low not in TITLE and low not in OFFICE and i > 1
        and low.isalpha() and low not in _NOT_GIVEN
    )  # fmt: skip


def is_surname(word: str) -> bool:
    """Whether the last word of a full name may stand for the person: not "II", and not "May", which is the month."""
    return word[:1].isupper() and word[1:2].islower() and word.lower() not in DAYS


DAYS = CALENDAR.union("jan feb mar apr jun jul aug sep sept oct nov dec . spring summer autumn winter".split())
_NOT_GIVEN = DAYS | frozenset(
    "the but and as if when while after before mr mrs that what how why "
    "in on with from by for at to of or nor why yet both elect american russian israeli iranian turkish syrian chinese french "
    "german british indian venezuelan ukrainian republican democrat democratic general vladimir donald barack hassan".split()
)


def _pronouns(he: str, she: str) -> dict[str, str]:
    return {**dict.fromkeys(he.split(), "he"), **dict.fromkeys(she.split(), "she")}


_CIVIL = _pronouns("mr sir", "mrs ms miss mme madam madame lady dame")
TELLING_OFFICES = _pronouns("spokesman congressman businessman statesman", "spokeswoman congresswoman businesswoman stateswoman chairwoman")
_TELLING = {**_CIVIL, **TELLING_OFFICES, **_pronouns("king prince lord pope emperor", "queen princess baroness duchess sheikha")}


def pronoun_before(lower: list[str], i: int) -> str:
    """`he` or `she` where "Mr", "Mrs" and the like stand before token `i`, else ''."""
    return _CIVIL.get(word_before(lower, i), "")


def pronoun_told(lower: list[str], first: int, last: int) -> str:
    """`he` or `she` of the name at `first:last` by the title before it, the given name or the office behind it; else ''."""
    if told := _TELLING.get(word_before(lower, first), ""):
        return told
    if last - first > 1 and (told := _TELLING.get(lower[first]) or given_names().get(lower[first], "")):
        return told
    if last >= len(lower) or lower[last] != ",":
        return ""
    right = lower[last + 1 : last + 9]
    if TELLING_OFFICES.keys().isdisjoint(right):
        return ""
    right = right[: right.index(",")] if "," in right else right
    return next((TELLING_OFFICES[w] for k, w in enumerate(right) if w in TELLING_OFFICES and REPORT.isdisjoint(right[k + 1 : k + 2])), "")


@lru_cache(maxsize=MOST_FORMS)
def pronoun_of_name(text: str) -> str:
    """`he` or `she` where the title or given name in a full name tells, else ''."""
    words = [w.lower() for w in words_of(text)[:-1]]
    return next((p for known in (_TELLING, given_names()) for w in words if (p := known.get(w))), "")


@lru_cache(maxsize=1)
def given_names() -> dict[str, str]:
    """Given names (lower case, without accents) that are nearly always a man's or a woman's, with `he` or `she`."""
    rows = (DATA / "given_names.csv").read_text("utf-8").split("\n")[1:-1]
    return dict(row.split(",", 1) for row in rows)


_ALSO_VERBS = frozenset("grant sue bill mark rob".split())


def is_namesake(words: list[str], lower: list[str], i: int) -> bool:
    """Whether the name of a country at `i` is a person's: "Rob Holland", "Chad Miller said", "said Jordan Miller,"."""
    if i and words[i - 1][:1].isupper() and words[i - 1][1:].islower() and lower[i - 1] in given_names() and lower[i - 1] not in _ALSO_VERBS:
        return True
    if lower[i] not in ("chad", "jordan") or i + 2 >= len(words) or lower[i + 1] in _NOT_A_NAME or _part(words[i + 1]) != "N":
        return False
    return not lower[i + 1].endswith("s") and lower[i + 2] in (",", "said", "says", "told", "'s", "who")


def name_goes_on(words: list[str], at: int) -> bool:
    """Whether a name goes on at `at`, so that what stands before is no surname: "Gen. Qasem Soleimani", "King Jr."."""
    return at < len(words) and words[at][:1].isupper() and words[at][1:2].islower()


def is_of_another(words: list[str], lower: list[str], i: int) -> bool:
    """Whether a family name that comes first, as in "Kim Jong Un", is another person's at `i`: "Tony Kim", "Kim Dong Chul"."""
    if i and words[i - 1][0].isupper() and lower[i - 1] in given_names():
        return True
    if not name_goes_on(words, i + 1) or lower[i + 1][-1] == "s" or lower[i + 1] in OFFICE_OR_TITLE or lower[i + 1] in AUX:  # "Kim Meets Putin"
        return False
    return lower[i + 1] not in REPORT and (lower[i + 2 : i + 3] == ["-"] or name_goes_on(words, i + 2))


def is_ourselves(lower: list[str], i: int) -> bool:
    """Whether "US" at `i` in a sentence in capitals is the pronoun: "LET US PRAY", "FOLLOW US ON", "NONE OF US!"."""
    before, two, after = lower[i - 1 : i], lower[i - 2 : i - 1], lower[i + 1 : i + 2]
    if not _TO_US.isdisjoint(before) and _OF_THE_US.isdisjoint(after):
        return not two or not two[0][0].isalnum() or two[0] in ("and", "please")
    ends = not after or after != ["-"] and not after[0][0].isalnum()
    return ends and (before == ["among"] or before == ["for"] and after in (["."], ["!"]) or before == ["of"] and not _SOME_OF_US.isdisjoint(two))


_TO_US = frozenset("let tell give join help follow contact show trust ask email call write".split())
_OF_THE_US = frozenset("allies bombers drones forces jets marines planes sanctions ships soldiers strikes tariffs troops".split())
_SOME_OF_US = frozenset("one all none some both most many each any rest".split())


_US_STATES = frozenset(  # without Georgia
    "Alabama Alaska Arizona Arkansas California Colorado Connecticut Delaware Florida Hawaii Idaho Illinois Indiana Iowa Kansas Kentucky Louisiana "
    "Maine Maryland Massachusetts Michigan Minnesota Mississippi Missouri Montana Nebraska Nevada Ohio Oklahoma Oregon Pennsylvania Tennessee Texas "
    "Utah Vermont Virginia Wisconsin Wyoming".split()
)


def in_america(words: list[str], last: int) -> bool:
    """Whether a US state stands behind the name that ends at `last`, and no list of states: "Turkey, Texas."."""
    if words[last : last + 1] != [","]:
        return False
    state, after = words[last + 1 : last + 2], words[last + 2 : last + 3]
    return not _US_STATES.isdisjoint(state) and after in ([], [","], ["."], [")"], [";"]) and "," not in words[last + 3 : last + 4]


def of_an_office(lower: list[str], first: int) -> bool:
    """Whether an office stands before the name, of some actor: "trade official Ine Lie", "its deputy minister, Ine Lie"."""
    i = first - 1
    if i > 0 and lower[i] == ",":
        i -= 1
    return i >= 0 and lower[i] in OFFICE


NAME = re.compile(r"(?:[NPA]|E(?!$))(?:[NPAp]|[Ee](?!$)|(?<=[NPAE])-(?=[NPAETpewc]))*")
_JOINING = frozenset("al bin de von van el ul".split())


def _part(word: str) -> str:
    """What a word may be in a person's name, as `NAME` reads it.

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
        return "N" if word[1:2].islower() and low not in TITLE and low not in OFFICE and low not in _NOT_A_NAME else "T"
    return "c" if word[0].isalpha() else "-" if word == "-" else "."


def name_parts(words: list[str]) -> str:
    """A letter a word, for `NAME` to search: what each may be in a person's name."""
    return "".join(map(_PARTS.__getitem__, words))


_NOT_A_NAME = DAYS | frozenset(
    "foreign defense defence interior ministry department the a in on it he she they but and we i i'm our his her this that "
    "twitter council security parliament congress senate house state prime deputy vice "
    "executive rear major cmdr from after all says christmas".split()
)
_PARTS = Memo(_part)


def _only_place(words: list[str], lower: list[str], first: int, last: int, kind: str, tokens: Tokens) -> str:
    """Why a name or capital is only where something happens ('' when it is more)."""
    after = lower[last] if last < len(lower) else ""
    if kind == "demonym" and after in ("conflict", "crisis") and lower[first - 1 : first] == ["the"]:
        return f"names the {after}"
    if kind not in ("name", "capital"):
        return ""
    if after == "'s" and lower[last + 1 : last + 3] == ["civil", "war"]:
        return "names the civil war"
    if after == "'s" and last + 1 < len(lower) and lower[last + 1] in _PARTY_WORDS:
        return "the country of a party"
    if kind == "name" and after in _TOPIC and lower[first - 1 : first] in (["the"], ["his"], ["her"], ["their"]):
        return f"names the {after}"
    if kind == "capital" and after == "as" and "capital" in lower[last + 1 : last + 5]:
        return "named as a capital"
    if kind == "capital" and lower[max(0, first - 2) : first] == ["capital", ","] and after in (",", "."):
        return "named as a capital"
    if kind == "capital" and lower[max(0, first - 2) : first] == ["post", "-"]:
        return "what happened there"
    joined = after == "-" and tokens.starts[last] == tokens.ends[last - 1]
    if after == "'s" or joined or (kind == "name" and last < len(lower) and after in OFFICE):
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
        if lower[i] == "," and (lower[i - 1] in DAYS or after[:1].isalpha() and after not in ("and", "or")):  # "In May, the Taliban attacked"
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
    if before == "of" and lower[i - 1] in _OF_A_PLACE and lower[first] not in _UNIONS:
        return f"place after '{lower[i - 1]} of'"
    if before == "from" and kind == "capital" and i and lower[i - 1] in _TOLD_FROM:
        return "where a report comes from"
    if (
        before in ("for", "to", "from")
        and lower[i - 1] in _TRAVEL
        or before in _TRAVEL
        and before not in ("return", "returned", "reported", "transferred")
    ):
        return f"destination after {before!r}"
    return ""


def _not_the_state(words: list[str], lower: list[str], last: int, alias: Alias) -> str:
    """Why the words after a name, demonym or possessive that ends at `last` name something else than the state ('' when they do not)."""
    kind, party = alias.kind, alias.actor in PARTIES
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
        if noun in _GEOGRAPHY and third[0] not in _SERVICE or noun not in OFFICE and third[0] in _GEOGRAPHY and third[1] not in _SERVICE:
            return "names a place"
        if _private(lower, at, 4, party):
            return "private person, people or thing"
    elif kind == "name" and _private(lower, at, 1 if noun.endswith(("s", "ed")) or noun in _DONE else 2, True):  # not "Turkey jails journalists"
        return "private person, people or thing"
    return "a body of its own" if kind != "capital" and noun and words[at][:1].isupper() and _private_body(words, lower, at) else ""


_DONE = frozenset(
    "met held hit shot sent put let kept took got fed paid hurt fought beat caught taught bought sold freed made won lost gave saw knew drove drew "
    "sought spent stole struck threw broke chose began built led left cut set spread swept".split()
)


def _private_body(words: list[str], lower: list[str], at: int) -> bool:
    """Whether a name that goes on at `at` is an institute's, a newspaper's or the like."""
    end = next((k for k, w in enumerate(words[at : at + _LONGEST_NAME], at) if not w[:1].isupper()), min(at + _LONGEST_NAME, len(words)))
    return lower[end - 1] in _PRIVATE_BODY or lower[end - 2 : end] == ["news", "agency"] and words[at] != "Central"  # a state's


def _private(lower: list[str], at: int, reach: int, party: bool) -> bool:
    """Whether the words from `at` on, at most `reach`, name a private person, firm or thing. The members of a `party` do not."""
    for k, w in enumerate(lower[at : at + reach], at):
        following = lower[k + 1] if k + 1 < len(lower) else ""
        one = w[:-1] if w[-1:] == "s" and w[:-1] in _PRIVATE else w
        if one in _PRIVATE or w.endswith(_MAKERS) and not w.startswith(("law", "policy", "peace")):
            if w == "national":
                return following not in _STATE_BODY
            if w == "opposition":  # not "Russian opposition to the plan"
                return following.isalpha() and following not in _NO_ADJECTIVE
            if one in _MEMBERS and party or one in _PRESS and "state" in lower[at:k]:
                return False
            return lower[k - 1] not in ("policy", "world") and following not in OFFICE
        if w in OFFICE or w in REPORT or w in AUX or w in _NO_ADJECTIVE or not w[:1].isalpha() and lower[k - 1] not in _BEFORE_HYPHEN:
            return False
        if w in _OF_THE_STATE or k > at and (w in _DONE or w.endswith("ed") and lower[k - 1] != "-" or _plural(lower[k - 1])):
            return False  # a deed told of the noun before: "Russian strikes killed civilians", "Russia's threats worry companies"
    return False


def _plural(word: str) -> bool:
    """Whether a noun is a plural, behind which a verb stands and no noun."""
    return word.endswith("s") and not word.endswith(("ss", "us", "is", "ics")) and word not in _PLURAL_ADJECTIVES


_NO_ADJECTIVE = frozenset(
    "of in to and on for with as at by that but or from into over about after before while when if is a an the its their his".split()
)


def _people(words: list[str], lower: list[str], first: int, last: int) -> bool:
    """Whether a plural demonym means the people ("Yemenis"), not the state ("the Saudis")."""
    plural = words[last - 1].endswith("s") and not words[last - 1].endswith(("ss", "us"))
    return plural and lower[first - 1 : first] != ["the"]


ORGAN_WORDS = frozenset(
    "foreign defense defence interior state military senior joint top oil trade finance prime education health justice treasury culture "
    "intelligence energy economy police vice deputy".split()
)
_RULERS = frozenset("government regime junta rulers authorities leadership administration parliament ministry".split())
_SEATED = _RULERS | {  # of the state whose capital or name follows them with "in"
    "military", "army", "officials", "official", "leaders", "mullahs", "ayatollahs",
}  # fmt: skip
_NOT_SEATED = frozenset(  # before these words: of another place, or of nobody
    "exile exiled opposition shadow rebel rival parallel local provincial regional city municipal puppet party republican democratic gop "
    "student world no any such".split()
)
_FREE_BEFORE = frozenset(  # before "officials in Tehran", with nobody's name between
    "\" “ , ; : the some many several and but or while as that with by from to for of against between among when if because "
    "said says told tells pressed urged urging accused accuses warned asked met meet meeting meets which than senior top".split()
)
_SEEN = (["described"], ["seen"], ["viewed"], ["denounced"], ["dismissed"], ["condemned"], ["regarded"])  # "in Riga as a threat"


def is_seat(words: list[str], lower: list[str], first: int, last: int, kind: str, *, before: int, listed: bool) -> bool:
    """Whether the place at `first:last` stands for the organ that sits there: "the foreign ministry in Beijing", "officials in Tehran and Baghdad".

    `before` is where the name before it ends (0: there is none), `listed` whether that one stands for such an organ.
    """
    if lower[last : last + 1] in (["for"], ["history"]):
        return False
    if listed and set(lower[before:first]) <= {",", "and", "the"}:
        return True
    if kind == "capital" and lower[first] != "washington" and lower[first - 1 : first] == ["in"] and lower[first - 2 : first - 1] in _SEEN:
        return lower[last : last + 1] == ["as"]
    organ = first - 3 if lower[first - 2 : first] == ["in", "the"] else first - 2
    if organ < 0 or lower[organ + 1] != "in" or lower[organ] not in _SEATED and lower[organ - 1 : organ + 1] != ["state", "media"]:
        return False
    start = organ
    while start and lower[start - 1] in ORGAN_WORDS:
        start -= 1
    if kind == "name" and lower[organ] not in _RULERS and words[organ] != "army" and not {"military", "army"}.isdisjoint(lower[start : organ + 1]):
        return False  # it may be a foreign one, as "the military" and "the Army" are in the news of the US
    the = start - 1
    free = the < 0 or lower[the] in _FREE_BEFORE or lower[organ] == "official" and lower[the] in ("a", "an", "one")
    if lower[organ] in _RULERS and not (free and lower[organ] in ("authorities", "rulers")):  # "the embattled, Western-backed government in Kabul"
        while the > start - 7 and the >= 0 and lower[the] not in ("the", "and", "of", "'s"):
            the -= 1
        free = lower[the : the + 1] == ["the"]
    the = max(the, 0)
    foreign = before > the and lower[before] != "-"
    return free and not foreign and _NOT_SEATED.isdisjoint(lower[the:organ])
