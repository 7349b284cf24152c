#!/usr/bin/env python3
"""Prints the figures of scripts/bench.sh as one table, and writes them to results/bench-DATE.json.

Goals stand beside the figures they are for, in a full run only. They are read, not judged: a slow
machine is no defect, and no test looks at them.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import subprocess

# (section, figure): goal on the reference machine of docs/performance.md.
GOALS = {
    ("embedded", "append, durable, indexed, published"): ">= 400,000",
    ("w100", "append, durable, indexed, published"): ">= 200,000",
    ("server", "1000 a request, 8 connections"): ">= 250,000",
    ("server", "single events, 64 connections"): ">= 40,000",
    ("embedded", "new epochs alone"): ">= 18,000",
    ("embedded", "batch to published at half load, p99"): "<= 100",
    ("embedded", "resident, peak"): "<= 300",
    ("w100", "disk, everything included"): "<= 450",
    ("server", "idle TLS connection"): "<= 32",
    ("open", "opening the directory"): "<= 5",
    ("history", "1000 entries by the command-line tool, p50"): "<= 150",
    ("embedded", "check of segments, tiles and indexes"): ">= 1,000,000",
    ("proxy", "1 KiB, salus proxy to nginx, requests"): ">= 0.8",
    ("proxy", "100 KiB, salus proxy to nginx, requests"): ">= 0.8",
    ("proxy", "1 KiB, salus proxy to nginx, p99"): "<= 1",
    ("proxy", "100 KiB, salus proxy to nginx, p99"): "<= 1",
    ("embedded", "verification of everything, map replayed"): ">= 300,000",
    ("seal", "seal 1024 MiB to /dev/null, salus to age"): "<= 0.7",
    ("seal", "open 1024 MiB to /dev/null, salus to age"): "<= 0.7",
    ("seal", "seal, /dev/null: time to the AEAD's own on one core"): "<= 1.3",
    ("seal", "open, /dev/null: time to the AEAD's own on one core"): "<= 1.3",
    ("seal", "seal 1024 MiB to /dev/null, salus, resident"): "<= 10",
    ("seal", "open 1024 MiB to /dev/null, salus, resident"): "<= 10",
    ("seal", "seal 10000 files of 4 KiB, salus -O"): ">= 5,000",
    ("seal", "open 10000 files of 4 KiB, salus -O"): ">= 5,000",
}
TITLES = {
    "disk": "The disk itself",
    "embedded": "W, embedded: {patients:,} patients",
    "w100": "W100, embedded: {many:,} patients",
    "open": "A directory of many patients",
    "server": "W over mutual TLS, salusd and its client on this machine",
    "history": "A history of 1,000 entries over 100 days among {events:,}",
    "proxy": "The TLS front door beside nginx, one core each, 64 connections",
    "postgresql": "PostgreSQL 15 with pgcrypto, the same events",
    "seal": "Files, salus beside age, GnuPG and openssl cms",
    "prio3": "Prio3 beside npm's @divviup/prio3 and libprio-rs, one core",
    "ratio": "Salus against PostgreSQL",
}


def output_of(*command):
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def machine(disk, load):
    """What the figures were measured on."""
    model = next((line.split(":", 1)[1].strip() for line in output_of("lscpu").splitlines()
                  if line.startswith("Model name")), platform.processor())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "kernel": platform.release(),
        "compiler": "g++ " + output_of("g++", "-dumpfullversion"),
        "file_system": output_of("stat", "-f", "-c", "%T", disk),
        "load_before": float(load),
        "commit": output_of("git", "describe", "--always", "--dirty"),
    }


def best(figures, section, *parts, without=None):
    """The highest rate of a section whose name holds all the parts, and not `without`."""
    found = [f for f in figures if f["section"] == section and f["unit"] in ("rows/s", "events/s")
             and all(part in f["name"] for part in parts)
             and not (without and without in f["name"])]
    return max(found, key=lambda f: f["value"], default=None)


def ratios(figures):
    ours = {
        "embedded, 1000 a batch": (
            best(figures, "embedded", "append, durable, indexed"), "1000-row"),
        "over TLS, 1000 a request": (
            best(figures, "server", "8 connections", without="per server"), "1000-row"),
        "over TLS, single events": (
            best(figures, "server", "64 connections", without="per server"), "single rows"),
    }
    rows = []
    for name, (own, shape) in ours.items():
        for kind, design in (("the best of PostgreSQL", ""), ("PostgreSQL, naive", "naive")):
            theirs = best(figures, "postgresql", design, shape, without="plain")
            if own is None or theirs is None:
                continue
            rows.append({"section": "ratio", "name": f"{name}, to {kind}",
                         "value": own["value"] / theirs["value"], "unit": "times",
                         "against": theirs["name"]})
    return rows


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}"


def print_table(figures, sizes, with_goals):
    titles = {name: title.format(**sizes) for name, title in TITLES.items()}
    for section in dict.fromkeys(f["section"] for f in figures):
        print(f"\n{titles.get(section, section)}")
        for f in (f for f in figures if f["section"] == section):
            goal = GOALS.get((section, f["name"]), "") if with_goals else ""
            goal = f"   goal {goal}" if goal else ""
            against = f"   ({f['against']})" if "against" in f else ""
            value = f"{number(f['value']):>12} {f['unit']:<9}"
            print(f"  {f['name']:<66} {value}{goal}{against}".rstrip())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("figures", "size", "disk", "load", "results"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("events", "patients"):
        parser.add_argument(f"--{name}", required=True, type=int)
    args = parser.parse_args()

    file = pathlib.Path(args.figures)
    lines = file.read_text().splitlines() if file.exists() else []
    figures = [json.loads(line) for line in lines]
    figures += ratios(figures)
    about = machine(args.disk, args.load)
    sizes = {"events": args.events, "patients": args.patients, "many": 5 * args.patients}

    print(f"\n{about['processor']}, {about['cores']} cores, {about['memory_gib']} GiB; "
          f"Linux {about['kernel']}, {about['compiler']}, {about['file_system']}; "
          f"commit {about['commit']}")
    print(f"{args.events:,} events of 300 bytes ({args.size}); load before: {about['load_before']}")
    if about["load_before"] > 0.5:
        print("NOTE: something else was running; alone, the absolute figures are better")
    if args.size != "full":
        print("NOTE: a small run shows that the bench works; its figures are not comparable")
    print_table(figures, sizes, args.size == "full")

    now = datetime.datetime.now(datetime.timezone.utc)
    folder = pathlib.Path(args.results)
    folder.mkdir(exist_ok=True)
    result = folder / f"bench-{now:%Y-%m-%d-%H%M%S}.json"
    result.write_text(json.dumps({"time": now.isoformat(timespec="seconds"), "size": args.size,
                                  **sizes, "machine": about, "figures": figures}, indent=1) + "\n")
    print(f"\nwritten to {result}")


if __name__ == "__main__":
    main()
