"""Dates as news have them → ISO dates.

Read, with anything behind them that cannot belong to the date:

- year first: `2018-03-04T…`, `2018/03/04`, `20180304`, `20180304101500` (GDELT), `2018-03`, `2018`;
- the day of an ISO week: `2018-W09-7`, `2018W097`;
- the month's English name, whole or short: `Sun, 04 Mar 2018 …`, `4 March 2018`, `March 4, 2018`, `2018 March 4`, `Sun Mar 04 10:00:00 +0000 2018`,
  and where they stand alone `March 2018`, `2018 March`;
- in numbers, where one alone can be the month or both are the same: `04.03.2018` (with dots the day is first), `13/3/2018`, `3/13/2018`, `4/4/2018`;
- with a year of two digits (1969 to 2068, as POSIX has it) where the day can be nothing else: `3/13/18`.

Read where they stand alone: seconds or milliseconds since 1970, of 10 or 13 digits, from 2001 to 2030 (later ones might be `2030030410`).

Refused: where either number may be the month (`04/03/2018`), any other year of two digits, `2018.03.04`, days that no calendar has (`2018-02-30`),
a month without a day in any other form (`201803`, `2018 Mar 10:00`), a week without a day (`2018-W09`), months in other languages, words
before the date but for a weekday.
"""

from __future__ import annotations

import datetime
import re

from stance.errors import InputError


def valid_date(value: str) -> str:
    """The ISO date in front of `value` (`YYYY`, `YYYY-MM` or `YYYY-MM-DD`), or '' when there is none that can be read in one way only."""
    value = value.strip()
    parts: tuple[str, ...]
    if (m := _YEAR_AND_WORD.match(value)) and (month := _month(m[2])):
        parts = (m[1], month, m[3]) if m[3] or m.end() == len(value.rstrip(".")) else ()
    elif re.match(r"\d{4}[- ]?[Ww]\d", value):
        return _day_of_week(value)
    elif m := re.match(r"(\d{4})(?:([-/])(\d\d?)(?:\2(\d\d?)(?!\d)|(?![-/.]?\d))|(?![-/.]?\d))", value):
        parts = m.group(1, 3, 4)
    elif m := re.match(r"(\d{4})(\d\d)(\d\d)(?:\d{6})?(?!\d)", value):
        parts = m.group(1, 2, 3)
    elif m := _DAY_AND_MONTH.match(value):
        day, month = (m[3], m[1]) if m[2] != "." and int(m[3]) > 12 else (m[1], m[3])
        parts = () if ambiguous(value) else (m[4], month, day)
    elif m := _SHORT_YEAR.match(value):
        parts = (f"{'19' if m[4] >= '69' else '20'}{m[4]}", m[1], m[3])
    elif m := re.fullmatch(r"(1[0-8]\d{8})(?:\d{3})?(?:\.\d*)?", value, re.A):
        return datetime.datetime.fromtimestamp(int(m[1]), datetime.UTC).date().isoformat()
    else:
        parts = _named_month(value)
    found = "-".join(f"{int(x):02}" if n else x for n, x in enumerate(parts) if x)
    try:
        datetime.date.fromisoformat((found + "-01-01")[:10])
    except ValueError:
        return ""
    return found


_DAY_AND_MONTH = re.compile(r"(\d\d?)([./-])[ ]?(\d\d?)\2[ ]?(\d{4})(?!\d)")
_SHORT_YEAR = re.compile(r"(\d\d?)([/-])(1[3-9]|2\d|3[01])\2(\d\d)(?![\d/-])", re.A)
_YEAR_AND_WORD = re.compile(r"(\d{4})[-/.,\s]+([A-Za-z]{3,9})(?![A-Za-z])(?:[-/.,\s]+(\d\d?)(?:st|nd|rd|th)?(?![\d:]))?")


def ambiguous(value: str) -> bool:
    """Whether either number of a date such as `04/03/2018` may be the month. With dots the day stands first."""
    m = _DAY_AND_MONTH.match(value.strip())
    return m is not None and m[2] != "." and int(m[1]) != int(m[3]) and max(int(m[1]), int(m[3])) <= 12


def date_hint(value: str) -> str:
    """What to do about a date that is not understood."""
    return "write YYYY-MM-DD" + (": either number may be the month" if ambiguous(value) else "")


def checked_date(value: str, what: str) -> str:
    """The ISO date of `value`, '' for ''. Raises InputError, in which `what` names it, for a date that is not understood."""
    date = valid_date(value)
    if value.strip() and not date:
        raise InputError(f"{what} is {value!r:.60}, which is not understood", f"{date_hint(value)}; or give '' where there is none")
    return date


_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")


def _named_month(value: str) -> tuple[str, ...]:
    """Year, month and day (or the first two) of a date with the month's English name, whole or short, as feeds and papers have it; else nothing."""
    day, name = r"(\d{1,2})(?:st|nd|rd|th)?", r"([A-Za-z]{3,9})\.?"
    m = re.match(rf"(?:[A-Za-z]{{3,9}},?\s+)?(?:{day}\s+{name}|{name}\s+{day}),?\s+(?:[\d:]{{8}}\s+(?:\S+\s+)?)?(\d{{4}})(?!\d)", value)
    if m:
        return (m[5], month, m[1] or m[4]) if (month := _month(m[2] or m[3])) else ()
    m = re.fullmatch(rf"{name},?\s+(\d{{4}})", value)
    return (m[2], month) if m and (month := _month(m[1])) else ()


def _day_of_week(value: str) -> str:
    """The day of `2018-W09-7` or `2018W097`; '' of a week without a day, and of one that no year has."""
    m = re.match(r"(\d{4})(-?)[Ww](\d\d)\2([1-7])(?!\d)", value)
    try:
        return datetime.date.fromisocalendar(*map(int, m.group(1, 3, 4))).isoformat() if m else ""
    except ValueError:
        return ""


def _month(word: str) -> str:
    """The number of the month that a word of three letters or more names, whole or short; '' where it names none."""
    return next((str(n) for n, x in enumerate(_MONTHS, 1) if x.startswith(word.lower())), "")
