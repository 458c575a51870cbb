"""The families of faults: what is done to which part of an installation, planned from a seed alone."""
import dataclasses
import functools
import signal
import subprocess
import time
import typing

from . import proxy
from .installation import DEAD, LEASE_S, QUEUE, RETRY_DELAYS_S

# The places of common/base/failpoint.c that the work of a round comes by, in each program.
WORKER_POINTS = ("after_take", "after_stage", "after_kairosdb_write", "before_commit", "after_commit",
                 "after_outbox", "before_ack", "after_ladder", "after_report")
TOKEN_POINTS = ("before_token_request", "after_token_answer", "after_token_stored", "after_take", "before_ack")
PRODUCER_POINTS = ("before_commit", "after_commit", "after_outbox")


@dataclasses.dataclass(frozen=True)
class Family:
    """One kind of fault. plan(round, chance) puts the faults of a round into its agenda."""

    name: str
    title: str  # in docs/reliability.md
    plan: typing.Callable
    proxied: tuple = ()  # servers that the programs reach through a proxy
    workers: int = 3
    producers: int = 1
    loses_messages: bool = False  # the fault takes messages away from the queues: their ticks and tasks have no run
    loses_results: bool = False  # results are transient, as Celery's are: a broker that restarts has none of them
    skips_ticks: bool = False
    custodian: bool = False  # records are a Data Custodian's, with tokens
    may_be_dead: tuple = ()  # error codes with which a run may end here
    repairs: bool = False  # KairosDB forgets its last seconds, also of the month that is not over: an audit finds it
    clients: bool = False  # Celery clients beside it, their results held against what was sent
    clocks: bool = False
    limit_s: float = 300.0  # more than this after the last fault, and what is left is stuck
    settings: typing.Any = None  # changes of the configuration
    small_disks: bool = False  # servers of its own, on disks that can be filled
    enough_rounds: int = 20  # what ./dev faults --complete runs it to: so many rounds, and so many faults
    enough_faults: int = 0
    needs: typing.Callable = lambda: ""  # why it cannot run here; "" it can


def spread(chance, count, least, most, begin=0.5):
    """`count` instants with pauses between `least` and `most` seconds."""
    at = begin
    for _ in range(count):
        yield at
        at += chance.uniform(least, most)


def nothing(r, _chance):
    """The control: the same work without a fault."""
    r.at(5, lambda: None)


# --- programs killed ----------------------------------------------------------------------------------

def workers_killed(r, chance):
    for at in spread(chance, 60, 0.05, 0.3):
        r.fault(at, "worker killed", r.kill, "worker", chance.randrange(3))


def producers_killed(r, chance):
    for at in spread(chance, 30, 0.05, 0.5):
        r.fault(at, "producer killed", r.kill, "producer", chance.randrange(2))


def killed_at_failpoints(r, chance, worker_points=WORKER_POINTS):
    """Each program has a place at which it kills itself; its successor has another one."""
    def arm(slot):
        points = worker_points if slot.kind == "worker" else PRODUCER_POINTS
        slot.point = chance.choice(points)
        slot.environment = {"METERBEAT_CRASH_AT": f"{slot.point}:{chance.choice((1, 1, 2))}"}

    def came_by(slot):
        r.count(f"{slot.kind} killed {slot.point}")
        arm(slot)

    def look(slot, patience):
        """One that has not come by its place for a while gets another place."""
        if slot.program is not None and time.monotonic() > slot.survived_from + patience:
            patience = min(2 * patience, 12)  # a busy machine needs longer to get there at all
            arm(slot)
            r.kill(slot.kind, slot.number)
        if r.elapsed() < 8 or (r.elapsed() < 40 and sum(r.faults.values()) < 8):
            return r.at(r.elapsed() + 0.1, look, slot, patience)
        slot.environment, slot.ended = {}, None
        return r.kill(slot.kind, slot.number)

    for slot in r.installation.slots:
        slot.ended = functools.partial(came_by, slot)
        arm(slot)
        r.at(0.2, r.kill, slot.kind, slot.number)
        r.at(0.3, look, slot, 1.5)
    r.flaky_feeds(chance, 8)


def killed_at_token_points(r, chance):
    """The same around a custodian's tokens, which are good for seconds."""
    killed_at_failpoints(r, chance, TOKEN_POINTS)


def workers_frozen(r, chance):
    """SIGSTOP for longer than a lease, then SIGCONT: the sleeper wakes up to find its work taken over."""
    for at in spread(chance, 3, 1, 3):
        victim, length = chance.randrange(3), LEASE_S + chance.uniform(0.5, 4)
        r.fault(at, "worker stopped beyond its lease", r.freeze, "worker", victim)
        r.at(at + length, r.thaw, "worker", victim)


def producers_frozen(r, chance):
    for at in spread(chance, 4, 0.5, 2):
        victim, length = chance.randrange(2), chance.uniform(2, 8)
        r.fault(at, "producer stopped", r.freeze, "producer", victim)
        r.at(at + length, r.thaw, "producer", victim)


def rolling_restarts(r, chance):
    """Each program in turn is asked to stop and replaced, as an upgrade does."""
    for at in spread(chance, 16, 0.2, 0.6):
        kind = chance.choice(("worker", "worker", "worker", "producer"))
        r.fault(at, f"{kind} restarted", r.restart, kind, chance.randrange(3 if kind == "worker" else 2))


# --- servers ------------------------------------------------------------------------------------------

def server_family(server, how, count, least, most):
    def plan(r, chance):
        r.flaky_feeds(chance, 12)  # so that its retry queues are not empty
        for at in spread(chance, count, least, most):
            r.fault(at, f"{server} {how}", r.server_down, server, how, chance.uniform(0, 1))
    return plan


def servers_paused(r, chance):
    for at in spread(chance, 4, 1, 3):
        server, length = chance.choice(("rabbitmq", "postgresql", "kairosdb")), chance.uniform(1, 7)
        r.fault(at, f"{server} stands still", r.pause_server, server)
        r.at(at + length, r.resume_server, server)


def backends_ended(r, chance):
    for at in spread(chance, 60, 0.05, 0.3):
        r.fault(at, "backend terminated", r.terminate_backends, chance.randrange(1 << 30))


def backends_killed(r, chance):
    """kill -9 of one backend: PostgreSQL ends all the others and recovers."""
    for at in spread(chance, 5, 0.8, 2):
        r.fault(at, "backend killed -9", r.kill_backend, chance.randrange(1 << 30))


# --- the network --------------------------------------------------------------------------------------

ALL = ("rabbitmq", "postgresql", "kairosdb")


def connections_cut(r, chance):
    for at in spread(chance, 50, 0.05, 0.35):
        r.many(at, "connection cut", r.cut, chance.choice(ALL), chance.randrange(1 << 30))


def turned(mode, what, count=4, least=0.5, most=2.5, longest=6.0):
    def plan(r, chance):
        for at in spread(chance, count, least, most):
            server = chance.choice(ALL)
            r.many(at, what, r.turn, server, mode, chance.randrange(1 << 30), chance.randrange(200, 20_000))
            r.at(at + chance.uniform(1, longest), r.heal_network, server)
    return plan


def machines_vanish(r, chance):
    """A worker and its machine are gone at once: no FIN, no RST. In between single connections lose their peer."""
    for at in spread(chance, 6, 0.8, 1.6):
        r.fault(at, "machine vanished", r.vanish_machine, chance.randrange(3))
        r.many(at + 0.4, "peer vanished", r.vanish, chance.choice(ALL), chance.randrange(1 << 30))


def may_vanish():
    return "" if proxy.can_vanish() else "the right to TCP_REPAIR (CAP_NET_ADMIN) is missing"


def connections_refused(r, chance):
    for at in spread(chance, 5, 0.5, 2):
        server = chance.choice(ALL)
        r.fault(at, f"{server} refuses connections", r.refuse, server, chance.randrange(1 << 30))
        r.at(at + chance.uniform(0.5, 4), r.heal_network, server)


# What each server does and does not get to tell about.
SWALLOWED = (("postgresql", rb"COMMIT"), ("postgresql", rb"COMMIT"), ("postgresql", rb"UPDATE meterbeat\.run"),
             ("postgresql", rb"state = 'retrying'"), ("postgresql", rb"DELETE FROM meterbeat\.outbox"),
             ("rabbitmq", rb"\x00\x3c\x00\x28"), ("rabbitmq", rb"\x00\x3c\x00\x50"),
             ("kairosdb", rb"POST /api/v1/datapoints HTTP"), ("kairosdb", rb"POST /api/v1/datapoints/query"))


def answers_swallowed(r, chance):
    r.flaky_feeds(chance, 10)
    for at in spread(chance, 30, 0.1, 0.5):
        r.at(at, r.swallow, *chance.choice(SWALLOWED))


# --- the broker's moods -------------------------------------------------------------------------------

def alarms(r, chance):
    for at in spread(chance, 2, 3, 5):
        kind = chance.choice(("memory", "disk"))
        r.fault(at, f"{kind} alarm", r.alarm, kind)
        r.at(at + chance.uniform(1, 4), r.alarm_over)


def queues_taken(verb, begin=0.5):
    def plan(r, chance):
        r.flaky_feeds(chance, 8)
        names = [QUEUE] * 4 + [f"{QUEUE}.retry.{delay}" for delay in RETRY_DELAYS_S[:4]] + [DEAD]
        for at in spread(chance, 8, 0.3, 1.2, begin):
            r.fault(at, f"queue {verb}", r.take_queue, verb, chance.choice(names))
    return plan


def permission_withdrawn(r, chance):
    for at in spread(chance, 4, 1, 2.5):
        which = chance.choice(("configure", "write", "read", "all"))
        r.fault(at, f"permission withdrawn: {which}", r.permit, which)
        r.at(at + chance.uniform(0.5, 3), r.permit, None)


# --- the machine --------------------------------------------------------------------------------------

def disks_full(r, chance):
    for at in spread(chance, 2, 3, 5):
        server = chance.choice(("postgresql", "kairosdb", "rabbitmq"))
        r.fault(at, f"{server}'s disk full", r.fill_disk, server)
        r.at(at + chance.uniform(1, 3), r.empty_disk, server)


def can_mount():
    return "" if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0 \
        else "the right to mount a small disk is missing"


def clocks_stepped(r, chance):
    """Each program has a clock of its own; it is ahead or behind by seconds, hours or days, and steps again."""
    for at in spread(chance, 12, 0.3, 1.2):
        slot = chance.randrange(len(r.installation.slots))
        seconds = chance.choice((-1, 1)) * chance.choice((3, 30, 4000, 90_000, 900_000))
        r.fault(at, "clock stepped", r.step_clock, slot, seconds)
        if chance.random() < 0.6:
            r.at(at + chance.uniform(0.3, 2), r.step_clock, slot, 0)


def limits_low(r, chance):
    """No more files, or no more memory, for a while."""
    for at in spread(chance, 8, 0.4, 1.5):
        kind = chance.choice(("files", "memory"))
        r.fault(at, f"no more {kind}", r.limit, chance.randrange(3), kind)
        r.at(at + chance.uniform(0.3, 2), r.unlimit)


# --- everything ---------------------------------------------------------------------------------------

def all_at_once(r, chance):
    r.flaky_feeds(chance, 10)
    for at in spread(chance, 25, 0.1, 0.6):
        which = chance.random()
        if which < 0.35:
            r.fault(at, "worker killed", r.kill, "worker", chance.randrange(3))
        elif which < 0.45:
            r.fault(at, "producer killed", r.kill, "producer", chance.randrange(2))
        elif which < 0.6:
            r.fault(at, "backend terminated", r.terminate_backends, chance.randrange(1 << 30))
        elif which < 0.8:
            r.many(at, "connection cut", r.cut, chance.choice(ALL), chance.randrange(1 << 30))
        elif which < 0.95:
            r.at(at, r.swallow, *chance.choice(SWALLOWED))
        else:
            r.fault(at, "rabbitmq kill", r.server_down, "rabbitmq", "kill", chance.uniform(0, 1))


def with_celery(r, chance):
    for at in spread(chance, 30, 0.1, 0.5):
        which = chance.random()
        if which < 0.5:
            r.fault(at, "worker killed", r.kill, "worker", chance.randrange(3))
        elif which < 0.75:
            r.fault(at, "backend terminated", r.terminate_backends, chance.randrange(1 << 30))
        else:
            r.many(at, "connection cut", r.cut, chance.choice(ALL), chance.randrange(1 << 30))


FAMILIES = {family.name: family for family in (
    Family("none", "no fault: the control", nothing),
    Family("worker-kill", "workers killed -9 at random", workers_killed, enough_rounds=1, enough_faults=1000),
    Family("failpoint", "workers and producers killed at each failpoint", killed_at_failpoints, enough_rounds=1,
           enough_faults=300),
    Family("token", "workers killed around a custodian's tokens", killed_at_token_points, custodian=True),
    Family("producer-kill", "producers killed -9 at random", producers_killed, producers=2),
    Family("freeze", "workers stopped (SIGSTOP) beyond their lease, then continued", workers_frozen),
    Family("producer-freeze", "producers stopped (SIGSTOP), then continued", producers_frozen, producers=2),
    Family("rolling", "rolling restarts (SIGTERM)", rolling_restarts, producers=2),
    Family("broker-kill", "RabbitMQ killed -9", server_family("rabbitmq", "kill", 4, 0.5, 2),
           loses_results=True, enough_rounds=1, enough_faults=100),
    Family("broker-stop", "RabbitMQ stopped and started", server_family("rabbitmq", "stop", 2, 1, 3),
           loses_results=True),
    Family("backend", "PostgreSQL backends terminated", backends_ended, enough_rounds=1, enough_faults=500),
    Family("backend-kill", "a PostgreSQL backend killed -9, all recover", backends_killed),
    Family("postgresql-kill", "PostgreSQL killed -9", server_family("postgresql", "kill", 3, 1, 3)),
    Family("kairosdb-kill", "KairosDB killed -9", server_family("kairosdb", "kill", 2, 2, 4), repairs=True),
    Family("server-pause", "a server stands still (SIGSTOP) for seconds", servers_paused),
    Family("cut", "connections cut", connections_cut, proxied=ALL, enough_rounds=1, enough_faults=1000),
    Family("half-open", "half-open connections: nothing arrives, nothing says so", turned(proxy.HOLE, "half-open"),
           proxied=ALL),
    Family("vanish", "machines of workers, and peers of connections, vanish without a word", machines_vanish,
           proxied=ALL, needs=may_vanish),
    Family("stall", "connections stall, then go on", turned(proxy.STALL, "stalled"), proxied=ALL),
    Family("slow", "connections of 0.2 to 20 kB/s", turned(proxy.SLOW, "slow"), proxied=ALL),
    Family("refuse", "a server refuses new connections", connections_refused, proxied=ALL),
    Family("swallow", "answers swallowed, also that of COMMIT", answers_swallowed, proxied=ALL),
    Family("alarm", "RabbitMQ's memory and disk alarms", alarms),
    Family("purge", "queues purged", queues_taken("purged"), loses_messages=True),
    Family("delete", "queues deleted", queues_taken("deleted", 4), loses_messages=True),
    Family("permission", "RabbitMQ's permissions withdrawn", permission_withdrawn, loses_results=True),
    Family("disk", "a server's disk full", disks_full, loses_results=True, repairs=True, small_disks=True, needs=can_mount),
    Family("clock", "clocks of programs stepped by seconds to days, ahead and back", clocks_stepped, clocks=True),
    Family("limits", "file-descriptor and memory limits of workers", limits_low),
    Family("celery", "Celery clients waiting for results; kills, backends, cuts", with_celery, proxied=ALL,
           clients=True),
    Family("mixed", "all of the first kinds at once", all_at_once, proxied=ALL, producers=2, loses_results=True),
)}
