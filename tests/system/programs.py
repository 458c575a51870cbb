"""The programs under test: configured, started, watched through their log, killed."""
import ctypes
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess

import libconfig
from servers import wait_until

REPORT = re.compile(r"ERROR: (?:Address|Leak|Undefined\w*)Sanitizer|WARNING: ThreadSanitizer"
                    r"|: runtime error: |AddressSanitizer:DEADLYSIGNAL")
PR_SET_PDEATHSIG = 1
PAIR = re.compile(r'([A-Za-z_]\w*)=("(?:[^"\\]|\\.)*"|\S*)')


def pairs(line):
    """A log line's key=value pairs; quoted values without their quotes."""
    found = {}
    for key, text in PAIR.findall(line):
        if text.startswith('"'):
            text = re.sub(r"\\(.)", r"\1", text[1:-1])
        found[key] = text
    return found


def die_with_parent():
    """And take a hangup as a program of a terminal does, also where the tests run under nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Program:
    """One running program; its standard output and error go to one file."""

    def __init__(self, command, log, environment):
        self.command, self.log = command, pathlib.Path(log)
        self.output = open(self.log, "ab")
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT,
            env=environment, start_new_session=True, preexec_fn=die_with_parent)
        self.pid = self.process.pid

    def text(self):
        return self.log.read_text(errors="replace")

    def events(self, event=None, **wanted):
        """The log lines as dictionaries: those of `event` whose pairs equal `wanted`."""
        wanted = {key: str(item) for key, item in wanted.items()}
        if event is not None:
            wanted["event"] = event
        lines = (pairs(line) for line in self.text().splitlines())
        return [line for line in lines if wanted.items() <= line.items()]

    def wait_for_event(self, event, limit=30, count=1, **wanted):
        """The first `count` such log lines; fails when the program ends before or the limit is over."""
        def enough():
            found = self.events(event, **wanted)
            if len(found) < count and not self.running():
                found = self.events(event, **wanted)
                assert len(found) >= count, f"ended before {event} {wanted}\n{self.tail()}"
            return found if len(found) >= count else None

        try:
            return wait_until(enough, limit, f"{count} x {event} {wanted}")
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.tail()}") from None

    def wait_for_text(self, pattern, limit=30):
        """The match of a regular expression in the output."""
        try:
            return wait_until(lambda: re.search(pattern, self.text()), limit, f"output {pattern!r}")
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.tail()}") from None

    def running(self):
        return self.process.poll() is None

    def signal(self, number):
        os.kill(self.pid, number)

    def terminate(self):
        self.signal(signal.SIGTERM)

    def kill(self):
        """kill -9 of the program and of the processes that it supervises."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(10)
        self.output.close()

    def stop(self, limit=60):
        """SIGTERM, then its exit status."""
        if self.running():
            self.terminate()
        return self.wait(limit)

    def wait(self, limit=60):
        """The exit status (negative: the signal that ended it)."""
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {limit} s: {self.command}\n{self.tail()}") \
                from None

    def tail(self, lines=40):
        return f"--- {shlex.join(self.command)}\n" + "\n".join(self.text().splitlines()[-lines:])


class Meterbeat:
    """One installation of meterbeat: a configuration file and whatever runs by it."""

    def __init__(self, build, folder, settings, environment):
        self.build, self.folder = pathlib.Path(build), pathlib.Path(folder)
        self.settings, self.environment = settings, {**os.environ, **environment}
        self.configuration = self.folder / "meterbeat.conf"
        self.programs, self.texts = [], []
        self.configure()

    def configure(self, **changes):
        """Lays `changes` over the settings and writes the file; programs started later see it."""
        self.settings = libconfig.merged(self.settings, changes)
        self.configuration.write_text(libconfig.settings(self.settings))

    def path(self, program):
        found = [path for path in self.build.glob(f"*/{program}") if os.access(path, os.X_OK)]
        assert found, f"{program} is not in {self.build}: packaging/steps/build.sh {self.build.name}"
        return str(found[0])

    def start(self, program, *arguments, environment=None):
        log = self.folder / f"{len(self.programs)}-{program}.log"
        started = Program([self.path(program), "--config", str(self.configuration),
                           *map(str, arguments)], log, {**self.environment, **(environment or {})})
        self.programs.append(started)
        return started

    def worker(self, *arguments, environment=None):
        return self.start("meterbeat-worker", *arguments, environment=environment)

    def producer(self, *arguments, environment=None):
        return self.start("meterbeat-producer", *arguments, environment=environment)

    def ctl(self, *arguments, status=0, limit=60):
        """Runs meterbeatctl; returns its standard output. `status` None accepts every exit status."""
        command = [self.path("meterbeatctl"), "--config", str(self.configuration),
                   *map(str, arguments)]
        done = subprocess.run(command, env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=limit)
        self.texts.append((shlex.join(command), done.stdout + done.stderr))
        assert status is None or done.returncode == status, \
            f"exit {done.returncode}, not {status}: {shlex.join(command)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def ctl_json(self, *arguments):
        """The output of a --json command: one value, or a list of one value a line."""
        text = self.ctl(*arguments)
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return [json.loads(line) for line in text.splitlines()]

    def end(self):
        """Kills what still runs; fails when a sanitizer said anything in any output."""
        for program in self.programs:
            program.kill()
        texts = self.texts + [(str(program.command), program.text()) for program in self.programs]
        for name, text in texts:
            found = REPORT.search(text)
            assert not found, f"sanitizer report of {name}:\n{text[found.start():][:6000]}"
