#!/usr/bin/env python3
"""Compiles each public header alone: builds the CMake target `header_check` of a build folder."""

import re
import subprocess
import sys

from house_report import ROOT, finish, project_files


def main():
    build = sys.argv[1]
    headers = [p for p in project_files(".h") if p.parts[0] == "src"]
    result = subprocess.run(
        ["cmake", "--build", build, "--target", "header_check", "--", "-k", "0", "-j", "2"],
        cwd=ROOT, capture_output=True, text=True, check=False)
    findings = set()
    for module, header in re.findall(r"^FAILED: \S*src/(\w+)/\S*header_check/(\S+)\.cc\.o",
                                     result.stdout, re.MULTILINE):
        findings.add(f"src/{module}/{header}:1: does not compile alone")
    if result.returncode != 0:
        print(result.stdout[-20000:])
        findings = findings or {f"header_check:1: the build ended with {result.returncode}"}
    finish(len(headers), findings)


if __name__ == "__main__":
    main()
