"""Runs one server and sees to it that nothing of it outlives this process or the one that started it."""
# Used as a program: guard.py LOG USER COMMAND...; prints the server's pid, then waits for its end.
# It is a "subreaper": whatever the server's processes leave behind (epmd, database backends, a JVM's
# children) becomes a child of this one, and is killed with it. When the parent dies the kernel sends
# SIGTERM here.
import ctypes
import os
import pwd
import signal
import sys

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def prctl(option, value):
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def become(user):
    """Gives up root for `user`; the death signal is set afterwards, as the kernel clears it here."""
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def run_server(log, user, command):
    os.setsid()
    if user:
        become(user)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.execvp(command[0], command)


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def kill_all(pid):
    """Ends every descendant of `pid`; those whose parent died first come to the subreaper meanwhile."""
    while family := children(pid):
        for child in family:
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass
        while True:
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    break
            except ChildProcessError:
                break
        signal.sigtimedwait([signal.SIGCHLD], 0.01)


def main():
    parent = os.getppid()
    log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C reaches the manager, which stops in order
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGCHLD])
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the line above
        return 1
    server = os.fork()
    if server == 0:
        try:
            run_server(log, sys.argv[2], sys.argv[3:])
        finally:
            os._exit(127)
    print(server, flush=True)
    status = 1
    ended = False
    while not ended:
        if signal.sigwait([signal.SIGTERM, signal.SIGCHLD]) == signal.SIGTERM:
            break
        while True:  # one SIGCHLD may stand for many children
            try:
                pid, state = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if pid == server:
                status, ended = os.waitstatus_to_exitcode(state), True
    kill_all(os.getpid())
    return status & 0xFF


if __name__ == "__main__":
    sys.exit(main())
