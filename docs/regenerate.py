"""Run the commands named in README.md and the pages of this folder, and put their output between the markers.

`python docs/regenerate.py` rewrites the files; `--check` fails when one is out of date.
"""

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"(<!-- run: (.+?) -->\n```text\n)(.*?)(```\n<!-- end -->)", re.S)


def output(command: str) -> str:
    """What a `stance` command prints, 110 columns wide."""
    words = shlex.split(command)
    assert words[0] == "stance", command
    run = subprocess.run(
        [sys.executable, "-m", "stance.cli", *words[1:]], cwd=ROOT, capture_output=True, text=True, check=True, encoding="utf-8",
        env={**__import__("os").environ, "COLUMNS": "110", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    return "\n".join(line.rstrip() for line in run.stdout.rstrip().split("\n")) + "\n"


def regenerated(text: str) -> str:
    """A page's text with fresh blocks."""
    return BLOCK.sub(lambda m: m.group(1) + output(m.group(2)) + m.group(4), text)


def main() -> None:
    """Rewrite the pages, or check them."""
    pages = [ROOT / "README.md", *sorted(Path(__file__).parent.glob("*.md"))]
    fresh = {page: regenerated(page.read_text("utf-8")) for page in pages}
    stale = {page: text for page, text in fresh.items() if text != page.read_text("utf-8")}
    if "--check" in sys.argv:
        sys.exit(f"{', '.join(str(p.relative_to(ROOT)) for p in stale)}: out of date: run python docs/regenerate.py" if stale else 0)
    for page, text in stale.items():
        page.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
