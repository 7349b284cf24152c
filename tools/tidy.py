#!/usr/bin/env python3
"""Checks the rules of docs/conventions.md that a regular expression can check.

Exceptions stand in tools/tidy_exceptions.txt, one a line: `RULE PATH: reason`. One that excuses
nothing any more is itself an error.
"""

import re

from cpp_text import (PRIVATE_MARK, TEST_MARK, blank_comments_and_strings, comment_text,
                      intro_of)
from house_report import ROOT, finish, project_files

CODE = {".cc", ".h", ".in", ".py", ".sh", ".cmake"}
LINE_COLUMNS = 100
SOURCE_LINES, HEADER_LINES = 600, 300
SOURCE_LINES_SOFT = 400
MODULE_PAGE_LINES = 40

BANNED_NAME_WORDS = {"util", "utils", "helper", "helpers", "common", "manager", "misc", "impl"}
BANNED_NAMES = {"data", "info", "stuff"}

# Where memcmp would compare what an attacker may not time.
SECRET_MODULES = {"crypto", "jose", "pki", "audit", "seal", "kms", "access", "vault", "exchange"}

BANNED_CALLS = [
    (r"(?<![\w.>])s?rand\(", "use base/random.h"),
    (r"std::random_device", "use base/random.h"),
    (r"(?<!\w)ato[ilf]\(", "use std::from_chars"),
    (r"(?<!\w)(strcpy|strcat|sprintf|vsprintf|gets|strtok)\(", "use std::string, fmt or a span"),
    (r"(?<![\w.>])(system|popen)\(", "no shell"),
    (r"std::regex", "write a small parser: its time and stack depend on the input"),
    (r"(?<!\w)assert\(", "use CHECK, which stays on in release builds"),
    (r"catch \(\.\.\.\) *\{ *\}", "an error must not vanish"),
    (r"\.detach\(\)", "a thread has an owner that joins it"),
    (r"using namespace (?!std::chrono|std::literals)", "name what you use"),
]
BANNED_OUTSIDE_TESTS = [
    (r"std::mt19937", "use base/random.h"),
    (r"std::sto(i|l|ul|ll|ull|f|d)\(", "it throws; use std::from_chars"),
]
BANNED_IN_MODULES = [
    (r"std::c(out|err)\b|(?<![\w:])printf\(", "use base/log.h; only apps/ talk to a terminal"),
]
BANNED_WORDS = re.compile(
    r"simplified for the demo|for demo purposes|placeholder|in a real (system|implementation|"
    r"deployment)|not production.ready|left as an exercise|\bnow fixed\b", re.IGNORECASE)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
PARSES = re.compile(r"\b(Parse|Decode|Encode|Seriali[sz]e)\w*\(")
TYPE = re.compile(r"^(class|struct|enum class) (\w+)[^;(]*\{", re.MULTILINE)

findings = []  # (rule, path, line, text)


def report(rule, path, line, text):
    findings.append((rule, str(path), line, text))


def in_tree(path, *tops):
    return path.parts[0] in tops


def check_name(path):
    words = re.split(r"[_\-.]", path.stem.lower())
    for part in path.parts[:-1]:
        if part in BANNED_NAMES | BANNED_NAME_WORDS:
            report("name", path, 1, f"folder {part}: name it after what is in it")
    if BANNED_NAME_WORDS & set(words) or path.stem in BANNED_NAMES:
        report("name", path, 1, f"{path.stem}: name the file after what is in it")
    if path.suffix in (".cc", ".h") and not re.fullmatch(r"[a-z0-9_]+", path.stem):
        report("name", path, 1, "file names are snake_case")


def check_lines(path, text):
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_COLUMNS:
            report("columns", path, number, f"{len(line)} columns, {LINE_COLUMNS} at most")
        if not line.isascii():
            report("ascii", path, number, "not ASCII")
        if "\t" in line:
            report("tab", path, number, "a tab")
    limit = HEADER_LINES if path.suffix == ".h" else SOURCE_LINES
    if len(lines) > limit:
        report("length", path, len(lines), f"{len(lines)} lines, {limit} at most: split it")
    elif path.suffix == ".cc" and len(lines) > SOURCE_LINES_SOFT:
        print(f"note: {path} has {len(lines)} lines; {SOURCE_LINES_SOFT} is the aim")


def check_calls(path, code):
    is_test = path.stem.endswith("_test") or in_tree(path, "tests")
    rules = list(BANNED_CALLS)
    if in_tree(path, "src"):
        rules += BANNED_IN_MODULES
        if path.parts[1] in SECRET_MODULES and not is_test:
            rules.append((r"(?<!\w)memcmp\(", "use ConstantTimeEqual of base/secret.h"))
    if is_test:
        rules.append((r"sleep_for\(|sleep_until\(|(?<!\w)u?sleep\(", "tests inject the clock"))
    else:
        rules += BANNED_OUTSIDE_TESTS
    for pattern, advice in rules:
        for match in re.finditer(pattern, code):
            line = code.count("\n", 0, match.start()) + 1
            report("call", path, line, f"{match.group().strip()}: {advice}")


def check_words(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        if BANNED_WORDS.search(line):
            report("words", path, number, f'"{BANNED_WORDS.search(line).group()}"')
        if UNFINISHED.search(line):
            report("unfinished", path, number, "finish it, or open an issue")


def check_header(path, text, code):
    """A public header explains itself: its main type, and the origin and shape of what it reads."""
    if "//" not in text:
        report("header", path, 1, "has no comment")
    if "#pragma once" not in text:
        report("header", path, 1, "no #pragma once")
    intro = intro_of(text)
    if PRIVATE_MARK.search(intro):
        return
    main = path.stem.replace("_", "")
    for match in TYPE.finditer(code):
        kind, name = match.groups()
        line = code.count("\n", 0, match.start()) + 1
        explained = comment_text(text, line).startswith(name) or \
            re.search(rf"\b{name}\b", intro)
        if (kind == "class" or name.lower() == main) and not explained:
            report("header", path, line, f"the comment on {name} starts with its name")
    if PARSES.search(code):
        for word in ("Source:", "Shape:"):
            if word not in text:
                report("header", path, 1, f"parses or encodes, and has no {word} line")


def registered_in(path):
    """The CMake files that may name this source."""
    folder = path.parent
    files = [folder / "CMakeLists.txt", folder / "targets.cmake"]
    while folder.parts:
        folder = folder.parent
        files.append(folder / "CMakeLists.txt")
    return [ROOT / f for f in files if (ROOT / f).exists()]


def check_registered(path):
    text = "\n".join(f.read_text() for f in registered_in(path))
    stem = re.escape(path.stem)
    pattern = rf"\bNAME {stem}\b" if in_tree(path, "fuzz", "bench") else "(?!)"
    named = rf"(?<![\w]){re.escape(path.name)}(?!\w)"
    if path.name != "replay_main.cc" and not re.search(f"{pattern}|{named}", text):
        report("cmake", path, 1, "no CMakeLists.txt names this file")


def check_links(path, text):
    """Relative links of a page lead to files that exist."""
    for number, line in enumerate(text.splitlines(), 1):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", line):
            if "://" not in target and not (ROOT / path.parent / target).exists():
                report("link", path, number, f"{target} does not exist")


def check_module_pages(files):
    """Each module that has sources explains itself in a README.md of at most 40 lines."""
    for module in sorted({p.parts[1] for p in files if in_tree(p, "src") and p.suffix == ".cc"}):
        page = ROOT / "src" / module / "README.md"
        where = f"src/{module}/README.md"
        if not page.exists():
            report("readme", where, 1, "purpose, entry type, invariants: write it")
        elif len(page.read_text().splitlines()) > MODULE_PAGE_LINES:
            report("readme", where, 1, f"more than {MODULE_PAGE_LINES} lines")


def read_exceptions():
    exceptions = {}
    file = ROOT / "tools/tidy_exceptions.txt"
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"(\w+) ([^:]+): (.+)", line)
        if not match:
            report("exception", "tools/tidy_exceptions.txt", number, "not `RULE PATH: reason`")
            continue
        exceptions[match.group(1), match.group(2)] = number
    return exceptions


def apply_exceptions(exceptions):
    """Drops what is excused; an exception that excuses nothing is a finding."""
    used = {(rule, path) for rule, path, _, _ in findings} & exceptions.keys()
    kept = [f for f in findings if (f[0], f[1]) not in used]
    for (rule, path), number in exceptions.items():
        if (rule, path) not in used:
            kept.append(("exception", "tools/tidy_exceptions.txt", number,
                         f"{rule} {path} excuses nothing any more: delete the line"))
    return kept


def check(path):
    text = (ROOT / path).read_text(errors="replace")
    if path.suffix in CODE or path.name in ("CMakeLists.txt", "Makefile"):
        if path.name != "Makefile":
            check_lines(path, text)
        if path.name != "tidy.py":
            check_words(path, text)
    if path.suffix == ".md":
        check_links(path, text)
    if path.suffix in (".cc", ".h"):
        code = blank_comments_and_strings(text)
        check_calls(path, code)
        test_header = path.suffix == ".h" and TEST_MARK.search(intro_of(text))
        if in_tree(path, "src", "apps", "fuzz", "bench", "tests") and not test_header:
            check_registered(path)
        if path.suffix == ".h" and in_tree(path, "src"):
            check_header(path, text, code)


def main():
    exceptions = read_exceptions()
    files = [p for p in project_files() if not in_tree(p, "web", "testdata", "node_modules")
             and "corpus" not in p.parts and "node_modules" not in p.parts]
    for path in files:
        check_name(path)
        check(path)
    check_module_pages(files)
    finish(len(files), {f"{path}:{line}: {rule}: {text}"
                        for rule, path, line, text in apply_exceptions(exceptions)})


if __name__ == "__main__":
    main()
