#!/usr/bin/env python3
"""Checks that the C++ files are as clang-format-19 would write them; `make fix` does it."""

import os
import re
import shutil
import subprocess

from house_report import ROOT, finish, finish_skipped, project_files

TOOL = "clang-format-19"


def main():
    if not shutil.which(TOOL):
        finish_skipped("check_format", f"{TOOL} is not installed")
    files = [str(p) for p in project_files(".cc", ".h")]
    result = subprocess.run([TOOL, "--dry-run", *files], cwd=ROOT, env=os.environ | {"LC_ALL": "C"},
                            capture_output=True, text=True, check=False)
    findings = set()
    for match in re.finditer(r"^([^:\n]+):(\d+):\d+: (?:warning|error): ", result.stderr,
                             re.MULTILINE):
        findings.add(f"{match.group(1)}:{match.group(2)}: not formatted; run `make fix`")
    if result.returncode != 0 and not findings:
        findings.add(f"{TOOL}:0: {result.stderr.strip()}")
    finish(len(files), findings)


if __name__ == "__main__":
    main()
