"""The npm packages, behind npm_age.mjs."""

import json
import pathlib
import subprocess

from judging import Refuted, missing

SCRIPT = pathlib.Path(__file__).resolve().parent / "npm_age.mjs"


class NpmAge:
    """Use as a context. why_not says why it can't judge, and is None where it can."""

    def __enter__(self):
        self.process, self.why_not = None, None
        if missing("node"):
            self.why_not = "there is no node"
            return self
        self.process = subprocess.Popen(["node", str(SCRIPT)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        probe = self.send({"op": "keygen"})
        if not probe["ok"]:
            self.why_not = ("the npm packages are missing; run npm ci in tests/judges/seal"
                            if probe["missing"] else f"needs a newer Node: {probe['error']}")
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.stdin.close()
            self.process.wait(60)

    def send(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise Refuted("npm_age.mjs ended")
        return json.loads(line)

    def ask(self, op, **request):
        answer = self.send({"op": op, **request})
        if not answer["ok"]:
            raise Refuted(f"npm {op}: {answer['error']}")
        return answer
