"""The command `stance`, and `python -m stance`."""

from __future__ import annotations

import signal
import time

PATIENCE = 2.0  # seconds that an interrupted command has to clean up
_heard: list[tuple[int, float]] = []  # the signal that interrupted it, and when


def main() -> None:
    """The command line, quiet whenever Control-C or SIGTERM comes: during its imports, as it ends, or again.

    Again, they are ignored while the command cleans up; after that the process dies of them at once.
    """
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    heard = [s for s, handler in usual.items() if signal.getsignal(s) is handler]  # what runs in the background of a shell ignores Control-C
    for number in heard:
        signal.signal(number, signal.SIG_DFL)
    from stance.cli import INTERRUPTED
    from stance.cli import main as command

    try:
        for number in heard:
            signal.signal(number, _interrupt)
        command()
    except (KeyboardInterrupt, SystemExit) as e:
        if isinstance(e, SystemExit) and e.code != INTERRUPTED:
            raise
        raise SystemExit(128 + (_heard[0][0] if _heard else signal.SIGINT)) from None
    finally:
        _heard[:] = _heard or [(0, float("-inf"))]


def _interrupt(number: int, _: object) -> None:
    if not _heard:
        _heard.append((number, time.monotonic()))
        raise KeyboardInterrupt
    if time.monotonic() - _heard[0][1] > PATIENCE:
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)


if __name__ == "__main__":
    main()
