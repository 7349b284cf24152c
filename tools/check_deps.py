#!/usr/bin/env python3
"""Checks that modules depend on each other, and on libraries, only as tools/deps.json allows.

The policy is acyclic and names every folder of src/; includes stay within it and never climb with
`../`; each .cc includes its own header first; a library's headers are included by its module only,
and not in a public header (tests may include any library: they compare with it); what CMake links
is what the policy allows and what the includes need.
"""

import functools
import json
import re

from cpp_text import PRIVATE_MARK, TEST_MARK, intro_of
from house_report import ROOT, finish, project_files

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
CMAKE_CALL = re.compile(r"salus_module\(NAME\s+(\w+)(.*?)\)", re.DOTALL)
CMAKE_WORDS = {"DEPS", "SOURCES", "HEADERS", "TESTS", "LIBS", "PRIVATE_LIBS"}

policy = json.loads((ROOT / "tools/deps.json").read_text())
MODULES = policy["modules"]
LIBRARIES = policy["third_party"]
findings = []


def reachable(module, edges, path=()):
    """The modules that `module` may include, itself among them; reports a cycle."""
    if module in path:
        findings.append(f"tools/deps.json:1: cycle {' -> '.join(path + (module,))}")
        return {module}
    seen = {module}
    for below in edges.get(module, []):
        if below not in MODULES:
            findings.append(f"tools/deps.json:1: {module} names {below}, which is not a module")
            continue
        seen |= reachable(below, edges, path + (module,))
    return seen


def includes_of(path):
    for number, line in enumerate((ROOT / path).read_text(errors="replace").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1) == '"', match.group(2)


@functools.cache
def cmake_sections(module):
    """The arguments of salus_module in src/<module>/CMakeLists.txt by keyword; None without one."""
    file = ROOT / "src" / module / "CMakeLists.txt"
    call = CMAKE_CALL.search(file.read_text()) if file.exists() else None
    if not call:
        return None
    sections, current = {word: [] for word in CMAKE_WORDS}, "DEPS"
    for word in call.group(2).split():
        if word in CMAKE_WORDS:
            current = word
        else:
            sections[current].append(word)
    return sections


def is_test(path):
    if path.parts[0] != "src":
        return path.parts[0] in ("bench", "tests", "fuzz")
    sections = cmake_sections(path.parts[1])
    return (path.stem.endswith("_test") or sections and path.name in sections["TESTS"]
            or marked(path, TEST_MARK))


def check_module_include(path, number, target, allowed, linked):
    if "/" not in target:
        findings.append(f'{path}:{number}: "{target}" is not named from src/; '
                        f'write "{path.parts[1]}/{target}"')
        return
    module = target.split("/")[0]
    if module not in MODULES:
        findings.append(f"{path}:{number}: {target} is of no module in tools/deps.json")
    elif module not in allowed:
        findings.append(f"{path}:{number}: {path.parts[1]} may not include {module} "
                        "(tools/deps.json)")
    elif module not in linked:
        findings.append(f"{path}:{number}: {module} is included but not among the DEPS of "
                        f"src/{path.parts[1]}/CMakeLists.txt")
    elif module != path.parts[1] and is_private(target) and \
            not (is_test(path) and marked("src/" + target, TEST_MARK)):
        findings.append(f"{path}:{number}: {target} is private to {module}")


def marked(path, mark):
    file = ROOT / path
    return file.is_file() and mark.search(intro_of(file.read_text(errors="replace")))


def is_private(header):
    return marked("src/" + header, PRIVATE_MARK)


def check_library_include(path, number, target):
    for prefix, rule in LIBRARIES.items():
        if not target.startswith(prefix):
            continue
        inside = path.parts[0] == "src" and path.parts[1] in rule["modules"]
        if is_test(path) or path.parts[0] == "apps" and prefix == "CLI/":
            continue
        if not inside:
            owners = ", ".join(rule["modules"]) or "apps"
            findings.append(f"{path}:{number}: <{target}> belongs to {owners}")
        elif path.suffix == ".h" and not rule["headers"] and \
                not is_private(str(path.relative_to("src"))):
            findings.append(f"{path}:{number}: <{target}> may not be in a public header")


def check_own_header(path, includes):
    own = "/".join(path.with_suffix(".h").parts[1:])
    if path.suffix != ".cc" or not (ROOT / "src" / own).exists():
        return
    if not includes or includes[0][2] != own:
        line = includes[0][0] if includes else 1
        findings.append(f'{path}:{line}: the first include must be "{own}"')


def check_file(path, allowed, linked):
    includes = list(includes_of(path))
    for number, quoted, target in includes:
        if "../" in target:
            findings.append(f"{path}:{number}: no ../ in an include")
        elif quoted and path.parts[0] == "src":
            check_module_include(path, number, target, allowed, linked)
        elif quoted and "/" in target and (ROOT / "src" / target.split("/")[0]).is_dir() and \
                not (ROOT / "src" / target).exists():
            findings.append(f"{path}:{number}: src/{target} does not exist")
        check_library_include(path, number, target)
    if path.parts[0] == "src":
        check_own_header(path, includes)


def main():
    may_include = {module: reachable(module, MODULES) for module in MODULES}
    cmake = {}
    for folder in sorted(p for p in (ROOT / "src").iterdir() if p.is_dir()):
        module = folder.name
        if module not in MODULES:
            findings.append(f"src/{module}:1: the folder is not in tools/deps.json")
            continue
        sections = cmake_sections(module)
        if sections is None:
            findings.append(f"src/{module}/CMakeLists.txt:1: has no salus_module(NAME {module})")
        deps = sections["DEPS"] if sections else []
        cmake[module] = deps
        for below in deps:
            if below not in may_include[module] - {module}:
                findings.append(f"src/{module}/CMakeLists.txt:1: DEPS {below} is not allowed by "
                                "tools/deps.json")

    files = [p for p in project_files(".cc", ".h")
             if p.parts[0] in ("src", "apps", "tests", "fuzz", "bench")]
    for path in files:
        module = path.parts[1] if path.parts[0] == "src" else None
        if module is not None and module not in MODULES:
            continue
        allowed = may_include.get(module, set(MODULES))
        linked = reachable(module, cmake) if module else set(MODULES)
        check_file(path, allowed, linked)
    finish(len(files) + len(MODULES), set(findings))


if __name__ == "__main__":
    main()
