#!/usr/bin/env python3
"""attack.py NAME DIR [--entry I]: changes a data directory behind everybody's back.

What somebody with the operator's disk could do, and more: every unkeyed hash is made to fit again,
so that only what was signed, and what readers remember, can give the change away. Used on copies,
by the demo's attack tour and by tests. It shares no code with Salus: formats are those of
docs/formats.

Attacks: edit delete swap cut-tail forge-checkpoint index misfile map-reset
"""

import argparse
import base64
import hashlib
import os
import struct
import subprocess
import sys
import tempfile

HEAD = 4096
FRAME_HEAD = struct.Struct(">4sIQIIQ")
ZERO = bytes(32)


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def leaf_hash(entry):
    return sha(b"\x00", entry)


# ---- segments: docs/formats/segment.md ---------------------------------------------------------
class Segments:
    """All frames of a log; written back with every hash made to fit."""

    def __init__(self, folder):
        self.folder = folder
        self.files = []  # [(name, header, [(term, time, [(meta, payload)])], size)]
        for name in sorted(f for f in os.listdir(folder) if f.endswith(".seg")):
            with open(os.path.join(folder, name), "rb") as f:
                data = f.read()
            if data[:8] == b"SALUSEG1":
                self.files.append([name, data[:124], self.parse(data), len(data)])

    @staticmethod
    def parse(data):
        frames, at = [], HEAD
        while data[at:at + 4] == b"FRM1":
            _, body, _, count, term, time = FRAME_HEAD.unpack_from(data, at)
            ends = struct.unpack_from(f">{count}I", data, at + 32)
            start, begin, records = at + 32 + 4 * count, 0, []
            for end in ends:
                record = data[start + begin:start + end]
                records.append((record[1:1 + record[0]], record[1 + record[0]:-16]))
                begin = end
            frames.append([term, time, records])
            at = (start + body + 32 + 7) // 8 * 8
        return frames

    def records(self):
        return [r for _, _, frames, _ in self.files for _, _, rs in frames for r in rs]

    def locate(self, index):
        for file in self.files:
            for frame in file[2]:
                if index < len(frame[2]):
                    return frame[2], index
                index -= len(frame[2])
        raise SystemExit("no such entry")

    def write(self):
        number, previous = 0, ZERO
        for i, (name, header, frames, size) in enumerate(self.files):
            head = header[:20] + struct.pack(">Q", number) + header[28:60] + previous
            out = bytearray(head + sha(head)).ljust(HEAD, b"\0")
            for term, time, records in frames:
                if not records:
                    continue
                body, ends, hashes = bytearray(), [], []
                first = number
                for meta, payload in records:
                    prefix = bytes([len(meta)]) + meta
                    digest = sha(struct.pack(">Q", number), prefix, leaf_hash(payload))[:16]
                    body += prefix + payload + digest
                    ends.append(len(body))
                    hashes.append(digest)
                    number += 1
                head = FRAME_HEAD.pack(b"FRM1", len(body), first, len(ends), term, time)
                previous = sha(previous, head, *hashes)
                out += head + struct.pack(f">{len(ends)}I", *ends) + body + previous
                out += bytes(-len(out) % 8)
            with open(os.path.join(self.folder, name), "r+b") as f:
                f.write(bytes(out).ljust(size, b"\0"))


# ---- record metadata: src/tlog/record_meta.h ---------------------------------------------------
def parse_meta(meta):
    flags, at = meta[0], 1
    subject = tag = None
    if flags & 1:
        subject, at = struct.unpack_from(">I", meta, at)[0], at + 4
    if flags & 2:
        tag = meta[at:at + 32]
    return subject, tag


# ---- trees: RFC 6962, docs/formats/map.md ------------------------------------------------------
def tree_root(leaves):
    if not leaves:
        return sha(b"")
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha(b"\x01", tree_root(leaves[:split]), tree_root(leaves[split:]))


def map_root(chains):
    def bit(position, depth):
        return position[depth // 8] >> (7 - depth % 8) & 1

    def root(leaves, depth):
        if not leaves:
            return ZERO
        if len(leaves) == 1:
            return leaves[0][1]
        sides = [[x for x in leaves if bit(x[0], depth) == b] for b in (0, 1)]
        return sha(b"\x03", root(sides[0], depth + 1), root(sides[1], depth + 1))

    leaves = []
    for tag, (count, head) in chains.items():
        position = sha(b"\x12", tag)
        leaves.append((position, sha(b"\x02", position, sha(struct.pack(">Q", count), head))))
    return root(leaves, 0)


def replay(origin, records):
    """Every subject's (count, head), and the updates since the last map root entry."""
    tags, chains, updates = {}, {}, []
    for index, (meta, payload) in enumerate(records):
        subject, tag = parse_meta(meta)
        if tag:
            tags[subject] = tag
        if payload[:2] == b"\x82\x03":
            updates = []
        if subject is None:
            continue
        tag = tags[subject]
        count, head = chains.get(tag, (0, sha(b"\x10", origin.encode(), tag)))
        chains[tag] = count + 1, sha(b"\x11", head, struct.pack(">Q", index), leaf_hash(payload))
        updates.append(leaf_hash(struct.pack(">Q", index) + tag))
    return chains, updates


# ---- checkpoints: docs/formats/checkpoints.md, C2SP signed-note ---------------------------------
def read_checkpoint(directory):
    with open(os.path.join(directory, "log/checkpoint"), "rb") as f:
        data = f.read()
    best = None
    for at in (0, 4096):
        length, size, time = struct.unpack_from(">IQQ", data, at)
        if length and (best is None or size > best[1]):
            best = at, size, time, data[at + 20:at + 20 + length].decode()
    return best


def write_checkpoint(directory, size, time, note):
    record = struct.pack(">IQQ", len(note.encode()), size, time) + note.encode()
    record += sha(record)
    with open(os.path.join(directory, "log/checkpoint"), "r+b") as f:
        f.write(record.ljust(4096, b"\0") * 2)


def ed25519_sign(seed, message):
    with tempfile.TemporaryDirectory() as folder:
        key, text = os.path.join(folder, "key"), os.path.join(folder, "text")
        with open(key, "wb") as f:
            f.write(bytes.fromhex("302e020100300506032b657004220420") + seed)
        with open(text, "wb") as f:
            f.write(message)
        return subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey",
                               key, "-in", text], check=True, capture_output=True).stdout


def signed_note(seed, name, key_id, body):
    signature = base64.b64encode(key_id + ed25519_sign(seed, body.encode())).decode()
    return f"{body}\n\u2014 {name} {signature}\n"


def checkpoint_body(origin, leaves):
    return f"{origin}\n{len(leaves)}\n{base64.b64encode(tree_root(leaves)).decode()}\n"


def drop_derived(directory):
    """What a careful attacker does: the derived files go, so that they are made anew and fit."""
    for path in ("log/hashes/leaves", "log/hashes/nodes", "log/subjects"):
        if os.path.exists(os.path.join(directory, path)):
            os.remove(os.path.join(directory, path))
    for name in os.listdir(os.path.join(directory, "log/index")):
        os.remove(os.path.join(directory, "log/index", name))


# ---- CBOR, as much as a map root entry needs ----------------------------------------------------
def cbor_head(major, value):
    for size, code, limit in ((0, None, 24), (1, 24, 1 << 8), (2, 25, 1 << 16), (4, 26, 1 << 32)):
        if value < limit:
            head = major << 5 | (value if code is None else code)
            return bytes([head]) + (value.to_bytes(size, "big") if size else b"")
    return bytes([major << 5 | 27]) + value.to_bytes(8, "big")


def map_root_entry(size, time, root, subjects, updates):
    body = (cbor_head(0, size) + cbor_head(0, time) + cbor_head(2, 32) + root +
            cbor_head(0, subjects) + cbor_head(2, 32) + updates)
    return b"\x82\x03\x85" + body


# ---- the attacks -------------------------------------------------------------------------------
class Attack:
    def __init__(self, directory, entry):
        self.directory = directory
        self.segments = Segments(os.path.join(directory, "log/segments"))
        self.position, self.size, self.time, self.note = read_checkpoint(directory)
        self.origin = self.note.split("\n")[0]
        records = self.segments.records()
        events = [i for i, (_, p) in enumerate(records) if p[:2] == b"\x82\x01"]
        if not events:
            raise SystemExit("the log holds no event")
        self.entry = entry if entry is not None else events[len(events) // 2]
        self.events = events

    def edit(self):
        records, i = self.segments.locate(self.entry)
        meta, payload = records[i]
        records[i] = meta, payload[:-1] + bytes([payload[-1] ^ 1])
        self.segments.write()
        drop_derived(self.directory)
        return f"one bit of entry {self.entry} was changed"

    def delete(self):
        records, i = self.segments.locate(self.entry)
        del records[i]
        self.segments.write()
        drop_derived(self.directory)
        return f"entry {self.entry} was taken out, all later ones moved up"

    def swap(self):
        other = next(e for e in self.events if e > self.entry)
        a, i = self.segments.locate(self.entry)
        b, j = self.segments.locate(other)
        a[i], b[j] = b[j], a[i]
        self.segments.write()
        drop_derived(self.directory)
        return f"entries {self.entry} and {other} changed places"

    def cut_tail(self):
        kept = self.entry
        for file in self.segments.files:
            for frame in file[2]:
                frame[2][:] = frame[2][:max(0, kept)]
                kept -= len(frame[2])
        self.segments.write()
        drop_derived(self.directory)
        return f"everything from entry {self.entry} on was cut off"

    def forge_checkpoint(self):
        self.edit()
        leaves = [leaf_hash(p) for _, p in self.segments.records()[:self.size]]
        name = self.origin
        line = self.note.rstrip("\n").split("\n")[-1]
        key_id = base64.b64decode(line.split(" ")[2])[:4]
        note = signed_note(os.urandom(32), name, key_id, checkpoint_body(self.origin, leaves))
        write_checkpoint(self.directory, self.size, self.time, note)
        return f"entry {self.entry} was changed, and a checkpoint over it signed with another key"

    def index(self):
        folder = os.path.join(self.directory, "log/index")
        runs = [f for f in os.listdir(folder) if f.startswith("p-")]
        if not runs:
            raise SystemExit("no index run is on disk")
        name = max(runs, key=lambda f: os.path.getsize(os.path.join(folder, f)))
        path = os.path.join(folder, name)
        with open(path, "rb") as f:
            data = bytearray(f.read())
        pages = struct.unpack_from(">Q", data, 16)[0]
        subjects = struct.unpack_from(">Q", data, 24)[0]
        page = (subjects + 255) // 256  # the first list page
        at = 4096 * (page + 1)
        struct.pack_into(">I", data, at, struct.unpack_from(">I", data, at)[0] + 1)
        table = 4096 * (pages + 1)
        data[table + 40 * page + 8:table + 40 * page + 40] = sha(bytes(data[at:at + 4096]))
        data[88:120] = sha(bytes(data[table:table + 40 * pages]))
        data[120:152] = sha(bytes(data[:120]))
        with open(path, "wb") as f:
            f.write(data)
        return f"a row of the index {name} points to another entry"

    def misfile(self):
        records = self.segments.records()
        subject, _ = parse_meta(records[self.entry][0])
        other = next(parse_meta(records[e][0])[0] for e in self.events
                     if parse_meta(records[e][0])[0] != subject)
        rs, i = self.segments.locate(self.entry)
        meta, payload = rs[i]
        rs[i] = meta[:1] + struct.pack(">I", other) + meta[5:], payload
        self.segments.write()
        drop_derived(self.directory)
        return f"entry {self.entry} was filed under another patient"

    def map_reset(self):
        """The operator itself, with the log's key: one signed checkpoint forgets a patient."""
        with open(os.path.join(self.directory, "keys/log.key")) as f:
            secret = base64.b64decode(f.read().strip().split("+", 4)[4])
        seed = secret[1:]
        line = self.note.rstrip("\n").split("\n")[-1]
        key_id = base64.b64decode(line.split(" ")[2])[:4]
        records = self.segments.records()
        tags = {}
        for meta, _ in records:
            subject, tag = parse_meta(meta)
            if tag:
                tags[subject] = tag
        victim = tags[parse_meta(records[self.entry][0])[0]]
        frames = self.segments.files[-1][2]
        for honest in (False, True):
            records = self.segments.records()
            chains, updates = replay(self.origin, records)
            if not honest:
                del chains[victim]
            entry = map_root_entry(len(records), self.time + 1000 * (1 + honest), map_root(chains),
                                   len(chains), tree_root(updates))
            frames.append([1, self.time + 1000, [(b"\x00\x00\x00", entry)]])
        self.segments.write()
        leaves = [leaf_hash(p) for _, p in self.segments.records()]
        note = signed_note(seed, self.origin, key_id, checkpoint_body(self.origin, leaves))
        write_checkpoint(self.directory, len(leaves), self.time + 2000, note)
        drop_derived(self.directory)
        return (f"the operator signed a checkpoint (entry {len(leaves) - 2}) whose map forgets one "
                "patient, and the next one with the true map")


ATTACKS = ("edit", "delete", "swap", "cut-tail", "forge-checkpoint", "index", "misfile",
           "map-reset")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("attack", choices=ATTACKS)
    parser.add_argument("directory")
    parser.add_argument("--entry", type=int)
    args = parser.parse_args()
    attack = Attack(args.directory, args.entry)
    print(getattr(attack, args.attack.replace("-", "_"))())


if __name__ == "__main__":
    sys.exit(main())
