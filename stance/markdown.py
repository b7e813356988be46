"""Markdown, and HTML in the field of a record, as the prose that a reader sees: no marks, code, tables or images."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

_FRONT = re.compile(r"(---|\+\+\+)[ \t]*\n((?:[A-Za-z_][\w-]*[ \t]*[:=].*\n|[ \t#-].*\n|\n)*?)\1[ \t]*(?:\n+|\Z)")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_RULE = re.compile(r"\s*(?:=+|(?:[-*_][ \t]*){2,})$")  # a line, or what makes a heading of the lines above
_NO_PROSE = re.compile(r" {0,3}(?:\||\[[^^\]][^]]*\]:\s*\S)")  # tables, as in HTML, and where links lead
_MARK = re.compile(r"\s*(#{1,6}(?=\s|$)|[-*+](?=\s)(?:\s+\[[ xX]\](?=\s))?|\d{1,9}[.)](?=\s)|\[\^[^]]+\]:)")
_INLINE = tuple((re.compile(pattern), kept) for pattern, kept in (
    (r"!\[[^]]{0,500}\](?:\((?:[^()]|\([^()]*\)){0,2000}\)|\[[^]]{0,500}\])", ""),
    (r"\[\^[^]\s]{1,50}\]", ""),
    (r"\[([^]]{0,500})\](?:\((?:[^()]|\([^()]*\)){0,2000}\)|\[[^]]{0,500}\])", r"\1"),
    (r"<((?:https?://|mailto:)[^<>\s]+)>", r"\1"),
    (r"</?[A-Za-z][^<>]*>", ""),
    (r"(`+)(.{1,600}?)\1", r"\2"),
    (r"(\*{1,3}|~~)(?=\S)(.{1,600}?)(?<=\S)\1", r"\2"),
    (r"(?<!\w)(_{1,3})(?=\S)(.{1,600}?)(?<=\S)\1(?!\w)", r"\2"),
))  # fmt: skip

_TAGS = re.compile(  # a closing tag, a line break or a character by its name or number, as no prose has them
    r"(?i)</(?:p|div|span|a|b|i|em|strong|h[1-6]|ul|ol|li|blockquote)\s*>|<br\s*/?>|&(?:#\d{2,6}|#x[\da-f]{2,5}|amp|lt|gt|[a-z]{4,8});"
)
_UNREAD = re.compile(r"(?i)<(script|style|head|nav|table|figure)\b[^<>]*>|<!--")
_ENDS = {x: re.compile(rf"(?i)</{x}\s*>") for x in ("script", "style", "head", "nav", "table", "figure")} | {"": re.compile("-->")}
_FAR = 20_000  # characters within which a menu, table or figure ends: else it may be one that was never closed
_BLOCK = re.compile(r"(?i)</?(?:p|div|br|h[1-6]|ul|ol|li|blockquote|section|article|aside|header|footer|hr)(?:\s[^<>]*)?/?>")


def has_tags(text: str) -> bool:
    """Whether a text is HTML, or holds some."""
    return ("<" in text or "&" in text) and _TAGS.search(text) is not None


def without_tags(text: str) -> str:
    """HTML without its tags, a blank line between its blocks; the lines of a text without blocks stay, and blank lines of one with blocks."""
    bare = html.unescape(text)
    text = _read(bare if "<" not in text and has_tags(bare) else text)  # the former of tags that were written as text
    if _BLOCK.search(text):
        text = _BLOCK.sub("\n\n", "\n\n".join(" ".join(x.split()) for x in re.split(r"\n\s*\n", text)))
    blocks = (" ".join(line.split()) for line in html.unescape(re.sub(r"</?[A-Za-z][^<>]*>", "", text)).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(blocks)).strip()


def _read(text: str) -> str:
    """HTML without its comments and what no reader reads of it: scripts, menus, tables, figures."""
    kept: list[str] = []
    at = 0
    ends: dict[str, re.Match[str] | None] = {}  # the next of each kind, None where there is none
    for m in _UNREAD.finditer(text):
        name = (m[1] or "").lower()
        if m.start() < at:
            continue
        end = ends.get(name, m)
        if end and end.start() < m.end():
            end = ends[name] = _ENDS[name].search(text, m.end())
        if end and (name not in ("nav", "table", "figure") or end.start() - m.end() <= _FAR):
            kept += [text[at : m.start()], "\n\n" if name else ""]
            at = end.end()
    return "".join([*kept, text[at:]])


def front_matter(text: str) -> tuple[dict[str, str], str]:
    """(what lines of `key: value` between two of `---` at the beginning tell, by lower-case name; the text after them)."""
    text = text.replace("\r\n", "\n")
    front = _FRONT.match(text)
    told = {k.lower(): v.strip().strip("\"'") for k, v in re.findall(r"(?m)^([A-Za-z_]+)[ \t]*[:=][ \t]*([^>|\n].*)", front[2] if front else "")}
    return told, text[front.end() if front else 0 :]


def prose_of(text: str) -> str:
    """The prose of Markdown without front matter, with a blank line between paragraphs, headings and items."""
    body = re.sub(r"(?s)<!--.{0,2000}?-->", "", text.replace("\r\n", "\n"))
    return "\n\n".join(filter(None, map(_without_marks, _blocks(body))))


def _blocks(body: str) -> Iterator[str]:
    """Paragraphs, headings and items, each as one line; code and tables are left out."""
    block: list[str] = []
    fence = ""
    item = False  # indented lines are its text, elsewhere they are code
    for given in [*body.split("\n"), ""]:
        line = re.sub(r"^ {0,3}(?:>[ \t]?)+", "", given)
        opens = _FENCE.match(line)
        mark = _MARK.match(line) if not fence else None
        if mark and block and not item and mark[1][0].isdigit() and mark[1][:-1] != "1":
            mark = None  # a year that happens to begin a line
        if block and (mark or fence or opens or not line.strip() or _RULE.match(line) or _NO_PROSE.match(line)):
            yield " ".join(block)
            block = []
        if fence or opens:
            closes = fence and line.strip().startswith(fence)
            fence = "" if closes else fence or (opens[1] if opens else "")
        elif line.strip() and not _RULE.match(line) and not _NO_PROSE.match(line):
            if not block and not item and re.match(r" {4}|\t", line):
                continue
            item = mark[1][0] != "#" if mark else item and (bool(block) or line[0].isspace())
            block.append(re.sub(r"(?<!\s)\s+#+\s*$", "", line[mark.end() :]) if mark else line)
            if mark and mark[1][0] == "#" or line.endswith(("  ", "\\")):  # the line ends here
                yield " ".join(block)
                block = []


def _without_marks(block: str) -> str:
    """A block without the marks of emphasis, links, code and tags."""
    text = re.sub(r"\\([!-/:-@\[-`{-~])", lambda m: chr(0xE000 + ord(m[1])), block.rstrip().removesuffix("\\"))  # what is escaped is no mark
    for pattern, kept in _INLINE:
        text = pattern.sub(kept, text)
    return " ".join(re.sub("[\ue021-\ue07e]", lambda m: chr(ord(m[0]) - 0xE000), html.unescape(text)).split())
