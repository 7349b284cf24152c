"""How the golden files of DAP are written down and checked.

The bytes are derived twice. dap*_format.py says of each message how it is put together, field by
field, with the writers below. Beside it stands the same message as a shape for the reader below,
which knows only the presentation language (RFC 8446 section 3), and refuses all that a shape does
not allow. `--check` reads every accepted case back to its fields, and sees every `bytes` case of
the refused ones refused.

In `fields`, octets are hexadecimal, integers up to 32 bits are numbers, 64 bits decimal strings.
"""

import json
import pathlib
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


# What is written. RFC 8446 section 3.3: numbers are big endian.

def u8(value):
    return struct.pack(">B", value)


def u16(value):
    return struct.pack(">H", value)


def u32(value):
    return struct.pack(">L", value)


def u64(value):
    return struct.pack(">Q", int(value))


def octets(text):
    return bytes.fromhex(text)


def with_u8_length(content):
    """RFC 8446 section 3.4: a vector of at most 2^8-1 octets; the length counts octets."""
    return u8(len(content)) + content


def with_u16_length(content):
    return u16(len(content)) + content


def with_u32_length(content):
    return u32(len(content)) + content


# What is read.

class Refused(Exception):
    """Bytes that the grammar does not allow."""


class Input:
    """Octets, and how many of them have been read."""

    def __init__(self, content):
        self.content, self.at = content, 0

    def take(self, count, what):
        left = len(self.content) - self.at
        if count > left:
            raise Refused(f"{what} wants {count} octets at {self.at}, {left} are left")
        self.at += count
        return self.content[self.at - count:self.at]

    def done(self):
        return self.at == len(self.content)


def number(width):
    """An unsigned integer of so many octets."""
    def read(source):
        value = int.from_bytes(source.take(width, "a number"), "big")
        return str(value) if width == 8 else value
    return read


def fixed(count):
    return lambda source: source.take(count, "a fixed vector").hex()


def one_of(width, names):
    """An enumerated value, by name."""
    def read(source):
        value = int.from_bytes(source.take(width, "an enum"), "big")
        if value not in names:
            raise Refused(f"{value} is none of {sorted(names)}")
        return names[value]
    return read


def bounded(source, width, low):
    count = int.from_bytes(source.take(width, "a length"), "big")
    if count < low:
        raise Refused(f"{count} octets where at least {low} must be")
    return source.take(count, "a vector")


def opaque(width, low=0):
    """opaque x<low..2^(8 width)-1>."""
    return lambda source: bounded(source, width, low).hex()


def every(item, source):
    values = []
    while not source.done():
        values.append(item(source))
    return values


def vector(width, item, low=0):
    """item x<low..2^(8 width)-1>: items that fill the counted octets exactly."""
    return lambda source: every(item, Input(bounded(source, width, low)))


def to_the_end(item):
    """item x[message_length]: items to the end of the message."""
    return lambda source: every(item, source)


def record(**parts):
    """A struct."""
    def read(source):
        value = {}
        for name, part in parts.items():
            try:
                value[name] = part(source)
            except Refused as why:
                raise Refused(f"{name}: {why}") from None
        return value
    return read


def variant(tag, reader, cases):
    """A struct of an enum and what a select on it gives."""
    def read(source):
        value = {tag: reader(source)}
        for name, part in cases[value[tag]].items():
            value[name] = part(source)
        return value
    return read


def literal(expected):
    """A constant of the draft."""
    def read(source):
        if source.take(len(expected), "a constant") != expected:
            raise Refused("another constant")
    return read


def parse(shape, content):
    source = Input(content)
    value = shape(source)
    if not source.done():
        raise Refused(f"{len(content) - source.at} octets after the end")
    return value


# The golden file.

class Golden:
    """The cases of one draft, written by its writers, and read by its shapes."""

    def __init__(self, name, about, writers, shapes, sections):
        self.path = ROOT / "testdata" / f"{name}.json"
        self.about, self.writers, self.shapes, self.sections = about, writers, shapes, sections
        self.cases, self.refused, self.unsettled, self.derived = [], [], [], []

    def accept(self, name, kind, fields, note=None, spelt=None):
        """A message that is well formed. `spelt` is its hexadecimal text written out by hand."""
        content = self.writers[kind](fields)
        if spelt is not None and octets(spelt) != content:
            raise SystemExit(f"{name}: written {content.hex()}, spelt {octets(spelt).hex()}")
        entry = {"name": name, "type": kind, "section": self.sections[kind], "fields": fields,
                 "hex": content.hex()}
        if note:
            entry["note"] = note
        self.cases.append(entry)

    def bytes_of(self, name):
        return octets(next(c["hex"] for c in self.cases if c["name"] == name))

    def refuse(self, name, kind, text, reason):
        """Octets that are no such message."""
        self.refused.append({"name": name, "type": kind, "section": self.sections[kind],
                             "layer": "bytes", "reason": reason, "hex": octets(text).hex()})

    def cut(self, of, kind, at, where):
        """The first `at` octets of an accepted case."""
        whole = self.bytes_of(of)
        if not 0 <= at < len(whole):
            raise SystemExit(f"{of}: has {len(whole)} octets, cut at {at}")
        self.refuse(f"{of}, cut in {where}", kind, whole[:at].hex(),
                    f"ends after {at} octets, in {where}")

    def break_rule(self, name, kind, fields, reason, answer, section):
        """A message of the right grammar that a rule of the draft turns away, and the answer."""
        self.refused.append({"name": name, "type": kind, "section": section, "layer": "rule",
                             "reason": reason, "answer": answer, "fields": fields,
                             "hex": self.writers[kind](fields).hex()})

    def leave_open(self, name, kind, text, why):
        """Octets on which the draft is silent: refuse them, or read and write them unchanged."""
        self.unsettled.append({"name": name, "type": kind, "section": self.sections[kind],
                               "why": why, "hex": octets(text).hex()})

    def derive(self, name, section, source, value, spelt=None):
        """A value that is computed from others and not decoded."""
        if spelt is not None and spelt != value:
            raise SystemExit(f"{name}: computed {value}, spelt {spelt}")
        self.derived.append({"name": name, "section": section, "from": source, "value": value})

    def everything(self):
        return self.cases + self.refused + self.unsettled + self.derived

    def problems(self):
        found, names = [], [c["name"] for c in self.everything()]
        found += [f"{name}: twice" for name in set(names) if names.count(name) > 1]
        for case in self.cases + [c for c in self.refused if c["layer"] == "rule"]:
            try:
                if parse(self.shapes[case["type"]], octets(case["hex"])) != case["fields"]:
                    found.append(f"{case['name']}: read back as something else")
            except Refused as why:
                found.append(f"{case['name']}: {why}")
        for case in self.refused:
            if case["layer"] == "bytes":
                try:
                    parse(self.shapes[case["type"]], octets(case["hex"]))
                    found.append(f"{case['name']}: not refused")
                except Refused:
                    pass
        found += [f"{kind}: no accepted case"
                  for kind in self.shapes.keys() - {c["type"] for c in self.cases}]
        return found

    def text(self):
        return json.dumps({"about": self.about, "cases": self.cases, "refused": self.refused,
                           "unsettled": self.unsettled, "derived": self.derived}, indent=1) + "\n"

    def main(self):
        """Without arguments writes the file; with --check compares it, and reads all cases back."""
        found = self.problems()
        if sys.argv[1:] == ["--check"]:
            if not self.path.exists() or self.path.read_text() != self.text():
                found.append(f"{self.path.name} is not what this script writes: run it")
        elif sys.argv[1:]:
            raise SystemExit(f"usage: {sys.argv[0]} [--check]")
        elif not found:
            self.path.write_text(self.text())
        for line in found:
            print(line)
        count = len(self.everything())
        print(f"{max(count - len(found), 0)} passed, {len(found)} failed, 0 skipped")
        sys.exit(1 if found else 0)
