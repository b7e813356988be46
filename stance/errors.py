"""What a user may see without a traceback: a message, and what to do about it; and warnings."""

from __future__ import annotations

from collections.abc import Sequence


class StanceError(Exception):
    """A problem the user can mend.

    `message` says what is wrong, with the value and the place (`file:line`);
    `hint` says what to do. `str()` shows both.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[type[StanceError], tuple[str, str]]:
        return type(self), (self.message, self.hint)


class StanceWarning(UserWarning):
    """What is doubtful in an input that was read all the same."""


class InputError(StanceError):
    """A file or argument that cannot be read as what it should be."""


class DataError(StanceError):
    """Labelled data with bad rows. `problems` holds every one of them as `file:line: …`, `str()` shows the first `shown`."""

    shown = 100  # more would push the message and the hint off the screen

    def __init__(self, message: str, hint: str = "", problems: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint)
        self.problems = problems

    def __str__(self) -> str:
        more = len(self.problems) - self.shown
        return "\n".join([*self.problems[: self.shown], *([f"… and {more} more"] if more > 0 else []), super().__str__()])

    def __reduce__(self) -> tuple[type[StanceError], tuple[str, str, tuple[str, ...]]]:  # type: ignore[override]
        return type(self), (self.message, self.hint, self.problems)


class ModelError(StanceError):
    """A model file that is damaged, altered, too new, or not a model."""


class MissingExtraError(StanceError):
    """A feature whose optional packages are not installed."""

    def __init__(self, feature: str, package: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs the package {package!r}, which is not installed",
            f"install it with: pip install 'stance[{extra}]'",
        )
        self._parts = (feature, package, extra)

    def __reduce__(self) -> tuple[type[StanceError], tuple[str, str, str]]:  # type: ignore[override]
        return type(self), self._parts


def number(n: int, what: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def first_of(names: Sequence[str], most: int, *, between: str = ", ") -> str:
    """The first `most` names, and `…` where there are more."""
    return between.join(names[:most]) + (" …" if len(names) > most else "")


def near_miss(value: str, known: Sequence[str]) -> str:
    """`did you mean 'firm'?` for a value close to a known one, else an empty string."""
    close = nearest(value, known)
    return f"did you mean {close!r}?" if close else ""


def near_or_all(value: str, known: Sequence[str]) -> str:
    """As `near_miss`, but `one of firm, deny, …`, all that are known, where none is close."""
    return near_miss(value, known) or f"one of {', '.join(known)}"


def nearest(value: str, known: Sequence[str], *, cutoff: float = 0.6) -> str:
    """The known value that is closest, `cutoff` (0 to 1) or more alike; else an empty string."""
    import difflib

    lower = {k.lower(): k for k in known}
    close = difflib.get_close_matches(value.strip().lower(), list(lower), n=1, cutoff=cutoff)
    return lower[close[0]] if close else ""
