#!/usr/bin/env python3
"""seal_folder_test.py SALUS ARCHIVE_TOOL: folders and many files, with the real seal and open, and
with GNU tar, bsdtar and Python's tarfile as judges of the archives."""

import io
import os
import pathlib
import socket
import stat
import subprocess
import sys
import tarfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "judges" / "seal"))
from judging import Cases, bytes_of, missing, must, run, scratch_folder, write  # noqa: E402

FAILED, USAGE, TAMPERED = 1, 2, 3
MANY = 2000


def described(folder):
    """Kind, mode, time and content of all that is in a folder, by its path."""
    found = {}
    for place, folders, files in os.walk(os.fsencode(folder)):
        for name in [b"."] + folders + files:
            path = os.path.join(place, name)
            status = os.lstat(path)
            line = [stat.filemode(status.st_mode), status.st_mtime_ns]
            if stat.S_ISLNK(status.st_mode):
                line.append(os.readlink(path))
            elif stat.S_ISREG(status.st_mode):
                line.append(pathlib.Path(os.fsdecode(path)).read_bytes())
            found[os.path.relpath(path, os.fsencode(folder))] = line
    return found


def fill(folder):
    """A folder with every kind of thing that an archive keeps."""
    for name in ("sub/deeper", "empty"):
        (folder / name).mkdir(parents=True)
    write(folder / "plain.txt", "plain", 0o640)
    write(folder / "nothing", "", 0o644)
    write(folder / "sub/large", bytes_of(700_001), 0o755)
    write(folder / "sub/deeper/\u00e9t\u00e9 \u65e5\u672c.txt", "UTF-8", 0o600)
    write(folder / ("n" * 200 + ".long"), "long", 0o444)
    write(folder / " \\ \n\x1b[31m*?\"'", "hostile to terminals", 0o600)
    (folder / "sub/link").symlink_to("../plain.txt")
    (folder / "dangling").symlink_to("sub/" + "k" * 150)
    os.utime(folder / "plain.txt", ns=(0, 1_600_000_000_123_456_789))
    os.utime(folder / "empty", ns=(0, 1_500_000_000_000_000_001))
    (folder / "sub/deeper").chmod(0o755)
    return folder


def unpacked_by(program, archive, target):
    target.mkdir()
    done = subprocess.run([program, "-x", "-p", "-f", "-", "-C", str(target)], input=archive,
                          capture_output=True, check=False)
    must(done.returncode == 0, f"{program}: {done.stderr[-300:]}")
    must(not done.stderr, f"{program} says {done.stderr[-300:]}")


def judge_ours(cases, tool, folder, source):
    """Others unpack what we pack."""
    archive = run([tool, "pack", str(source)]).out
    for program in ("tar", "bsdtar"):
        if missing(program):
            cases.skip(f"{program} reads ours", f"{program} is not there")
            continue
        with cases.case(f"{program} reads ours"):
            target = folder / f"by-{program}"
            unpacked_by(program, archive, target)
            must(described(target / source.name) == described(source), "it differs")
    with cases.case("tarfile reads ours"):
        with tarfile.open(fileobj=io.BytesIO(archive)) as reader:
            for member in reader:
                must(member.uid == member.gid == 0, "an owner's number")
                must(not member.uname and not member.gname, "an owner's name")
                must(not set(member.pax_headers) - {"path", "linkpath", "mtime"},
                     f"unexpected records: {member.pax_headers}")
    with cases.case("a name that is no UTF-8"):
        odd = folder / "odd"
        odd.mkdir()
        with open(os.path.join(os.fsencode(odd), b"latin-\xe9"), "wb") as file:
            file.write(b"kept")
        archive = run([tool, "pack", str(odd)]).out
        done = run([tool, "unpack", str(folder / "odd-again")], stdin=archive)
        must(done.code == 0, done.err)
        must(described(folder / "odd-again") == described(odd), "it differs")


def judge_theirs(cases, tool, folder, source):
    """We unpack what others pack."""
    packers = [("tar", f"--format={name}") for name in ("gnu", "pax", "posix", "oldgnu")]
    packers += [("bsdtar", f"--format={name}") for name in ("pax", "gnutar")]
    os.link(source / "plain.txt", source / "second-name")
    wanted = described(source)
    for number, (program, form) in enumerate(packers):
        name = f"reads {program} {form}"
        if missing(program):
            cases.skip(name, f"{program} is not there")
            continue
        with cases.case(name):
            archive = subprocess.run([program, "-c", form, "-f", "-", "-C", str(folder),
                                      source.name], capture_output=True, check=True).stdout
            target = folder / f"theirs-{number}"
            done = run([tool, "unpack", str(target)], stdin=archive)
            must(done.code == 0, done.err)
            got = described(target)
            must(got.keys() == wanted.keys(), "names differ")
            for path, line in wanted.items():
                must(got[path][0] == line[0] and got[path][2:] == line[2:], f"{path!r} differs")
                must(got[path][1] // 10**9 == line[1] // 10**9, f"{path!r} has another time")
            same = (target / "plain.txt").stat().st_ino == (target / "second-name").stat().st_ino
            must(same, "the file with two names is two files")
    os.unlink(source / "second-name")


def hostile_archives():
    """Name, part of the sentence, and the members of an archive that must be refused."""
    def member(name, kind=tarfile.REGTYPE, link="", content=b"text"):
        one = tarfile.TarInfo(name)
        one.type, one.linkname, one.mode = kind, link, 0o755
        one.size = len(content) if kind == tarfile.REGTYPE else 0
        return one, content
    top = member("d", tarfile.DIRTYPE)
    yield "a path upwards", "upwards", [top, member("d/../../evil")]
    yield "an absolute path", "absolute", [top, member("/evil")]
    yield "a file behind a link", "symbolic link", [
        top, member("d/l", tarfile.SYMTYPE, "."), member("d/l/evil")]
    yield "a link outwards", "out of the folder", [top, member("d/l", tarfile.SYMTYPE, "../evil")]
    yield "an absolute link", "absolute", [top, member("d/l", tarfile.SYMTYPE, "/evil")]
    yield "a hard link outwards", "hard link", [top, member("d/l", tarfile.LNKTYPE, "../evil")]
    yield "a device", "device", [top, member("d/c", tarfile.CHRTYPE)]
    yield "a pipe", "pipe", [top, member("d/p", tarfile.FIFOTYPE)]
    yield "a name twice", "twice", [top, member("d/a"), member("d/a")]
    yield "two folders", "not in the archive's folder", [top, member("e", tarfile.DIRTYPE)]
    yield "a file alone", "should be the folder", [member("evil")]
    yield "terminal control", "upwards", [top, member("d/\x1b[31m/../evil")]


def judge_hostile(cases, tool, folder):
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        for number, (name, text, members) in enumerate(hostile_archives()):
            with cases.case(f"refuses {name}"):
                archive = io.BytesIO()
                with tarfile.open(fileobj=archive, mode="w", format=form) as writer:
                    for one, content in members:
                        writer.addfile(one, io.BytesIO(content))
                place = folder / f"hostile-{form}-{number}"
                place.mkdir()
                done = run([tool, "unpack", str(place / "out")], stdin=archive.getvalue())
                must(done.code == 1 and text in done.err, f"{done.code}: {done.err}")
                must("evil" not in done.err and "\x1b" not in done.err, f"shows it: {done.err}")
                must(not os.listdir(place), "something is left")
    with cases.case("refuses a sparse file"):
        place = folder / "sparse"
        place.mkdir()
        with open(place / "bomb", "wb") as file:
            file.truncate(1 << 40)
        for form in ("gnu", "pax"):
            archive = subprocess.run(["tar", "-c", "--sparse", f"--format={form}", "-f", "-", "-C",
                                      str(folder), "sparse"], capture_output=True,
                                     check=True).stdout
            done = run([tool, "unpack", str(folder / "sparse-out")], stdin=archive)
            must(done.code == 1 and "sparse" in done.err, f"{done.code}: {done.err}")
            must(not (folder / "sparse-out").exists(), "it is there")


class Place:
    """A folder, and a key in it."""

    def __init__(self, salus, folder):
        self.salus, self.folder = salus, folder
        self.key = self.path("key")
        self.ok("keygen", "-o", self.key)
        self.recipient = self.ok("keygen", "-y", self.key).decode().strip()

    def path(self, name):
        return str(self.folder / name)

    def run(self, *words, **options):
        return run([self.salus, *words], **options)

    def ok(self, *words, **options):
        done = self.run(*words, **options)
        must(done.code == 0, f"salus {words[0]}: {done.code}: {done.err[-300:]}")
        return done.out


def judge_folder(cases, place, source):
    """A folder through seal and open."""
    sealed = place.path("folder.age")
    with cases.case("a folder is sealed"):
        place.ok("seal", "-r", place.recipient, "-o", sealed, f"{source}/")
        must("a folder" in place.ok("inspect", sealed).decode(), "inspect does not say folder")
    with cases.case("and opened"):
        place.ok("open", "-i", place.key, "-o", place.path("opened"), sealed)
        must(described(place.path("opened")) == described(source), "it differs")
    with cases.case("open to a pipe gives the archive"):
        archive = place.ok("open", "-i", place.key, sealed)
        unpacked_by("tar", archive, place.folder / "piped")
        must(described(place.folder / "piped" / source.name) == described(source), "it differs")
    if missing("age"):
        cases.skip("age and tar open it", "age is not there")
    else:
        with cases.case("age and tar open it"):
            archive = run(["age", "-d", "-i", place.key, sealed])
            must(archive.code == 0, archive.err)
            unpacked_by("tar", archive.out, place.folder / "by-age")
            must(described(place.folder / "by-age" / source.name) == described(source), "differs")
    with cases.case("a folder that is there is not replaced"):
        for words in ([], ["--force"]):
            done = place.run("open", *words, "-i", place.key, "-o", place.path("opened"), sealed)
            must(done.code in (FAILED, USAGE) and "replaced" in done.err, done.err)
    with cases.case("what is cut off leaves nothing"):
        content = pathlib.Path(sealed).read_bytes()
        for size in (len(content) - 1, len(content) // 2):
            cut = write(place.folder / "cut.age", content[:size])
            before = sorted(os.listdir(place.folder))
            done = place.run("open", "-i", place.key, "-o", place.path("never"), cut)
            must(done.code == TAMPERED, f"{done.code}: {done.err}")
            must(sorted(os.listdir(place.folder)) == before, "something is left")
    with cases.case("what is left out is told"):
        odd = place.folder / "with-socket"
        odd.mkdir()
        write(odd / "file", "kept")
        (odd / "outward").symlink_to("/etc/passwd")
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(odd / "socket"))
            done = place.run("seal", "-r", place.recipient, "-o", place.path("odd.age"), str(odd))
        must(done.code == 0, done.err)
        must("with-socket/socket" in done.err and "with-socket/outward" in done.err, done.err)
        place.ok("open", "-i", place.key, "-o", place.path("odd-opened"), place.path("odd.age"))
        must(os.listdir(place.path("odd-opened")) == ["file"], "more than the file")
    with cases.case("a folder behind a passphrase is an archive"):
        secret = write(place.folder / "secret", "four words and more\n")
        words = ["--passphrase-file", secret]
        place.ok("seal", *words, "-o", place.path("pass.age"), str(source))
        archive = place.ok("open", *words, place.path("pass.age"))
        unpacked_by("tar", archive, place.folder / "by-passphrase")
        must(described(place.folder / "by-passphrase" / source.name) == described(source), "")


def judge_many(cases, place, source):
    """Many files in one run."""
    inputs = place.folder / "inputs"
    inputs.mkdir()
    names = [str(write(inputs / f"{number:04}.txt", bytes_of(number * 3)))
             for number in range(MANY)]
    with cases.case(f"{MANY} files and a folder are sealed and opened"):
        start = time.monotonic()
        place.ok("seal", "-r", place.recipient, "-O", place.path("many"), *names, str(source))
        sealed_s = time.monotonic() - start
        sealed = sorted(str(path) for path in (place.folder / "many").iterdir())
        must(len(sealed) == MANY + 1, f"{len(sealed)} files")
        start = time.monotonic()
        place.ok("open", "-i", place.key, "-O", place.path("back"), *sealed)
        print(f"note: {MANY} files: sealed {MANY / sealed_s:.0f}/s, "
              f"opened {MANY / (time.monotonic() - start):.0f}/s")
        must(described(place.path(f"back/{source.name}")) == described(source), "folder differs")
        for name in names:
            back = place.folder / "back" / pathlib.Path(name).name
            must(back.read_bytes() == pathlib.Path(name).read_bytes(), f"{name} differs")
            must(stat.S_IMODE(back.stat().st_mode) == 0o600, "others may read it")
    with cases.case("one that fails does not stop the others"):
        few = [names[0], place.path("missing-b"), names[1], place.path("missing-a"), names[2]]
        done = place.run("seal", "-r", place.recipient, "-O", place.path("few"), *few)
        must(done.code == FAILED, f"ends with {done.code}")
        must(len(os.listdir(place.path("few"))) == 3, "not all others are there")
        lines = done.err.splitlines()
        must("missing-b" in lines[0] and "missing-a" in lines[1], "not in the inputs' order")
        must("2 of 5 files" in done.err, done.err)
    with cases.case("a changed one among many ends with 3"):
        content = bytearray(pathlib.Path(place.path("few/0001.txt.age")).read_bytes())
        content[-1] ^= 1
        write(place.folder / "few/0001.txt.age", bytes(content))
        done = place.run("open", "-i", place.key, "-O", place.path("few-back"),
                         *(place.path(f"few/000{i}.txt.age") for i in range(3)))
        must(done.code == TAMPERED, f"{done.code}: {done.err}")
        must(sorted(os.listdir(place.path("few-back"))) == ["0000.txt", "0002.txt"], "")
    with cases.case("what is there is not replaced without --force"):
        words = ["seal", "-r", place.recipient, "-O", place.path("few"), names[0]]
        done = place.run(*words)
        must(done.code == FAILED and "--force" in done.err, done.err)
        place.ok(*words, "--force")
    with cases.case("usage is told"):
        for words in ([names[0], names[1]], ["-O", place.path("x")],
                      ["-O", place.path("x"), "-o", place.path("y"), names[0]],
                      ["-O", place.path("x"), "--format", "course", names[0]]):
            done = place.run("seal", "-r", place.recipient, *words)
            must(done.code == USAGE, f"{words}: {done.code}: {done.err}")
        must(not os.path.exists(place.path("x")), "the folder was made")
        done = place.run("seal", "-r", place.recipient, "-O", place.path("x"), names[0],
                         place.path("few/../inputs/0000.txt"))
        must(done.code == FAILED and "would both be written" in done.err, done.err)
    with cases.case("a folder that was made for nothing goes again"):
        for folder in ("x", "few"):
            done = place.run("seal", "-r", place.recipient, "-O", place.path(folder),
                             place.path("missing-a"), place.path("missing-b"))
            must(done.code == FAILED and "2 of 2 files" in done.err, done.err)
        done = place.run("open", "-i", place.key, "-O", place.path("x"), names[0], names[1])
        must(done.code == FAILED, f"{done.code}: {done.err}")
        must(not os.path.exists(place.path("x")), "an empty folder is left behind")
        must(len(os.listdir(place.path("few"))) == 3, "what was there is gone")
        os.mkdir(place.path("mine"))
        place.run("seal", "-r", place.recipient, "-O", place.path("mine"), place.path("missing-a"))
        must(os.path.isdir(place.path("mine")), "somebody else's empty folder is gone")


def judge_to_each(cases, place):
    """One file for each recipient, which only that one opens."""
    other = place.path("other-key")
    place.ok("keygen", "-o", other)
    second = write(place.folder / "bob.pub", place.ok("keygen", "-y", other))
    message = write(place.folder / "report.txt", "to each")
    with cases.case("--to-each makes a file for each recipient"):
        place.ok("seal", "--to-each", "-r", place.recipient, "-r", second,
                 "-O", place.path("each"), message)
        made = sorted(os.listdir(place.path("each")))
        must(made == sorted(["report.txt.bob.age", f"report.txt.{place.recipient[:16]}.age"]),
             str(made))
        opens = [(place.run("open", "-i", key, place.path(f"each/{name}")).code)
                 for name in made for key in (place.key, other)]
        must(sorted(opens) == [0, 0, FAILED, FAILED], str(opens))


def judge_stop(cases, place):
    """A signal while a folder is opened: nothing decrypted stays."""
    big = place.folder / "big"
    big.mkdir()
    with open(big / "bytes", "wb") as out:
        out.truncate(1 << 30)
    place.ok("seal", "-r", place.recipient, "-o", place.path("big.age"), str(big))
    os.unlink(big / "bytes")
    with cases.case("a signal while a folder is opened leaves nothing"):
        opening = subprocess.Popen([place.salus, "open", "-i", place.key,
                                    "-o", place.path("stopped"), place.path("big.age")],
                                   stderr=subprocess.PIPE, text=True)
        while not list(place.folder.glob(".salus-folder-*")) and opening.poll() is None:
            time.sleep(0.001)
        opening.terminate()
        message = opening.communicate(timeout=60)[1]
        must(opening.returncode == FAILED and "stopped by a signal" in message, message)
        must(not os.path.exists(place.path("stopped")), "it is there")
        must(not list(place.folder.glob(".salus-folder-*")), "a part stays")


def main():
    salus, tool = sys.argv[1:3]
    cases = Cases()
    os.umask(0o022)
    with scratch_folder() as folder:
        source = fill(folder / "photos")
        judge_ours(cases, tool, folder, source)
        judge_theirs(cases, tool, folder, source)
        judge_hostile(cases, tool, folder)
        (folder / "cli").mkdir()
        place = Place(salus, folder / "cli")
        judge_folder(cases, place, source)
        judge_many(cases, place, source)
        judge_to_each(cases, place)
        judge_stop(cases, place)
    cases.finish()


main()
