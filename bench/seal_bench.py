#!/usr/bin/env python3
"""seal_bench.py --salus SALUS --directory FOLDER: salus seal and open beside Debian's age, GnuPG
and `openssl cms`, on the same file, in one run.

The input is in the page cache, outputs go to /dev/null and to a file; the programs take turns, and
the figure is the median of --rounds; GnuPG, which is slow, runs once. One JSON line a figure on the
standard output, for report.py.
"""

import argparse
import json
import os
import pathlib
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time

MIB = 1 << 20


def progress(text):
    print(f"seal: {text}", file=sys.stderr, flush=True)


def figure(name, value, unit):
    print(json.dumps({"section": "seal", "name": name, "value": value, "unit": unit}), flush=True)


def high_water_kib(pid):
    """The most that was resident so far. The kernel's own figure after the end (ru_maxrss) is of no
    use: it counts what was this process's before the other began."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    match = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    return int(match.group(1)) if match else 0


class Sample:
    """One run of a program: how long it took, and, where is_measured, the most that was resident.
    Looking at that takes a little of the time, so it has a run of its own."""

    def __init__(self, argv, is_measured=False):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.monotonic()
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
        peak_kib = 0
        while is_measured and process.poll() is None:
            peak_kib = max(peak_kib, high_water_kib(process.pid))
            time.sleep(0.005)
        errors = process.stderr.read()
        process.wait()
        self.seconds = time.monotonic() - start
        if process.returncode != 0:
            sys.exit(f"seal_bench: {' '.join(argv)[:200]}: {process.returncode}: {errors.decode()}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.peak_mb = peak_kib * 1024 / 1e6
        self.cpu_seconds = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def quiet(argv):
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


class Tool:
    """A program that seals and opens: its two command lines, without input and output."""

    def __init__(self, name, seal, open_, output=("-o", "{}"), most_rounds=100):
        self.name, self.commands, self.output = name, {"seal": seal, "open": open_}, output
        self.most_rounds = most_rounds  # fewer for what takes a minute a run
        self.sealed = None

    def argv(self, verb, target, source):
        words = [word.format(target) for word in self.output]
        return [*self.commands[verb], *words, *([source] if source else [])]


def make_tools(salus, folder):
    key, age_key = str(folder / "salus.key"), str(folder / "age.key")
    quiet([salus, "keygen", "-o", key])
    recipient = subprocess.run([salus, "keygen", "-y", key], check=True, capture_output=True,
                               text=True).stdout.strip()
    tools = [Tool("salus", [salus, "seal", "--force", "-r", recipient],
                  [salus, "open", "--force", "-i", key])]
    if shutil.which("age"):
        quiet(["age-keygen", "-o", age_key])
        line = pathlib.Path(age_key).read_text().splitlines()[1]
        tools.append(Tool("age", ["age", "-r", line.split()[-1]], ["age", "-d", "-i", age_key]))
    if shutil.which("gpg"):
        tools += gpg_tools(folder)
    tools.append(cms_tool(folder))
    return tools


def gpg_tools(folder):
    home = folder / "gnupg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--yes", "--quiet", "--no-tty"]
    quiet([*gpg, "--passphrase", "", "--quick-generate-key", "bench", "future-default"])
    seal = [*gpg, "--trust-model", "always", "--encrypt", "-r", "bench"]
    return [Tool("gpg", seal, [*gpg, "--decrypt"], ("--output", "{}"), 1),
            Tool("gpg without compression", [*seal, "--compress-algo", "none"],
                 [*gpg, "--decrypt"], ("--output", "{}"), 1)]


def cms_tool(folder):
    key, certificate = str(folder / "cms.key"), str(folder / "cms.pem")
    quiet(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out",
           certificate, "-subj", "/CN=bench"])
    # The recipient's certificate is the last argument, so that the input has a flag of its own.
    tool = Tool("openssl cms",
                ["openssl", "cms", "-encrypt", "-binary", "-stream", "-outform", "DER",
                 "-aes-256-gcm", "-recip", certificate],
                ["openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-inkey", key,
                 "-recip", certificate], ("-out", "{}", "-in"))
    return tool


def warm(path):
    with open(path, "rb") as file:
        while file.read(MIB):
            pass


def take_turns(tools, verb, sources, target_of, rounds):
    """name -> samples; each tool once a round."""
    samples = {tool.name: [] for tool in tools}
    for number in range(rounds + 1):
        for tool in tools:
            if number > tool.most_rounds:
                continue
            target = target_of(tool)
            # The first round warms up, and looks at the memory.
            sample = Sample(tool.argv(verb, target, sources[tool.name]), is_measured=number == 0)
            samples[tool.name].append(sample)
            if target != "/dev/null":
                os.unlink(target)
    return samples


def report(samples, what, size):
    seconds = {}
    for name, (first, *list_) in samples.items():
        seconds[name] = statistics.median(s.seconds for s in list_)
        figure(f"{what}, {name}", seconds[name], "s")
        figure(f"{what}, {name}, rate", size / seconds[name] / 1e6, "MB/s")
        figure(f"{what}, {name}, CPU", statistics.median(s.cpu_seconds for s in list_), "s")
        figure(f"{what}, {name}, resident", first.peak_mb, "MB")
    if "age" in seconds:
        figure(f"{what}, salus to age", seconds["salus"] / seconds["age"], "times")
    return seconds["salus"]


def aead_rate(algorithm):
    """Bytes a second of one core, by openssl itself."""
    text = subprocess.run(["openssl", "speed", "-mr", "-seconds", "3", "-bytes", "65536", "-evp",
                           algorithm], check=True, capture_output=True, text=True).stdout
    return float(re.search(r"^\+F:.*:([0-9.]+)$", text, re.MULTILINE).group(1))


def large_file(tools, folder, size, rounds):
    plain = str(folder / "plain")
    progress(f"a file of {size // MIB} MiB")
    with open(plain, "wb") as file:
        for _ in range(size // MIB):
            file.write(os.urandom(MIB))
    os.sync()
    warm(plain)
    times = {}
    sources = {tool.name: plain for tool in tools}
    for tool in tools:
        tool.sealed = str(folder / f"sealed.{tool.name.replace(' ', '-')}")
        Sample(tool.argv("seal", tool.sealed, plain))
    os.sync()
    openers = [tool for tool in tools if tool.name != "gpg without compression"]
    sealed = {tool.name: tool.sealed for tool in tools}
    for verb, who, inputs in (("seal", tools, sources), ("open", openers, sealed)):
        for kind, target_of in (("/dev/null", lambda _: "/dev/null"),
                                ("a file", lambda tool: str(folder / f"out.{tool.name}"))):
            progress(f"{verb} to {kind}")
            # GnuPG and cms are the table's, not the goals'; to a file says nothing new of them.
            chosen = who if kind == "/dev/null" else [t for t in who if t.name in ("salus", "age")]
            for tool in chosen:
                warm(inputs[tool.name])
            samples = take_turns(chosen, verb, inputs, target_of, rounds)
            times[verb, kind] = report(samples, f"{verb} {size // MIB} MiB to {kind}", size)
    progress("one core")
    for verb, inputs in (("seal", sources), ("open", sealed)):
        pinned = [Tool(t.name, ["taskset", "-c", "0", *t.commands["seal"]],
                       ["taskset", "-c", "0", *t.commands["open"]], t.output)
                  for t in tools if t.name in ("salus", "age")]
        samples = take_turns(pinned, verb, inputs, lambda _: "/dev/null", rounds)
        times[verb, "one core"] = report(samples, f"{verb} on one core", size)
    rate = aead_rate("chacha20-poly1305")
    figure("openssl speed, chacha20-poly1305, one core", rate / 1e6, "MB/s")
    for verb in ("seal", "open"):
        for kind in ("/dev/null", "one core"):
            figure(f"{verb}, {kind}: time to the AEAD's own on one core",
                   times[verb, kind] * rate / size, "times")


def small_files(tools, folder, count, rounds):
    plain = folder / "small"
    plain.mkdir()
    progress(f"{count} files of 4 KiB")
    for number in range(count):
        (plain / f"{number:06}").write_bytes(os.urandom(4096))
    salus = tools[0]
    rates = {"seal": [], "open": []}
    # Nothing is deleted in between: ext4 looks for inodes that were not just given up.
    for turn in range(rounds):
        sealed, opened = folder / f"small-sealed-{turn}", folder / f"small-opened-{turn}"
        for verb, source, target in (("seal", plain, sealed), ("open", sealed, opened)):
            target.mkdir()
            names = sorted(str(path) for path in source.iterdir())
            os.sync()
            sample = Sample([*salus.commands[verb], "-O", str(target), *names])
            rates[verb].append(count / sample.seconds)
            if len(list(target.iterdir())) != count:
                sys.exit(f"seal_bench: {verb} -O did not make all files")
    for verb, list_ in rates.items():
        figure(f"{verb} {count} files of 4 KiB, salus -O", statistics.median(list_), "files/s")
    age = next((tool for tool in tools if tool.name == "age"), None)
    if age:
        some = sorted(plain.iterdir())[:min(500, count)]
        start = time.monotonic()
        for path in some:
            Sample(age.argv("seal", str(folder / "one"), str(path)))
            os.unlink(folder / "one")
        figure("seal files of 4 KiB, age, a process each",
               len(some) / (time.monotonic() - start), "files/s")
    shutil.rmtree(plain)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--salus", required=True)
    parser.add_argument("--directory", required=True, type=pathlib.Path)
    parser.add_argument("--size", type=int, default=1024, help="MiB of the large file")
    parser.add_argument("--files", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    args.directory.mkdir(exist_ok=True, parents=True)
    tools = make_tools(os.path.abspath(args.salus), args.directory)
    try:
        large_file(tools, args.directory, args.size * MIB, args.rounds)
        small_files(tools, args.directory, args.files, min(args.rounds, 3))
    finally:
        if (args.directory / "gnupg").exists():
            quiet(["gpgconf", "--homedir", str(args.directory / "gnupg"), "--kill", "all"])


if __name__ == "__main__":
    main()
