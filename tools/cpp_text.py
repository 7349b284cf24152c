"""Just enough of C++'s lexis for the house checks: where comments and strings are."""

import re

TOKEN = re.compile(
    r'//[^\n]*'
    r'|/\*.*?\*/'
    r'|R"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'", re.DOTALL)


# What a header that only its own module, or only its tests, include says in its first comment.
# cmake/SalusModule.cmake looks for the same words.
PRIVATE_MARK = re.compile(r"not a public header|internal to the module|test code only",
                          re.IGNORECASE)
TEST_MARK = re.compile(r"test code only", re.IGNORECASE)


def intro_of(text):
    """The `//` comment at the top of a file, on one line."""
    lines = re.match(r"(//[^\n]*\n)*", text).group().splitlines()
    return " ".join(line.lstrip("/").strip() for line in lines)


def blank_comments_and_strings(text):
    """The text with comments and literals replaced by blanks; offsets and lines stay."""
    return TOKEN.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def comment_text(text, line):
    """The `//` comment that stands directly above a line (counted from 1), without its slashes."""
    lines = text.splitlines()
    above, at = [], line - 2
    while at >= 0 and (lines[at].startswith("//") or lines[at].startswith("template")):
        if lines[at].startswith("//"):
            above.insert(0, lines[at].lstrip("/").strip())
        at -= 1
    return " ".join(above)
