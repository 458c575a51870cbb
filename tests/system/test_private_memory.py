"""What the programs keep to themselves: no dump, no secret left where another process finds it."""
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import tempfile

import pytest
from servers import wait_until

CANARY = "canary-7c1f"


def running(meterbeat, program, *arguments):
    """The program with secrets in its environment and dumps allowed, as its own child."""
    environment = {**meterbeat.environment, "METERBEAT_KAIROSDB_PASSWORD": CANARY, "METERBEAT_CREDENTIALS_KEY": CANARY}
    return subprocess.Popen(
        [meterbeat.path(program), "--config", str(meterbeat.configuration), *arguments], env=environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=meterbeat.folder,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2))


def environment_of(pid):
    with open(f"/proc/{pid}/environ", "rb") as file:
        return file.read()


@pytest.mark.parametrize("program", ["meterbeat-worker", "meterbeat-producer"])
def test_a_running_program_leaves_no_core_and_no_secret_in_its_environment(meterbeat, program):
    meterbeat.ctl("init-db")
    started = running(meterbeat, program)
    try:
        line = wait_until(lambda: started.stderr.readline(), 30, "its first line of log")
        assert b"event=started" in line, line
        for secret in (CANARY, meterbeat.environment["METERBEAT_DATABASE_PASSWORD"]):
            assert secret.encode() not in environment_of(started.pid)
        assert b"METERBEAT_" in environment_of(started.pid) or b"PATH=" in environment_of(started.pid)
        with open(f"/proc/{started.pid}/limits") as limits:
            (core,) = [line.split()[4:6] for line in limits if line.startswith("Max core file size")]
        assert core == ["0", "0"]
    finally:
        started.send_signal(signal.SIGABRT)
        _, status = os.waitpid(started.pid, 0)
    assert os.WIFSIGNALED(status) and not os.WCOREDUMP(status)
    assert not list(meterbeat.folder.glob("core*"))


def test_the_workers_of_a_supervisor_have_no_secret_in_their_environments_either(meterbeat):
    meterbeat.ctl("init-db")
    started = running(meterbeat, "meterbeat-worker", "--processes", "2")
    try:
        def children():
            with open(f"/proc/{started.pid}/task/{started.pid}/children") as file:
                return file.read().split()
        for pid in wait_until(lambda: len(children()) == 2 and children(), 30, "two workers"):
            assert CANARY.encode() not in environment_of(pid)
    finally:
        started.terminate()
        started.communicate(timeout=60)


@pytest.fixture
def open_folder():
    """One that any user may look into; pytest keeps its own from all but the one who runs it."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o711)
        yield folder


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to be another user")
def test_another_process_of_the_same_user_cannot_read_its_memory(meterbeat, open_folder):
    """Only what the kernel calls dumpable may be traced or read by its own user."""
    def as_nobody():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)

    program = open_folder / "meterbeatctl"
    shutil.copy(meterbeat.path("meterbeatctl"), program)
    program.chmod(0o755)
    started = subprocess.Popen([program, "inspect", "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, preexec_fn=as_nobody)
    try:
        wait_until(lambda: os.stat(f"/proc/{started.pid}/mem").st_uid == 0, 30, "its memory to be root's")
        read = subprocess.run(["cat", f"/proc/{started.pid}/maps"], preexec_fn=as_nobody, capture_output=True)
        assert read.returncode != 0 and b"denied" in read.stderr
    finally:
        started.communicate(timeout=30)
