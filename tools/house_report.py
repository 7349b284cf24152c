"""How the house checks list files and report: shared by tools/check_*.py and tools/tidy.py."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def project_files(*suffixes):
    """Paths, relative to the root, of the files that git tracks or would; sorted."""
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    paths = {pathlib.Path(name) for name in listing.split("\0") if name}
    return sorted(p for p in paths
                  if (not suffixes or p.suffix in suffixes) and (ROOT / p).is_file())


def finish(checked, findings):
    """Prints findings (strings that start with `path:line: `) and the closing line; exits."""
    for finding in sorted(findings):
        print(finding)
    broken = len({finding.split(":", 1)[0] for finding in findings})
    print(f"{max(checked - broken, 0)} passed, {broken} failed, 0 skipped")
    sys.exit(1 if findings else 0)


def finish_skipped(name, reason):
    print(f"skipped: {name}: {reason}")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)
