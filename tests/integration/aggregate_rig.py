"""Two organisations on this machine, each with its own data directory, authority and salusd: the
leader and the helper of a study."""

import contextlib
import json
import os
import re
import subprocess
import sys
import time

from salusd_rig import Rig, free_ports, wait_for

TIMEOUT_S = 120


class Aggregator(Rig):
    """One salusd with a role in aggregation."""

    def __init__(self, salus, salusd, folder, role):
        os.makedirs(folder)
        super().__init__(salus, salusd, folder)
        self.role = role
        self.origin = f"{role}.example.org/rig"

    def set_up(self):
        self.public_port, self.port = free_ports(2)
        self.salus("init", "--data", self.data, "--origin", self.origin, "--public-port",
                   str(self.public_port), "--machine-port", str(self.port))
        self.configure(role=f'"{self.role}"', interval_ms="50", late_ms="1000")

    def configure(self, **values):
        path = os.path.join(self.data, "salus.toml")
        with open(path) as f:
            text = f.read()
        begin = text.index("[aggregate]")
        section = text[begin:]
        for name, value in values.items():
            section = re.sub(rf"(?m)^{name} = .*$", f"{name} = {value}", section)
        with open(path, "w") as f:
            f.write(text[:begin] + section)

    @property
    def url(self):
        return f"https://localhost:{self.public_port}/dap"

    @property
    def root(self):
        return os.path.join(self.data, "root.pem")

    def run(self):
        self.launch()
        self.wait_until_listening()


class Pair:
    def __init__(self, salus, salusd, folder):
        self.folder = folder
        self.leader = Aggregator(salus, salusd, os.path.join(folder, "leader"), "leader")
        self.helper = Aggregator(salus, salusd, os.path.join(folder, "helper"), "helper")
        self.sides = (self.leader, self.helper)

    def set_up(self):
        for side in self.sides:
            side.set_up()

    def run(self):
        for side in self.sides:
            side.run()

    def stop(self):
        for side in self.sides:
            side.stop()

    def kill(self):
        for side in self.sides:
            if side.server:
                side.kill()

    @contextlib.contextmanager
    def watched(self):
        """Both are stopped in the end, and their logs are shown where something was wrong."""
        try:
            yield
        except BaseException:
            for side in self.sides:
                print(f"--- {side.role}\n{side.last_log()}", file=sys.stderr)
            raise
        finally:
            self.kill()

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def new_task(self, name, *flags):
        """A task of both, made while neither runs. Its folder of files."""
        folder = self.path(name)
        self.leader.salus("aggregate", "task", "new", "--title", name, "--purpose",
                          "to see that sums are right", "--leader", self.leader.url, "--helper",
                          self.helper.url, "--helper-root", self.helper.root, "-o", folder,
                          "--data", self.leader.data, *flags)
        self.helper.salus("aggregate", "task", "accept", os.path.join(folder, "helper.json"),
                          "--data", self.helper.data)
        return folder

    def upload(self, folder, values):
        """Reports one value each; lists for vectors."""
        path = os.path.join(folder, "values.ndjson")
        with open(path, "w") as f:
            f.writelines(json.dumps(value) + "\n" for value in values)
        done = self.leader.salus("aggregate", "upload", "--task",
                                 os.path.join(folder, "task.json"), "--input", path, "--json")
        return json.loads(done.stdout)[0]

    def start_upload(self, folder, name, values):
        path = os.path.join(folder, name + ".ndjson")
        with open(path, "w") as f:
            f.writelines(json.dumps(value) + "\n" for value in values)
        return self.leader.start_salus("aggregate", "upload", "--task",
                                       os.path.join(folder, "task.json"), "--input", path,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def collect(self, folder, *flags):
        """Exit code, result, and what was said."""
        task = os.path.join(folder, "collector.json")
        process = self.leader.start_salus("aggregate", "collect", "--task", task, "--json",
                                          "--timeout", f"{TIMEOUT_S}s", *flags,
                                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, said = process.communicate()
        result = json.loads(out)[0] if process.returncode == 0 else None
        return process.returncode, result, said

    def task_of(self, folder):
        with open(os.path.join(folder, "task.json")) as f:
            return json.load(f)["task"]


def hours_around_now():
    """An interval of whole hours that has this moment, and the next hour, in it."""
    now = int(time.time())
    begin = now - now % 3600
    form = "%Y-%m-%dT%H:%M:%SZ"
    return (time.strftime(form, time.gmtime(begin)) + "/" +
            time.strftime(form, time.gmtime(begin + 7200)))


def interval_since(begin):
    """Whole seconds from a moment until now, for tasks whose batches are of seconds: a batch is
    collected once it is over."""
    form = "%Y-%m-%dT%H:%M:%SZ"
    return (time.strftime(form, time.gmtime(int(begin))) + "/" +
            time.strftime(form, time.gmtime(int(time.time()) + 1)))


__all__ = ["Aggregator", "Pair", "hours_around_now", "interval_since", "wait_for"]
