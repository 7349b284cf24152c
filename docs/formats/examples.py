#!/usr/bin/env python3
"""examples.py --write | --check: the worked examples of these pages, made without Salus's code.

A line `<!-- example NAME -->` on a page begins a fenced block that is made here;
src/audit/format_test.cc and src/seal/signed_format_test.cc hold the code against what the pages
say. Needs python3-cryptography, for AES, P-256 and Ed25519; everything else is written out.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import struct
import sys

from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ORIGIN = "salus.example/hospital/2026"
TAG = bytes(range(0x20, 0x40))  # stands for a VRF output
EPOCH_KEY = bytes(range(0x00, 0x20))
IV = bytes(range(0xa0, 0xac))
DAY_KEY = bytes([0x55] * 32)
SALT = bytes([0x66] * 16)
TIME_MS = 1772439330250  # 2026-03-02T08:15:30.250Z
DAY = TIME_MS // 86_400_000
CUSTODY_SCALAR = bytes([0x05] * 32)
CUSTODY_SLOPE = bytes(range(0x10, 0x30))


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def mac(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def b64u(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def b64(data):
    return base64.b64encode(data).decode()


# ---- CBOR (RFC 8949 section 4.2), by hand -------------------------------------------------------
def head(major, value):
    for size, code in ((0, None), (1, 24), (2, 25), (4, 26), (8, 27)):
        if value < (24 if size == 0 else 1 << 8 * size):
            first = major << 5 | (value if code is None else code)
            return bytes([first]) + (value.to_bytes(size, "big") if size else b"")
    raise ValueError(value)


class Raw(bytes):
    """An item that is encoded already."""


def cbor(value):
    if isinstance(value, Raw):
        return bytes(value)
    if value is None:
        return b"\xf6"
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    return head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())


# ---- keys ---------------------------------------------------------------------------------------
def p256(byte):
    return ec.derive_private_key(int.from_bytes(bytes([byte] * 32), "big"), ec.SECP256R1())


def point(key):
    return key.public_key().public_bytes(serialization.Encoding.X962,
                                         serialization.PublicFormat.UncompressedPoint)


SUBJECT_KEY, EPHEMERAL_KEY = p256(0x11), p256(0x22)
CUSTODY_KEY = p256(CUSTODY_SCALAR[0])
CONTENT_KEY, GCM_IV = bytes([0x33] * 32), bytes([0x44] * 12)


def epk():
    raw = point(EPHEMERAL_KEY)
    return {"kty": "EC", "crv": "P-256", "x": b64u(raw[1:33]), "y": b64u(raw[33:])}


def ecdh_kek():
    """RFC 7518 section 4.6: Concat KDF over AlgorithmID, two empty parties, key length in bits."""
    shared = EPHEMERAL_KEY.exchange(ec.ECDH(), SUBJECT_KEY.public_key())
    name = b"ECDH-ES+A256KW"
    info = struct.pack(">I", len(name)) + name + bytes(8) + struct.pack(">I", 256)
    return ConcatKDFHash(hashes.SHA256(), 32, info).derive(shared)


def note(name, seed_byte, text):
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes([seed_byte] * 32))
    public = b"\x01" + key.public_key().public_bytes(serialization.Encoding.Raw,
                                                     serialization.PublicFormat.Raw)
    key_id = sha(name.encode(), b"\n", public)[:4]
    line = f"\u2014 {name} {b64(key_id + key.sign(text.encode()))}\n"
    return f"{text}\n{line}", f"{name}+{key_id.hex()}+{b64(public)}"


# ---- event.md -----------------------------------------------------------------------------------
def padded(pairs, unpadded):
    gap = 256 - len(unpadded) % 256
    if gap < 2 or gap == 26:
        gap += 256
    size = gap - 2 if gap <= 25 else gap - 3 if gap <= 258 else gap - 4
    return unpadded + cbor(23) + cbor(bytes(size)), size


EVENT = {1: bytes.fromhex("5f1c2d3e4a5b4c6d8e9fa0b1c2d3e4f5"), 2: TIME_MS, 3: "p-17", 4: "dr-1",
         5: 2, 6: "lab/77", 7: "TREAT", 8: 0, 17: "ehr-1"}
EVENT_NOTES = {1: "id, a UUID", 2: "time", 3: 'patient "p-17"', 4: 'user "dr-1"', 5: "action read",
               6: 'record "lab/77"', 7: 'purpose "TREAT"', 8: "outcome 0", 17: 'source "ehr-1"'}


def event_parts():
    parts = [(head(5, len(EVENT) + 1), f"map of {len(EVENT) + 1} pairs")]
    parts += [(cbor(k) + cbor(v), EVENT_NOTES[k]) for k, v in EVENT.items()]
    content = b"".join(p for p, _ in parts)
    whole, zeros = padded(EVENT, content)
    return parts + [(whole[len(content):], f"padding: {zeros} zeros")], whole


# ---- entry.md -----------------------------------------------------------------------------------
def seal():
    _, plaintext = event_parts()
    key = mac(EPOCH_KEY, b"salus/entry", IV)
    kid = sha(b"salus/kid", key)[:16]
    aad = cbor(["Encrypt0", bytes.fromhex("a10103"), cbor([ORIGIN, TAG])])
    return key, kid, AESGCM(key).encrypt(IV, plaintext, aad), aad


def sealed_event():
    _, kid, sealed, _ = seal()
    return [(b"\x82\x01", "[1, ..."), (b"\x83\x43\xa1\x01\x03", "[h'a10103' (alg A256GCM),"),
            (b"\xa2\x04\x50", "{4:"), (kid, "kid,"), (b"\x05\x4c", "5:"), (IV, "IV},"),
            (head(2, len(sealed)), f"{len(sealed)} bytes of ciphertext and tag]"), (sealed, "")]


def sealing():
    key, kid, _, aad = seal()
    return [(key, 'k = HMAC-SHA-256(K, "salus/entry" || IV)'), (kid, "kid"),
            (aad, "Enc_structure")]


LOG_NAME, LOG_SEED, RECEIPT_SEED = ORIGIN, 0x71, 0x77
ROOT = bytes([0x99] * 32)
CHECKPOINT_BODY = f"{ORIGIN}\n3\n{b64(ROOT)}\n"
CHECKPOINT_NOTE, LOG_VKEY = note(ORIGIN, LOG_SEED, CHECKPOINT_BODY)
VRF_KEY = bytes([0x58]) + bytes([0x66] * 31)  # the curve's base point
INDEX_KEY = bytes([0x77] * 32)


def receipt_parts():
    leaves = [["ehr-2", "e-9", 7, bytes([0xc7] * 32), TAG],
              ["ehr-1", "5f1c2d3e-4a5b-4c6d-8e9f-a0b1c2d3e4f5", 8, bytes([0xc8] * 32), TAG],
              ["ehr-1", "e-2", 9, bytes([0xc9] * 32), TAG]]
    encoded = [cbor(leaf) for leaf in leaves]
    hashed = [sha(b"\x00", leaf) for leaf in encoded]
    root = sha(b"\x01", sha(b"\x01", hashed[0], hashed[1]), hashed[2])
    text = f"{ORIGIN}/receipts\n6\n4\n{TIME_MS}\n3\n{b64(root)}\n"
    signed, vkey = note(ORIGIN + "/receipts", RECEIPT_SEED, text)
    return encoded, hashed, root, text, signed, vkey


RECEIPT_VKEY = receipt_parts()[5]


def genesis():
    return [(b"\x82\x00\xa7", "[0, map of 7 pairs"), (cbor(1) + cbor(ORIGIN), "1: origin"),
            (cbor(2) + cbor(LOG_VKEY), "2: log key (vkey)"),
            (cbor(3) + cbor(RECEIPT_VKEY), "3: receipt key (vkey)"),
            (cbor(4) + cbor(VRF_KEY), "4: VRF public key"),
            (cbor(5) + cbor(""), "5: no log before"),
            (cbor(6) + cbor(""), "6: nor its checkpoint"),
            (cbor(7) + cbor(mac(INDEX_KEY, b"salus/index-check")),
             "7: check of the index key]")]


def map_root():
    return [(b"\x82\x03\x85", "[3, ["), (cbor(2), "size = own index,"), (cbor(TIME_MS), "time,"),
            (cbor(bytes([0xaa] * 32)), "map root,"), (cbor(1), "subjects,"),
            (cbor(sha(b"")), "updates: none, the empty tree's root]]")]


def source_row():
    return cbor({1: "ehr-1", 2: "Ward system", 3: 1})


def source_entry():
    return [(b"\x82\x04\x84", "[4, ["), (cbor(3), "type 3, a source was registered,"),
            (cbor(False), "about no subject,"),
            (cbor(sha(b"salus/row", SALT, source_row())), "row digest,"),
            (b"\xa0", "content: the empty map]]")]


def certificate_entry():
    return [(b"\x82\x05\x84", "[5, ["), (cbor(20), "type 20,"), (cbor(False), "about no subject,"),
            (cbor(b""), "no row,"), (b"\xa1", "{"),
            (cbor(1) + cbor(sha(b"a certificate")), "1: SHA-256 of the certificate}]]")]


QUERY = {1: "auditor", 2: "auditco", 3: "", 4: 0, 5: TIME_MS, 6: TIME_MS}


def query_content():
    names = {1: "asker's kind", 2: "asker's id", 3: "purpose", 4: "from", 5: "to", 6: "asked at"}
    return [(head(5, 6), "map of 6 pairs")] + [(cbor(k) + cbor(v), f"{k}: {names[k]}")
                                               for k, v in QUERY.items()]


def query_padded():
    content = cbor(QUERY)
    start = b"\xa2\x01" + content
    whole, zeros = padded(None, start)
    return [(b"\xa2\x01", "{1:"), (content, "content,"),
            (whole[len(start):], f"23: {zeros} zeros}}")]


# ---- record-meta.md ------------------------------------------------------------------------------
def record_meta():
    return [(b"\x1b", "subject, introduces, grant, repeat"),
            (struct.pack(">I", 7), "subject number 7"),
            (TAG, "its tag: this is its first record"), (struct.pack(">H", 1), "source 1"),
            (struct.pack(">Q", 300)[3:], "grant: entry 300"), (bytes([0xd1] * 16), "identity"),
            (bytes([0xd2] * 8), "content")]


# ---- grant.md -----------------------------------------------------------------------------------
def grant_plaintext():
    readers = [["patient", "", "p-17"], ["auditor", "", "auditco"], None, None]
    return [(b"\x86", "array of 6"), (cbor(0), "type 0: an epoch key"), (cbor(EPOCH_KEY), "K"),
            (cbor(TAG), "T"), (cbor(DAY), "day, 2026-03-02"), (head(4, 4), "4 slots"),
            (cbor(readers[0]), "slot 0: the subject"), (cbor(readers[1]), "slot 1: an auditor"),
            (cbor(None) * 2, "slots 2 and 3: dummies"), (cbor(6), "last policy entry 6")]


def grant():
    plaintext = b"".join(p for p, _ in grant_plaintext())
    commit = sha(b"salus/grant", plaintext)
    find = mac(TAG, commit)[:16]
    protected, aad = b64u(b'{"enc":"A256GCM"}'), b64u(cbor([ORIGIN, find, commit]))
    sealed = AESGCM(CONTENT_KEY).encrypt(GCM_IV, plaintext, f"{protected}.{aad}".encode())
    keys = [keywrap.aes_key_wrap(kek, CONTENT_KEY) for kek in (ecdh_kek(), DAY_KEY)]
    keys += [hmac.new(EPOCH_KEY, b"salus/dummy" + bytes([slot]), hashlib.sha512).digest()[:40]
             for slot in (2, 3)]
    recipients = [{"header": {"alg": "ECDH-ES+A256KW", "epk": epk()},
                   "encrypted_key": b64u(keys[0])}]
    recipients += [{"header": {"alg": "A256KW"}, "encrypted_key": b64u(key)} for key in keys[1:]]
    return commit, find, {"protected": protected, "recipients": recipients, "aad": aad,
                          "iv": b64u(GCM_IV), "ciphertext": b64u(sealed[:-16]),
                          "tag": b64u(sealed[-16:])}


def grant_ids():
    commit, find, _ = grant()
    return [(commit, "commit"), (find, "find")]


def wrapped_text(value):
    text = json.dumps(value, separators=(",", ":"))
    return [text[i:i + 96] for i in range(0, len(text), 96)]


# ---- receipt.md ---------------------------------------------------------------------------------
def receipt_leaves():
    encoded, hashed, root, *_ = receipt_parts()
    parts = []
    for i, (leaf, digest) in enumerate(zip(encoded, hashed)):
        parts += [(leaf, f"leaf {i}"), (digest, f"H(0x00 || leaf {i})")]
    return parts + [(root, "root")]


# ---- history.md ---------------------------------------------------------------------------------
def history_parts():
    leaf = bytes([0xb1] * 32)
    return [(b"\x8f", "array of 15"), (cbor(2), "version"),
            (cbor(["note\n", b"\x82\x03", bytes(32)]), "newest: [note, kind 3 entry, inclusion]"),
            (cbor(b""), "from_known: no hashes"), (cbor(bytes([0x0f] * 80)), "tag proof"),
            (cbor(bytes.fromhex("010000")), "map proof: present, depth 0"),
            (cbor([2, bytes([0xee] * 32)]), "map value: [count, head]"), (cbor(0), "after"),
            (cbor([[5, 4], leaf + leaf]), "chain: entries 5 and 5 + 4, their leaf hashes"),
            (cbor(None), "before: none"), (cbor(None), "behind: none"),
            (cbor([[9, b"\x82\x01"]]), "shown: [index, entry]"),
            (cbor([[1, leaf]]), "inclusion: of 1 entry, one hash"),
            (cbor([9, leaf, "r\n", 0, 1, b""]), "query: [index, leaf, note, first, own, beside]"),
            (cbor(""), "permit: none"), (cbor(None), "next: none, this is all")]


def evidence_parts():
    answer = b"".join(p for p, _ in history_parts())
    return [(b"\x87", "array of 7"), (cbor("salus/evidence"), "label"), (cbor(1), "version"),
            (b"\x85", "what was pinned, array of 5:"), (cbor(ORIGIN), "origin"),
            (cbor(LOG_VKEY), "log key"), (cbor(RECEIPT_VKEY), "receipt key"),
            (cbor(VRF_KEY), "VRF key"), (cbor("quorum none\n"), "policy"),
            (cbor(["patient", "", "p-17", 0, DAY, None, 0, False]), "the question"),
            (cbor(TIME_MS), "asked"), (cbor([]), "own chain: no answers"),
            (head(2, len(answer)), f"the answer, {len(answer)} bytes as above:"), (answer, "")]


# ---- directory.md -------------------------------------------------------------------------------
def patient_row():
    return [(b"\xa6", "map of 6"), (cbor(1) + cbor(["patient", "", "p-17"]), "1: subject"),
            (cbor(2) + cbor("Ana Reyes"), "2: name"),
            (cbor(3) + cbor(point(SUBJECT_KEY)), "3: key"),
            (cbor(4) + cbor(None), "4: no custody key"), (cbor(5) + cbor(""), "5: no certificate"),
            (cbor(6) + cbor(0), "6: enrolled at")]


def row_digest():
    row = b"".join(p for p, _ in patient_row())
    return [(SALT, "salt"), (sha(b"salus/row", SALT, row), "H(\"salus/row\" || salt || row)")]


# ---- custody.md ---------------------------------------------------------------------------------
def gf(a, b):
    product = 0
    for bit in range(8):
        if b >> bit & 1:
            product ^= a << bit
    for bit in range(14, 7, -1):
        if product >> bit & 1:
            product ^= 0x11b << bit - 8
    return product


def share(x):
    y = bytes(gf(slope, x) ^ secret for slope, secret in zip(CUSTODY_SLOPE, CUSTODY_SCALAR))
    return ["salus/custody", "", "p-17", x, 2, y]


def share_jwe(x):
    header = b64u(json.dumps({"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "epk": epk()},
                             separators=(",", ":")).encode())
    sealed = AESGCM(CONTENT_KEY).encrypt(GCM_IV, cbor(share(x)), header.encode())
    key = keywrap.aes_key_wrap(ecdh_kek(), CONTENT_KEY)
    text = ".".join([header, b64u(key), b64u(GCM_IV), b64u(sealed[:-16]), b64u(sealed[-16:])])
    return [text[i:i + 96] for i in range(0, len(text), 96)]


# ---- checkpoints.md, hashes.md ------------------------------------------------------------------
def checkpoint_record():
    text = CHECKPOINT_NOTE.encode()
    start = struct.pack(">IQQ", len(text), 3, TIME_MS)
    return [(start[:4], "length of the note"), (start[4:12], "size 3"), (start[12:], "time"),
            (text, "the note"), (sha(start, text), "H of all that")]


def hash_tile():
    level = [sha(b"\x00", bytes([i])) for i in range(256)]
    parts = [(level[0], "leaves, bytes 0 to 31"), (level[255], "leaves, bytes 8160 to 8191")]
    while len(level) > 1:
        level = [sha(b"\x01", level[i], level[i + 1]) for i in range(0, len(level), 2)]
    return parts + [(level[0], "nodes, bytes 0 to 31")]


# ---- seal-keys.md -------------------------------------------------------------------------------
def compressed(key):
    return key.public_key().public_bytes(serialization.Encoding.X962,
                                         serialization.PublicFormat.CompressedPoint)


def hkdf(ikm, salt, label):
    return HKDF(hashes.SHA256(), 32, salt, label).derive(ikm)


def sealed_file():
    """The sealed file of the page: its header's lines, and its payload."""
    reader, ephemeral = (ec.derive_private_key(int.from_bytes(bytes([b] * 32), "big"),
                                               ec.SECP256R1()) for b in (7, 8))
    file_key, nonce = bytes(range(16)), bytes(range(0xa0, 0xb0))
    shared = ephemeral.exchange(ec.ECDH(), reader.public_key())
    wrap = hkdf(shared, compressed(ephemeral) + compressed(reader), b"salus/p256")
    body = ChaCha20Poly1305(wrap).encrypt(bytes(12), file_key, None)
    raw = [b64(part).rstrip("=") for part in (compressed(ephemeral), body)]
    lines = ["age-encryption.org/v1", f"-> salus/p256 {raw[0]}", raw[1], "---"]
    seal = mac(hkdf(file_key, b"", b"header"), "\n".join(lines).encode())
    lines[3] += " " + b64(seal).rstrip("=")
    chunk = ChaCha20Poly1305(hkdf(file_key, nonce, b"payload")).encrypt(
        bytes(11) + b"\x01", b"for the reader only\n", None)
    return reader, wrap, lines, [(nonce, "nonce"), (chunk, "the last chunk and its tag")]


# ---- signed-files.md ----------------------------------------------------------------------------
SIGNER = ed25519.Ed25519PrivateKey.from_private_bytes(bytes([7] * 32))


def signer_header():
    x = b64u(SIGNER.public_key().public_bytes(serialization.Encoding.Raw,
                                              serialization.PublicFormat.Raw))
    jwk = {"crv": "Ed25519", "kty": "OKP", "x": x}
    return {"alg": "EdDSA", "kid": b64u(sha(compact(jwk).encode())), "jwk": jwk}


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def flattened(header, payload, is_inside):
    protected = b64u(compact(header).encode())
    signature = b64u(SIGNER.sign(protected.encode() + b"." + payload))
    inside = {"payload": payload.decode()} if is_inside else {}
    return wrapped_text({**inside, "protected": protected, "signature": signature})


def file_jws():
    header = {**signer_header(), "iat": TIME_MS // 1000, "typ": "salus-file", "b64": False,
              "crit": ["b64"]}
    return flattened(header, b"content", False)


def sealed_signature():
    statement = compact({"holds": "file", "recipients": ["age1example"],
                         "sha256": sha(b"content").hex(), "size": 7,
                         "time": "2026-03-02T08:15:30.250Z"})
    header = {**signer_header(), "typ": "salus-sealed"}
    return flattened(header, b64u(statement.encode()).encode(), True)


# ---- sums between peers -------------------------------------------------------------------------
def peer_payload():
    body = cbor([bytes([1] * 32), bytes([2] * 32), [0, 1, 2]])
    return cbor([bytes([7] * 16), bytes([0x11] * 32), 4, 2, None, bytes([0x22] * 32),
                 bytes([0x33] * 32), body])


def peer_signed():
    return cbor(["Signature1", bytes.fromhex("a10126"), b"", peer_payload()])


HEX = {"event": lambda: event_parts()[0], "sealing": sealing, "sealed-event": sealed_event,
       "genesis": genesis, "map-root": map_root, "source-registered": source_entry,
       "certificate-issued": certificate_entry, "query-content": query_content,
       "query-padded": query_padded, "record-meta": record_meta,
       "vrf-input": lambda: [(cbor(["salus/subject", ORIGIN, "patient", "", "p-17"]), "")],
       "grant-plaintext": grant_plaintext, "grant-ids": grant_ids, "receipt-leaves": receipt_leaves,
       "history": history_parts, "evidence": evidence_parts, "patient-row": patient_row,
       "row-digest": row_digest, "custody-key": lambda: [(point(CUSTODY_KEY), "")],
       "custody-share": lambda: [(cbor(share(1)), "share 1"), (cbor(share(2)), "share 2")],
       "checkpoint-record": checkpoint_record, "hash-tile": hash_tile,
       "seal-wrap-key": lambda: [(sealed_file()[1], "")],
       "peer-payload": lambda: [(peer_payload(), "")],
       "peer-signed": lambda: [(peer_signed(), "")],
       "peer-hash": lambda: [(sha(peer_payload()), "")],
       "seal-payload": lambda: sealed_file()[3]}
TEXT = {"grant-jwe": lambda: wrapped_text(grant()[2]),
        "receipt-text": lambda: receipt_parts()[3].splitlines(),
        "receipt-signature": lambda: [receipt_parts()[4].splitlines()[-1].split(" ")[2]],
        "receipt-vkey": lambda: [RECEIPT_VKEY], "custody-release-1": lambda: share_jwe(1),
        "custody-release-2": lambda: share_jwe(2), "seal-header": lambda: sealed_file()[2],
        "seal-recipient": lambda: ["p256:" + b64u(compressed(sealed_file()[0]))],
        "file-jws": file_jws, "sealed-signature": sealed_signature}


def render(name):
    if name in TEXT:
        return TEXT[name]()
    lines = []
    for data, comment in HEX[name]():
        for at in range(0, len(data), 24):
            row = data[at:at + 24].hex()
            lines.append(f"{row:48}  {comment if at == 0 else ''}".rstrip())
    return lines


def main():
    folder = os.path.dirname(os.path.abspath(__file__))
    left, stale = set(HEX) | set(TEXT), []
    for page in sorted(f for f in os.listdir(folder) if f.endswith(".md")):
        path = os.path.join(folder, page)
        with open(path, encoding="utf-8") as file:
            text = file.read()

        def fill(match):
            left.discard(match.group(1))
            return "\n".join([f"<!-- example {match.group(1)} -->", "```", *render(match.group(1)),
                              "```"])

        made = re.sub(r"^<!-- example ([\w-]+) -->\n```\n(?:.*?\n)??```$", fill, text,
                      flags=re.MULTILINE | re.DOTALL)
        if made != text:
            stale.append(page)
            if "--write" in sys.argv:
                with open(path, "w", encoding="utf-8") as file:
                    file.write(made)
    print(f"stale: {stale or 'none'}; on no page: {sorted(left) or 'none'}")
    return 1 if left or (stale and "--write" not in sys.argv) else 0


if __name__ == "__main__":
    sys.exit(main())
