"""The command `stance`, and `python -m stance`."""

from __future__ import annotations

import signal
import time

PATIENCE = 2.0  # seconds that an interrupted command has to clean up
_since: list[float] = []  # when it began to


def main() -> None:
    """The command line, quiet whenever Control-C comes: during its imports, as it ends, or again.

    Again, it is ignored while the command cleans up; after that the process dies of it at once.
    """
    heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # what runs in the background of a shell ignores it
    if heard:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from stance.cli import main as command

    try:
        if heard:
            signal.signal(signal.SIGINT, _interrupt)
        command()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    finally:
        _since[:] = _since or [float("-inf")]


def _interrupt(*_: object) -> None:
    if not _since:
        _since.append(time.monotonic())
        raise KeyboardInterrupt
    if time.monotonic() - _since[0] > PATIENCE:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
