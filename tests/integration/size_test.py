#!/usr/bin/env python3
"""size_test.py SALUS SALUSD: the memory of the real server while it takes long bodies.

One body of 200 MB, then 16 of 8 MB at once (with SALUS_NIGHTLY=1: 2 GB, and 64 of 100 MB, which
take 15 GB of disk below /var/tmp), streamed over mutual TLS with the whole answer read; each time
the most that was resident, as the kernel counts it, stays below 300 MB. It measures no times.
"""

import asyncio
import re
import ssl
import sys
import tempfile

from salusd_rig import Rig, event_line, is_nightly

LIMIT_KIB = 300 * 1000 * 1000 // 1024
SOURCE = "ward-1"
PATIENTS = 2000
LINE_BYTES = 300
LINES_A_BLOCK = 100  # small ones, so that no connection waits long for its turn
READ_BYTES = 1 << 18


class Body:
    """Events of LINE_BYTES each, no two alike, made while they are sent."""

    def __init__(self, name, size):
        self.name = name
        self.lines = size // LINE_BYTES
        probe = event_line(f"{name}-{0:08}", f"patient-{0:05}", "x")
        self.detail = "x" * (LINE_BYTES - len(probe) + 1)
        template = event_line("EVENT", "PATIENT", self.detail)
        self.parts = re.split("EVENT|PATIENT", template)

    def __len__(self):
        return self.lines * LINE_BYTES

    def blocks(self):
        head, middle, tail = self.parts
        for first in range(0, self.lines, LINES_A_BLOCK):
            yield "".join(
                f"{head}{self.name}-{i:08}{middle}patient-{i % PATIENTS:05}{tail}"
                for i in range(first, min(first + LINES_A_BLOCK, self.lines))).encode()


async def send(rig, context, body):
    """Sends a body and reads its answer meanwhile; returns what is wrong, if anything."""
    reader, writer = await asyncio.open_connection("localhost", rig.port, ssl=context)

    async def write():
        writer.write(f"POST /audit/v1/events HTTP/1.1\r\nHost: localhost:{rig.port}\r\n"
                     "Content-Type: application/x-ndjson\r\nConnection: close\r\n"
                     f"Content-Length: {len(body)}\r\n\r\n".encode())
        for block in body.blocks():
            writer.write(block)
            await writer.drain()

    async def read():
        tail = b""
        while piece := await reader.read(READ_BYTES):
            tail = (tail + piece)[-4096:]
        return tail

    try:
        (_, tail) = await asyncio.gather(write(), read())
    except OSError as error:
        return f"{body.name}: {error}"
    finally:
        writer.transport.abort()
    if f'{{"done":true,"logged":{body.lines},"repeats":0,"refused":0}}'.encode() in tail:
        return None
    return f"{body.name}: the answer ends in {tail[-300:]}"


async def send_all(rig, bodies):
    context = ssl.create_default_context(cafile=rig.path("data", "root.pem"))
    context.load_cert_chain(rig.path(SOURCE, "chain.pem"), rig.path(SOURCE, "sign.key"))
    return await asyncio.gather(*(send(rig, context, body) for body in bodies))


def measure(rig, label, bodies):
    """Sends the bodies to a server that was just started; returns what is wrong."""
    rig.launch()
    rig.wait_until_listening()
    wrong = [w for w in asyncio.run(send_all(rig, bodies)) if w]
    with open(f"/proc/{rig.server.pid}/status", encoding="ascii") as f:
        most = int(re.search(r"VmHWM:\s+(\d+) kB", f.read()).group(1))
    rig.stop()
    print(f"{label}: {most * 1024 / 1e6:.0f} MB resident at most", flush=True)
    if most > LIMIT_KIB:
        wrong.append(f"{label}: {most} KiB were resident, {LIMIT_KIB} are allowed")
    return wrong


def main():
    one, many, each = (2_000, 64, 100) if is_nightly() else (200, 16, 8)
    with tempfile.TemporaryDirectory(prefix="salus_size_", dir="/var/tmp") as folder:
        rig = Rig(sys.argv[1], sys.argv[2], folder)
        rig.set_up([SOURCE], [])
        try:
            wrong = measure(rig, f"a body of {one} MB", [Body("one", one * 1_000_000)])
            wrong += measure(rig, f"{many} at once of {each} MB",
                             [Body(f"many-{i}", each * 1_000_000) for i in range(many)])
        finally:
            if rig.server:
                rig.kill()
    for text in wrong:
        print(text)
    failed = min(2, len(wrong))
    print(f"{2 - failed} passed, {failed} failed, 0 skipped")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
