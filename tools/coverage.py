#!/usr/bin/env python3
"""Line coverage by module, from the gcov data of a coverage build: coverage.py BUILD_FOLDER."""

import collections
import json
import pathlib
import subprocess
import sys

from house_report import ROOT


def main():
    build = (ROOT / sys.argv[1]).resolve()
    hits = collections.defaultdict(dict)  # file -> line -> was executed
    for data in sorted(build.rglob("*.gcda")):
        result = subprocess.run(["gcov", "--json-format", "--stdout", str(data)], cwd=build,
                                capture_output=True, text=True, check=False)
        for document in result.stdout.splitlines():
            for file in json.loads(document)["files"]:
                path = (build / file["file"]).resolve()
                if not path.is_relative_to(ROOT / "src") or path.stem.endswith("_test"):
                    continue
                for line in file["lines"]:
                    number = line["line_number"]
                    hits[path][number] = hits[path].get(number, False) or line["count"] > 0
    modules = collections.defaultdict(list)
    for path, lines in hits.items():
        modules[path.relative_to(ROOT / "src").parts[0]].append((path, lines))
    print(f"{'module':<12} {'lines':>6} {'covered':>8}")
    for module, files in sorted(modules.items()):
        total = sum(len(lines) for _, lines in files)
        covered = sum(sum(lines.values()) for _, lines in files)
        print(f"{module:<12} {total:>6} {100 * covered / max(total, 1):>7.1f}%")
        for path, lines in sorted(files):
            share = 100 * sum(lines.values()) / max(len(lines), 1)
            if share < 80:
                print(f"    {share:5.1f}%  {pathlib.Path(path).relative_to(ROOT)}")


if __name__ == "__main__":
    main()
