"""One round: an installation at work, the faults of a family at the instants that the seed gives, quiet, the ledger."""
import collections
import contextlib
import heapq
import itertools
import json
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import time

import pika
import psycopg

import feeds
from servers import wait_until

from . import ledger as books
from .installation import DEAD, Installation

CLIENT = pathlib.Path(__file__).with_name("celery_client.py")
WORK_EVERY_S = 0.4
SMALL_DISK = {"postgresql": "256m", "kairosdb": "160m", "rabbitmq": "160m"}
NO_LIMIT = resource.RLIM_INFINITY


def ports_of(pid):
    """Local TCP ports of a process."""
    inodes = set()
    with contextlib.suppress(OSError):
        for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            target = str(link.readlink())
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    lines = (line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:])
    return {int(words[1].split(":")[1], 16) for words in lines if words[9] in inodes}


class Round:
    def __init__(self, family, seed, number, servers, folder, build, loop, stepped_clock=None, verbose=False):
        self.verbose = verbose
        self.family, self.seed, self.number, self.servers = family, seed, number, servers
        self.chance = random.Random(f"{family.name}/{seed}/{number}")
        self.faults, self.repaired, self.rabbitmq_restarts = collections.Counter(), 0, 0
        self._agenda, self._order = [], itertools.count()
        self._limited, self._filled, self._paused, self._client = {}, set(), set(), None
        self.begun, self.recovery_s, self.measured = time.monotonic(), None, {}
        self.ledger = books.Ledger()
        self.installation = Installation(
            servers, folder, f"{family.name}_{seed}_{number}".replace("-", "_"), build, loop, family.proxied,
            family.workers, family.producers, family.custodian, **(family.settings or {}))
        self.clocks = []
        if family.clocks:
            for slot in self.installation.slots:
                self.clocks.append(stepped_clock(folder / f"clock-{slot}"))
                slot.environment = self.clocks[-1].environment

    # --- the agenda ---------------------------------------------------------------------------------

    def elapsed(self):
        return time.monotonic() - self.begun

    def at(self, when, action, *arguments):
        heapq.heappush(self._agenda, (when, next(self._order), action, arguments))

    def fault(self, when, name, action, *arguments):
        """An action that is one fault if it says it was carried out."""
        self.at(when, lambda: self.count(name) if action(*arguments) else None)

    def many(self, when, name, action, *arguments):
        """An action that says how many faults it was."""
        self.at(when, lambda: self.count(name, action(*arguments)))

    def count(self, name, number=1):
        if number:
            self.faults[name] += number

    def run(self):
        """The whole round; the ledger says what was found."""
        self.installation.work(random.Random(1))
        self.installation.start_programs()
        if self.family.clients:
            self._start_client()
        self.begun = time.monotonic()
        self.family.plan(self, self.chance)
        self.at(0, self._work)
        last = max(when for when, _, action, _ in self._agenda)
        while self._agenda:
            when, _, action, arguments = self._agenda[0]
            if when > self.elapsed():
                time.sleep(min(0.02, max(0, when - self.elapsed())))
                self.installation.note_deaths()
                continue
            heapq.heappop(self._agenda)
            if action == self._work and self.elapsed() > last:
                continue
            action(*arguments)
        self.heal()
        self._settle()

    def _work(self):
        if not self._paused:  # or the client would stand still as well, and this thread with it
            with contextlib.suppress(psycopg.Error):
                self.installation.work(self.chance_of_work())
        self.at(self.elapsed() + WORK_EVERY_S, self._work)

    def chance_of_work(self):
        """Work has chances of its own, or its timing would change the faults."""
        if not hasattr(self, "_work_chance"):
            self._work_chance = random.Random(f"work/{self.seed}/{self.number}")
        return self._work_chance

    # --- after the faults ---------------------------------------------------------------------------

    def heal(self):
        """Everything as it was: servers up, network whole, nobody frozen or limited, clocks right."""
        for name in list(self._paused):
            self.resume_server(name)
        for server in list(self._filled):
            self.empty_disk(server)
        for server in self.servers.all:
            self._set_going(server)
        for between in self.installation.proxies.values():
            self.count("answer swallowed", between.swallowed)
            between.swallowed = 0
            between.heal()
        self.alarm_over()
        self.permit(None)
        self._mend_rabbitmq()
        self.unlimit()
        for clock in self.clocks:
            clock.ahead(0)
        for slot in self.installation.slots:
            slot.signal(signal.SIGCONT)
            if slot.program is not None and not slot.program.running():
                slot.start()

    @staticmethod
    def _set_going(server):
        """It answers; one that does not get over what was done to it is started anew, as an operator would."""
        def answers():
            with contextlib.suppress(OSError, EOFError, ValueError):
                return not server.running() or server.ready()
        with contextlib.suppress(TimeoutError):
            wait_until(answers, 20, "the server answers")
        if not server.running() or not answers():
            server.kill()
            server.start()

    def _mend_rabbitmq(self):
        """A retry queue deleted at a bad moment takes with it what hands over expired messages, on the whole node, until
        RabbitMQ is started anew (docs/reliability.md)."""
        if not self.installation.takes_retry_queues():
            self.rabbitmq_restarts += 1
            self.servers.rabbitmq.kill()
            self.servers.rabbitmq.start()

    def _settle(self):
        healed = time.monotonic()
        left = self._quiet(healed + self.family.limit_s)
        self.recovery_s = time.monotonic() - healed
        if left:
            for what, count in left.items():
                self.ledger.add("stuck", f"{what}: {count} after {self.family.limit_s:.0f} s", count)
        books.check_processes(self.installation, self.ledger)
        self.measured = self.installation.descriptors()
        stubborn = self.installation.stop_programs(self.installation.producers)
        if not left:
            left = self._quiet(time.monotonic() + 30, older_than_s=0)
            for what, count in left.items():
                self.ledger.add("stuck", f"{what}: {count} 30 s after the last tick", count)
        if self._client:
            self._check_client()
        stubborn += self.installation.stop_programs(self.installation.workers)
        if not left:
            stubborn += self._take_the_rest()
        if not left:  # with nobody holding a message, the queues say what is there
            books.check(self.installation, self.ledger, self.family)
        for slot in stubborn:
            self.ledger.add("other", f"{slot} did not end within 20 s of SIGTERM")

    def _take_the_rest(self):
        """What came back when the workers stopped, such as a second copy of what ended long ago, waits for a worker: it is
        stuck only if one does not take it."""
        def waits():
            return any(name != DEAD for name in books.queued(self.installation)) or self.installation.held()
        workers = self.installation.workers
        if waits():
            for slot in workers:
                slot.start()
            with contextlib.suppress(TimeoutError):
                wait_until(lambda: not waits(), 60, "the queues are empty", 1)
        return self.installation.stop_programs(workers)

    def _quiet(self, end, older_than_s=2):
        """Waits until nothing is left to do; what is left at `end`. The last look (older_than_s 0) is three in a row:
        a message that a worker holds for a moment is in no queue and may have no run."""
        left, quiet = {"not asked": 1}, 0
        while time.monotonic() < end:
            self.installation.note_deaths()
            try:
                left = books.unfinished(self.installation, self.family.loses_messages, older_than_s)
                if not left and self.family.repairs:
                    left = self._missing_in_kairosdb()
                if not left and older_than_s == 0:
                    left = {f"messages in {name}": n for name, n in books.queued(self.installation).items()}
                    left.update(self.installation.held())
            except (psycopg.Error, pika.exceptions.AMQPError, OSError) as error:
                left = {f"not asked: {error}": 1}
            if self.verbose:
                print(f"    {self.elapsed():5.1f} s left: {left}", flush=True)
            quiet = quiet + 1 if not left else 0
            if quiet > 2 or (quiet and older_than_s):
                return left
            time.sleep(0.5)
        return left

    def _missing_in_kairosdb(self):
        """What a killed KairosDB forgot of the month that is not over: an audit, as production has it, finds it."""
        found = books.Ledger()
        books.check_readings(self.installation, found)
        if not found.clean() and time.monotonic() - self.begun > 5 * self.repaired:
            self.repaired += 1
            self.installation.meterbeat.ctl("audit", "--repair", status=None)
        return {text: 1 for text in found.texts()}

    # --- Celery clients beside it -------------------------------------------------------------------

    def _start_client(self):
        url = f"amqp://guest:guest@127.0.0.1:{self.servers.rabbitmq.port}/{self.installation.name}"
        self._client = subprocess.Popen([sys.executable, str(CLIENT), url, str(self.seed), "12"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def _check_client(self):
        try:
            text, _ = self._client.communicate(timeout=90)
            found = json.loads(text)
        except (subprocess.TimeoutExpired, ValueError):
            self._client.kill()
            return self.ledger.add("other", "the Celery client did not end")
        self.measured["celery"] = found
        for kind, count in (("lost", found["missing"]), ("lost", found["wrong"]), ("doubled", found["contradicted"])):
            if count:
                self.ledger.add(kind, f"{count} of {found['sent']} results of the Celery client: {found}", count)
        return None

    # --- what is done to programs -------------------------------------------------------------------

    def slot(self, kind, number):
        slots = self.installation.workers if kind == "worker" else self.installation.producers
        return slots[number % len(slots)]

    def kill(self, kind, number):
        slot = self.slot(kind, number)
        killed = self.installation.kill(slot)
        slot.start()
        return killed

    def restart(self, kind, number):
        """A new one beside it first, as rolling restarts do; then SIGTERM, and it must end by itself."""
        slot = self.slot(kind, number)
        old = slot.program
        if old is None or not old.running():
            return False
        old.was_killed = True
        old.terminate()
        slot.start()
        self.at(self.elapsed() + 15, self._must_have_ended, slot, old)
        return True

    def _must_have_ended(self, slot, old):
        if old.running():
            self.ledger.add("other", f"{slot} did not end within 15 s of SIGTERM")
        elif old.process.returncode != 0 and old.events("consuming" if slot.kind == "worker" else "tick"):
            self.ledger.add("other", f"{slot} ended with {old.process.returncode} after SIGTERM")

    def freeze(self, kind, number):
        return self.slot(kind, number).signal(signal.SIGSTOP)

    def thaw(self, kind, number):
        self.slot(kind, number).signal(signal.SIGCONT)

    def step_clock(self, slot, seconds):
        self.clocks[slot].ahead(seconds)
        return True

    def limit(self, number, kind):
        slot = self.slot("worker", number)
        pid = slot.pid()
        if pid is None:
            return False
        with contextlib.suppress(OSError, ProcessLookupError):
            if kind == "files":
                which = resource.RLIMIT_NOFILE
                low = len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))
            else:
                which = resource.RLIMIT_AS
                low = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[0]) * 4096 + (256 << 10)
            before = resource.prlimit(pid, which)
            self._limited.setdefault((pid, which), before)
            resource.prlimit(pid, which, (low, before[1]))
            return True
        return False

    def unlimit(self):
        for (pid, which), before in self._limited.items():
            with contextlib.suppress(OSError, ProcessLookupError):
                resource.prlimit(pid, which, before)
        self._limited.clear()

    # --- what is done to servers --------------------------------------------------------------------

    def server_down(self, name, how, pause_s):
        server = getattr(self.servers, name)
        if not server.running():
            return False
        getattr(server, how)()
        time.sleep(pause_s)
        server.start()
        return True

    def pause_server(self, name):
        self._paused.add(name)
        getattr(self.servers, name).pause()
        return True

    def resume_server(self, name):
        self._paused.discard(name)
        getattr(self.servers, name).resume()

    def _backends(self, seed, most):
        rows = self.installation.sql("SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
                                     " AND pid <> pg_backend_pid() AND backend_type = 'client backend' ORDER BY pid")
        pids = [pid for pid, in rows]
        return random.Random(seed).sample(pids, min(most, len(pids)))

    def terminate_backends(self, seed):
        with contextlib.suppress(psycopg.Error):
            return any(self.installation.sql("SELECT pg_terminate_backend(%s)", (pid,))[0][0]
                       for pid in self._backends(seed, 1))
        return False

    def kill_backend(self, seed):
        with contextlib.suppress(psycopg.Error, ProcessLookupError):
            for pid in self._backends(seed, 1):
                subprocess.run(["kill", "-9", str(pid)], check=False)
                return True
        return False

    # --- the network --------------------------------------------------------------------------------

    def cut(self, server, seed):
        return self.installation.proxies[server].cut(seed)

    def turn(self, server, mode, seed, rate):
        return self.installation.proxies[server].turn(mode, seed, rate=rate)

    def vanish_machine(self, number):
        slot = self.slot("worker", number)
        pid = slot.pid()
        if pid is None:
            return False
        slot.signal(signal.SIGSTOP)  # its kernel is not to close the connections first
        ports = ports_of(pid)
        for between in self.installation.proxies.values():
            between.vanish(ports)
        return self.kill("worker", number)

    def vanish(self, server, seed):
        return self.installation.proxies[server].vanish(None, seed)

    def heal_network(self, server):
        self.installation.proxies[server].heal()

    def refuse(self, server, seed):
        between = self.installation.proxies[server]
        between.refuse(True)
        between.cut(seed)
        return True

    def swallow(self, server, pattern):
        self.installation.proxies[server].swallow(pattern)

    # --- the broker ---------------------------------------------------------------------------------

    def _rabbitmqctl(self, *words):
        rabbitmq = self.servers.rabbitmq
        return subprocess.run(["/usr/lib/rabbitmq/bin/rabbitmqctl", "-n", "meterbeat@localhost", "-q", *words],
                              env={"PATH": "/usr/bin:/bin:/usr/sbin", **rabbitmq.environment()},
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120).returncode == 0

    def alarm(self, kind):
        self._alarmed = True
        return self._rabbitmqctl("set_vm_memory_high_watermark", "absolute", "1000") if kind == "memory" \
            else self._rabbitmqctl("set_disk_free_limit", "900000GB")

    def alarm_over(self):
        if getattr(self, "_alarmed", False):
            self._rabbitmqctl("set_vm_memory_high_watermark", "0.4")
            self._rabbitmqctl("set_disk_free_limit", "50MB")
        self._alarmed = False

    def take_queue(self, verb, name):
        path = f"/queues/{self.installation.name}/{name}" + ("/contents" if verb == "purged" else "")
        try:
            self.servers.rabbitmq.api("DELETE", path)
            return True
        except OSError:  # there is no such queue now
            return False

    def permit(self, without):
        """guest's permissions on the vhost, less one."""
        rights = {name: "^$" if without in (name, "all") else ".*" for name in ("configure", "write", "read")}
        self.servers.rabbitmq.api("PUT", f"/permissions/{self.installation.name}/guest", rights)
        return True

    # --- the disk -----------------------------------------------------------------------------------

    def fill_disk(self, name):
        self._filled.add(name)
        with contextlib.suppress(OSError), open(self.servers.folder / name / "ballast", "wb") as ballast:
            while True:
                ballast.write(bytes(1 << 16))
                ballast.flush()
        return True

    def empty_disk(self, name):
        self._filled.discard(name)
        (self.servers.folder / name / "ballast").unlink(missing_ok=True)
        self._set_going(getattr(self.servers, name))  # it may have ended of it, as PostgreSQL does without room for its log

    # --- utilities ----------------------------------------------------------------------------------

    def flaky_feeds(self, chance, seconds):
        """Now and then a feed answers 503: attempts fail and go to the retry queues."""
        for step in range(int(seconds / 0.4)):
            self.at(0.4 * step, self._flaky_feed, chance.random())

    def _flaky_feed(self, share):
        names = list(self.installation.feeds)
        if names:
            self.installation.feed_server.inject(names[int(share * len(names))], feeds.status(503, Retry_After=0))

    # --- the end ------------------------------------------------------------------------------------

    def line(self):
        """What is told of the round, as a dictionary."""
        counts = self.ledger.counts()
        total = sum(self.faults.values())
        return {"family": self.family.name, "round": self.number, "seed": self.seed, "faults": total,
                "by_name": dict(self.faults), "lost": counts["lost"], "doubled": counts["doubled"],
                "stuck": counts["stuck"], "other": counts["other"],
                "recovery_s": round(self.recovery_s if self.recovery_s is not None else -1, 1),
                "duration_s": round(self.elapsed(), 1), "records": len(self.installation.records),
                "tasks": len(self.installation.sent), "rabbitmq_restarts": self.rabbitmq_restarts,
                "measured": self.measured, "notes": self.ledger.texts(),
                "verdict": "ok" if self.ledger.clean() else "FAILED"}

    def keep_evidence(self, folder):
        """Logs and tables of a round that failed."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "evidence.txt").write_text("\n".join(self.ledger.texts(50)) + "\n" + books.evidence(self.installation))
        for log in self.installation.folder.glob("*.log"):
            shutil.copy(log, folder)
        for server in self.servers.all:
            with contextlib.suppress(OSError):
                (folder / f"{server.name}.log").write_text(server.log_tail(300))

    def end(self):
        self.installation.end()
