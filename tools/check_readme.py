#!/usr/bin/env python3
"""Runs the README's commands: each fenced `sh` block that follows a line `<!-- ci -->`.

A README whose commands are not run is a promise; one without a marked block fails.
"""

import re
import subprocess
import sys

from house_report import ROOT

BLOCK = re.compile(r"^<!-- ci -->\n+```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
TIMEOUT_S = 900


def main():
    blocks = BLOCK.findall((ROOT / "README.md").read_text())
    failed = 0
    for block in blocks:
        print(f"$ {block.strip()}", flush=True)
        try:
            status = subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=ROOT,
                                    stdin=subprocess.DEVNULL, timeout=TIMEOUT_S,
                                    check=False).returncode
        except subprocess.TimeoutExpired:
            status = f"a timeout of {TIMEOUT_S} s"
        if status != 0:
            print(f"README.md: this block ended with {status}", flush=True)
            failed += 1
    if not blocks:
        print("README.md: no block is marked <!-- ci -->")
        failed = 1
    print(f"{max(len(blocks) - failed, 0)} passed, {failed} failed, 0 skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
