"""One server process: started under its guard, awaited, stopped, killed, paused and resumed."""
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import time

GUARD = pathlib.Path(__file__).with_name("guard.py")
FIRST_PORT, LAST_PORT = 20000, 32000  # below the kernel's range for outgoing connections, so that a
# server which is down for a moment finds its port free when it comes back


class ServerError(Exception):
    """A server did not do what it was asked; the text ends with the tail of its log."""


def free_port(taken=set()):
    """A port of 127.0.0.1 that nobody listens on and that was not given out before."""
    for _ in range(1000):
        port = random.randint(FIRST_PORT, LAST_PORT)
        if port in taken:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        taken.add(port)
        return port
    raise ServerError(f"no free port between {FIRST_PORT} and {LAST_PORT}")


def wait_until(condition, limit, what, pause=0.05):
    """Returns the first true value of condition(); TimeoutError naming `what` after `limit` seconds."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"not within {limit} s: {what}")
        time.sleep(pause)


def descendants(pid):
    """Every process below `pid`, parents first."""
    found, todo = [], [pid]
    while todo:
        try:
            with open(f"/proc/{todo[0]}/task/{todo[0]}/children", encoding="ascii") as file:
                family = [int(word) for word in file.read().split()]
        except OSError:
            family = []
        del todo[0]
        found += family
        todo += family
    return found


def signal_quietly(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


class Server:
    """Base of the three servers. A subclass gives name, command(), ready() and perhaps prepare()."""

    name = "server"
    start_limit = 90
    stop_limit = 30
    stop_signal = signal.SIGTERM

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / self.name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "server.log"
        self.user = ""  # "" = whoever runs this
        self.guard = None
        self.pid = None
        self.prepared = False

    def prepare(self):
        """Makes the data folder; called once before the first start."""

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {}

    def ready(self):
        """True once the server really answers; exceptions of a refused connection mean not yet."""
        raise NotImplementedError

    def running(self):
        return self.guard is not None and self.guard.poll() is None

    def launch(self):
        """Starts the process without waiting for it to answer: see await_ready()."""
        if self.running():
            return
        if not self.prepared:
            self.prepare()
            self.prepared = True
        environment = {**os.environ, **self.environment()}
        self.guard = subprocess.Popen(
            [sys.executable, "-I", str(GUARD), str(self.log), self.user, *self.command()],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment, cwd=self.folder,
            start_new_session=True)
        line = self.guard.stdout.readline().strip()
        if not line:
            raise ServerError(f"{self.name}: its guard ended at once")
        self.pid = int(line)

    def await_ready(self):
        def ready_or_dead():
            if self.guard.poll() is not None:
                raise ServerError(f"{self.name} ended while starting (exit {self.guard.returncode})\n"
                                  + self.log_tail())
            try:
                return self.ready()
            except (OSError, EOFError, ValueError):
                return False

        try:
            wait_until(ready_or_dead, self.start_limit, f"{self.name} answers", pause=0.1)
        except TimeoutError as error:
            self.kill()
            raise ServerError(f"{error}\n{self.log_tail()}") from None

    def start(self):
        """Starts it, on the ports and the data it had before; returns once it answers."""
        self.launch()
        self.await_ready()

    def stop(self):
        """An orderly stop, or a hard one after stop_limit."""
        if not self.running():
            return
        self.resume()
        signal_quietly(self.pid, self.stop_signal)
        try:
            self.guard.wait(self.stop_limit)
        except subprocess.TimeoutExpired:
            self.kill()
        self._forget()

    def kill(self):
        """kill -9 of every process of the server at once: what a power cut leaves."""
        if self.guard is None:
            return
        for pid in descendants(self.guard.pid):
            signal_quietly(pid, signal.SIGKILL)
        try:
            self.guard.wait(10)
        except subprocess.TimeoutExpired:
            self.guard.terminate()
            self.guard.wait(10)
        self._forget()

    def _forget(self):
        self.guard.stdout.close()
        self.guard = self.pid = None

    def restart(self):
        self.stop()
        self.start()

    def pause(self):
        """SIGSTOP: connections stay open and nothing answers."""
        for pid in descendants(self.guard.pid):
            signal_quietly(pid, signal.SIGSTOP)

    def resume(self):
        for pid in descendants(self.guard.pid):
            signal_quietly(pid, signal.SIGCONT)

    def log_tail(self, lines=20):
        try:
            text = self.log.read_text(errors="replace")
        except OSError:
            return f"(no log {self.log})"
        return f"--- end of {self.log}:\n" + "\n".join(text.splitlines()[-lines:])
