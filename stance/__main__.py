"""The command `stance`, and `python -m stance`."""

from __future__ import annotations

import signal


def main() -> None:
    """The command line, quiet also when Control-C comes during its imports, as it ends, or a second time: then it dies of it at once."""
    heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # what runs in the background of a shell ignores it
    if heard:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from stance.cli import main as command

    try:
        if heard:
            signal.signal(signal.SIGINT, _interrupt)
        command()
    finally:
        if heard:
            signal.signal(signal.SIGINT, signal.SIG_DFL)


def _interrupt(*_: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
