"""Progress on a terminal's standard error: how far, how fast, how long yet. Elsewhere nothing, and rich is not imported."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE = 2.0  # seconds before anything is shown


@contextmanager
def progress(total: int | None) -> Iterator[tuple[Callable[[int], None], Callable[[int], None]]]:
    """Two functions: tell the first how many bytes were read, of `total` (None: unknown), the second how many articles are done."""
    if not sys.stderr.isatty():
        yield (lambda _: None), (lambda _: None)
        return
    start = time.monotonic()
    state: dict[str, Any] = {"bytes": 0, "articles": 0, "bar": None}

    def read(n: int) -> None:
        state["bytes"] += n

    def done(n: int) -> None:
        state["articles"] += n
        elapsed = time.monotonic() - start
        if elapsed > PATIENCE:
            state["bar"] = state["bar"] or _bar(total)
            told = f"{state['articles']:,} articles, {state['articles'] / elapsed:.1f}/s"
            state["bar"].update(state["bar"].task_ids[0], completed=state["bytes"], description=told)

    try:
        yield read, done
    finally:
        if state["bar"]:
            state["bar"].stop()


def steps(title: str, total: int) -> Iterator[int]:
    """Numbers 0 … total-1, with a bar."""
    if not sys.stderr.isatty():
        yield from range(total)
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(range(total), description=title, console=Console(stderr=True), transient=True)


def _bar(total: int | None) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    known = (BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), TextColumn("left")) if total else ()
    bar = Progress(
        TextColumn("{task.description}"), *known, TimeElapsedColumn(), console=Console(stderr=True), transient=True, speed_estimate_period=300
    )
    bar.add_task("", total=total)
    bar.start()
    return bar
