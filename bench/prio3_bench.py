#!/usr/bin/env python3
"""prio3_bench.py --bench PRIO3_BENCH [--libprio PATH]: our Prio3 beside npm's @divviup/prio3 and,
where PATH is a checkout of libprio-rs outside the tree, beside that, in one run.

The programs take turns, --rounds times; a figure is the least CPU time of one call on one core,
with what it reads decoded and what it makes encoded. libprio-rs speaks the draft of our own
(draft-20), npm draft-08, so each stands beside ours of the same draft. One JSON line a figure on
the standard output, for report.py; the tables of docs/aggregation.md on the standard error.

libprio-rs must have been built there before (cargo build --release --examples): nothing is fetched.
The program that measures it is written into its folder examples/, and taken away again.
"""

import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parent.parent
NPM = ROOT / "tests" / "judges" / "prio3"
OPERATIONS = {"shard": "Shard", "leader": "VerifyLeader", "helper": "VerifyHelper"}


@dataclass
class Case:
    title: str
    ours: str  # the name in prio3_bench, and that of the same in draft-08
    ours_08: str = ""
    title_08: str = ""  # where draft-08 has no such instance, and another takes its place
    vdaf: dict | None = None  # for npm, in which a maximum is 2^bits - 1
    measurement: list | None = None
    rust: str = ""  # the constructor, and the measurement
    rust_measurement: str = ""

    @property
    def name_08(self):
        return self.title_08 or self.title


def sum_case(title, ours, ours_08, maximum, bits, measurement):
    return Case(title, ours, ours_08, f"Sum, {bits} bit",
                {"circuit": "sum", "max_measurement": 2**bits - 1}, [measurement],
                f"new_sum(2, {maximum})", f"{measurement}u64")


def histogram_case(length, chunk):
    name = f"Histogram{length}c{chunk}"
    vdaf = {"circuit": "histogram", "length": length, "chunk_length": chunk}
    return Case(f"Histogram {length}", name, f"Draft08{name}", "", vdaf, [3],
                f"new_histogram(2, {length}, {chunk})", "3usize")


def sum_vec_case(length, bits, chunk, number):
    name = f"SumVec{length}x{bits}c{chunk}"
    vdaf = {"circuit": "sum-vec", "max_measurement": 2**bits - 1, "length": length,
            "chunk_length": chunk}
    return Case(f"SumVec {length} x {bits} bit", name, f"Draft08{name}", "", vdaf,
                [number] * length, f"new_sum_vec(2, {2**bits - 1}, {length}, {chunk})",
                f"vec![{number}u128; {length}]")


CASES = [
    Case("Count", "Count", "Draft08Count", "", {"circuit": "count"}, [1], "new_count(2)", "true"),
    sum_case("Sum, maximum 250", "Sum250", "Draft08Sum8", 250, 8, 171),
    sum_case("Sum, 16 bit", "Sum16", "Draft08Sum16", 2**16 - 1, 16, 40000),
    sum_case("Sum, 32 bit", "Sum32", "Draft08Sum32", 2**32 - 1, 32, 123456789),
    histogram_case(10, 4),
    histogram_case(100, 10),
    histogram_case(1024, 32),
    sum_vec_case(10, 8, 9, 200),
    sum_vec_case(100, 16, 40, 20000),
    sum_vec_case(1000, 1, 32, 1),
    Case("MultihotCountVec 100, at most 10", "Multihot100w10",
         rust="new_multihot_count_vec(2, 100, 10, 10)",
         rust_measurement="(0..100).map(|i| i == 3 || i == 50).collect::<Vec<bool>>()"),
    Case("MeanVar, maximum 250", "MeanVar250"),
]

# clock() is the CPU time of the process, in microseconds on every POSIX system.
RUST = """
use prio::codec::{Encode, ParameterizedDecode};
use prio::vdaf::{prio3::*, Aggregator, Client};
use std::hint::black_box;

extern "C" { fn clock() -> std::ffi::c_long; }

fn least_us<R>(mut call: impl FnMut() -> R) -> f64 {
    let mut batch = |calls: u32| {
        let start = unsafe { clock() };
        for _ in 0..calls { black_box(call()); }
        (unsafe { clock() } - start) as f64
    };
    let mut calls = 1;
    while batch(calls) < 20000.0 { calls *= 2; }
    (0..8).map(|_| batch(calls) / calls as f64).fold(f64::MAX, f64::min)
}

macro_rules! measure { ($name:expr, $prio3:expr, $measurement:expr) => {{
    let (prio3, measurement) = ($prio3.unwrap(), $measurement);
    let (nonce, key, context) = ([0u8; 16], [0u8; 32], [0u8; 38]);
    let (public, shares) = prio3.shard(&context, &measurement, &nonce).unwrap();
    let public = public.get_encoded().unwrap();
    let shares: Vec<Vec<u8>> = shares.iter().map(|s| s.get_encoded().unwrap()).collect();
    let shard = || {
        let (public, shares) = prio3.shard(&context, &measurement, &nonce).unwrap();
        (public.get_encoded().unwrap(), shares[0].get_encoded().unwrap(),
         shares[1].get_encoded().unwrap())
    };
    let verify = |j: usize| {
        let public = Prio3PublicShare::get_decoded_with_param(&prio3, &public).unwrap();
        let share = Prio3InputShare::get_decoded_with_param(&(&prio3, j), &shares[j]).unwrap();
        let (state, verifier) =
            prio3.verify_init(&key, &context, j, &(), &nonce, &public, &share).unwrap();
        (state, verifier.get_encoded().unwrap())
    };
    println!("{}|shard|{}", $name, least_us(shard));
    println!("{}|leader|{}", $name, least_us(|| verify(0)));
    println!("{}|helper|{}", $name, least_us(|| verify(1)));
}}}

fn main() {
"""
EXAMPLE = "salus_prio3_bench"


def progress(text):
    print(f"prio3: {text}", file=sys.stderr, flush=True)


def output_of(argv, **options):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


class Figures:
    """(who, title, operation) -> the least microseconds of all rounds."""

    def __init__(self):
        self.least = {}

    def take(self, who, title, operation, us):
        key = (who, title, operation)
        self.least[key] = min(us, self.least.get(key, us))

    def print_json(self):
        for (who, title, operation), us in self.least.items():
            print(json.dumps({"section": "prio3", "name": f"{title}, {operation}, {who}",
                              "value": us, "unit": "us"}), flush=True)

    def print_table(self, ours, theirs, titles):
        """Markdown: ours / theirs."""
        print(f"\n{ours} / {theirs}, microseconds\n\n| instance | shard | verify, leader | "
              "verify, helper |\n|---|---|---|---|", file=sys.stderr)
        for title in titles:
            cells = [" / ".join(number(self.least.get((who, title, operation)))
                                for who in (ours, theirs)) for operation in OPERATIONS]
            if any(cell != "- / -" for cell in cells):
                print(f"| {title} | {' | '.join(cells)} |", file=sys.stderr)


def number(us):
    if us is None:
        return "-"
    return f"{us:.1f}" if us < 9.95 else f"{us:,.0f}"


def measure_ours(bench, figures):
    names = {case.ours: ("salus", case.title) for case in CASES}
    names |= {case.ours_08: ("salus, draft-08", case.name_08) for case in CASES if case.ours_08}
    pattern = f"^({'|'.join(names)})/({'|'.join(OPERATIONS.values())})$"
    text = output_of([bench, "--benchmark_format=json", "--benchmark_min_time=0.1",
                      f"--benchmark_filter={pattern}"], stderr=subprocess.DEVNULL)
    verbs = {verb: operation for operation, verb in OPERATIONS.items()}
    for run in json.loads(text)["benchmarks"]:
        name, verb = run["name"].split("/")
        assert run["time_unit"] == "ns"
        figures.take(*names[name], verbs[verb], run["cpu_time"] / 1000)


def npm_version():
    """None, and why on the standard error, where npm can't be measured."""
    package = NPM / "node_modules" / "@divviup" / "prio3" / "package.json"
    if not shutil.which("node") or not package.exists():
        progress("npm's @divviup/prio3 is left out: no node, or no packages (make setup)")
        return None
    version = json.loads(package.read_text(encoding="utf-8"))["version"]
    return f"@divviup/prio3 {version}, node {output_of(['node', '--version']).strip()}"


def measure_npm(figures):
    cases = [{"name": c.name_08, "vdaf": c.vdaf, "measurement": c.measurement}
             for c in CASES if c.vdaf]
    for line in output_of(["node", str(NPM / "speed.mjs"), json.dumps(cases)]).splitlines():
        run = json.loads(line)
        figures.take("npm", run["name"], run["operation"], run["us"])


def build_libprio(checkout):
    """The program that measures libprio-rs."""
    calls = [f'    measure!("{case.title}", Prio3::{case.rust}, {case.rust_measurement});'
             for case in CASES if case.rust]
    source = checkout / "examples" / f"{EXAMPLE}.rs"
    source.parent.mkdir(exist_ok=True)
    source.write_text(RUST + "\n".join(calls) + "\n}\n", encoding="utf-8")
    try:
        subprocess.run(["cargo", "build", "--quiet", "--release", "--offline", "--example",
                        EXAMPLE], cwd=checkout, check=True, stdout=sys.stderr)
    finally:
        source.unlink()
    return checkout / "target" / "release" / "examples" / EXAMPLE


def measure_libprio(program, figures):
    for line in output_of([str(program)]).splitlines():
        title, operation, us = line.split("|")
        figures.take("libprio-rs", title, operation, float(us))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", required=True)
    parser.add_argument("--libprio", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    figures = Figures()
    npm = npm_version()
    program = None
    if npm:
        progress(npm)
    if args.libprio:
        commit = output_of(["git", "-C", str(args.libprio), "rev-parse", "--short", "HEAD"]).strip()
        rustc = re.search(r"\d[\d.]*", output_of(["rustc", "--version"])).group()
        progress(f"libprio-rs {commit}, rustc {rustc}")
        program = build_libprio(args.libprio.resolve())
    for turn in range(args.rounds):
        progress(f"round {turn + 1} of {args.rounds}")
        measure_ours(args.bench, figures)
        if program:
            measure_libprio(program, figures)
        if npm:
            measure_npm(figures)
    figures.print_json()
    figures.print_table("salus", "libprio-rs", [case.title for case in CASES])
    figures.print_table("salus, draft-08", "npm", [case.name_08 for case in CASES])


if __name__ == "__main__":
    main()
