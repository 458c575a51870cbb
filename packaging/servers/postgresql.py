"""A private PostgreSQL cluster, made by initdb and run by an unprivileged user."""
import os
import pathlib
import pwd
import secrets
import shutil
import signal
import socket
import struct
import subprocess

from .process import Server, ServerError, free_port

USER = "meterbeat"


def binaries():
    """The newest PostgreSQL that Debian installed."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"),
                   key=lambda path: float(path.parent.parent.name))
    if not found:
        raise ServerError("PostgreSQL is not installed: packaging/steps/apt.sh servers")
    return found[-1].parent


def unprivileged_user():
    """PostgreSQL refuses root: then it runs as the package's user, or as nobody."""
    if os.getuid() != 0:
        return ""
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
            return name
        except KeyError:
            pass
    raise ServerError("no user to run PostgreSQL as: neither postgres nor nobody exists")


class PostgreSQL(Server):
    name = "postgresql"
    stop_signal = signal.SIGINT  # "fast": open sessions are ended, then an orderly shutdown

    def __init__(self, folder):
        super().__init__(folder)
        self.port = free_port()
        self.user = unprivileged_user()
        self.data = self.folder / "data"
        self.password = secrets.token_hex(12)

    def url(self, database="postgres"):
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def prepare(self):
        password_file = self.folder / "password"
        password_file.write_text(self.password)
        password_file.chmod(0o600)
        if self.user:
            for path in (self.folder, password_file):
                shutil.chown(path, self.user)
            self.folder.parent.chmod(0o711)  # the temporary folder: that user has to pass through
        done = subprocess.run(
            [binaries() / "initdb", "-D", self.data, "-U", USER, "-A", "scram-sha-256",
             f"--pwfile={password_file}", "-E", "UTF8", "--locale=C.UTF-8"],
            user=self.user or None, group=self._group(), extra_groups=[] if self.user else None,
            cwd=self.folder, env={**os.environ, "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise ServerError("initdb failed:\n" + done.stdout)

    def _group(self):
        return pwd.getpwnam(self.user).pw_gid if self.user else None

    def command(self):
        options = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "",
                   "max_connections": 200, "shared_buffers": "64MB", "timezone": "UTC",
                   "dynamic_shared_memory_type": "mmap",  # in its folder, which is removed; a killed server leaves others
                   "log_timezone": "UTC", "log_line_prefix": "%m [%p] %d "}
        return [str(binaries() / "postgres"), "-D", str(self.data),
                *[word for key, value in options.items() for word in ("-c", f"{key}={value}")]]

    def ready(self):
        """True once it asks for a password: until then it answers "the database is starting up"."""
        words = b"user\0" + USER.encode() + b"\0database\0postgres\0\0"
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(struct.pack("!ii", 8 + len(words), 3 << 16) + words)
            return connection.recv(1) == b"R"

    def sql(self, text, database="postgres"):
        """Runs SQL by psql; returns its rows as lists of strings."""
        done = subprocess.run(
            [binaries() / "psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1",
             "-d", self.url(database), "-c", text], cwd="/",
            env={**os.environ, "PGPASSWORD": self.password}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        if done.returncode != 0:
            raise ServerError(f"psql: {done.stderr.strip()}")
        return [line.split("\t") for line in done.stdout.splitlines()]

    def create_database(self, name):
        """A fresh, empty database; returns its URL (without the password)."""
        self.sql(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def drop_database(self, name):
        self.sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
