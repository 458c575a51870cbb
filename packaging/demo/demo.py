"""./dev demo, up, down: the main job on private servers, and its sums beside those computed from the feeds."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent), str(HERE)]

from feeds import FeedServer  # noqa: E402
from greenbutton import demo_feeds, thirteen_months  # noqa: E402
from servers import ServerError, Servers, wait_until  # noqa: E402
from installation import Installation  # noqa: E402
from table import agree, compare, print_table  # noqa: E402

STATE = ROOT / ".dev/up.json"
LOG = ROOT / ".dev/up.log"
LIMIT = 900  # seconds for the whole backfill


def say(text):
    print(f"\033[1m==>\033[0m {text}", flush=True)


def run(stay):
    """The demo; with `stay` it goes on until it is ended. True when every sum agrees."""
    begin, end = thirteen_months(time.time())
    feeds = demo_feeds(begin, end)
    say("starting RabbitMQ, PostgreSQL and KairosDB, and a server for the feeds")
    with Servers() as servers, FeedServer(feeds) as feed_server:
        installation = Installation(servers, feed_server)
        say("meterbeatctl init-db, and a record for each feed")
        installation.set_up(begin)
        say("one producer on the seed's schedule (2 s and 5 s), two workers")
        installation.start_programs()
        installation.print_where_to_look()
        try:
            watch(installation, feeds)
            comparison = compare(feeds, installation.months())
            print_table(comparison)
            if stay:
                installation.print_where_to_look()
                STATE.write_text(json.dumps({"pid": os.getpid(), "ready": True,
                                             "agrees": agree(comparison)}))
                signal.pause()
            else:
                say("./dev up does the same and leaves it running, to look around in")
            return agree(comparison)
        finally:
            installation.stop_programs()


def watch(installation, feeds):
    """Shows progress until nothing is left to do, or LIMIT is over."""
    end = time.monotonic() + LIMIT
    shown = None
    while time.monotonic() < end:
        installation.check_programs()
        progress = installation.progress(feeds)
        if str(progress) != shown:
            shown = str(progress)
            print(f"    {shown}", flush=True)
        if progress.finished:
            return
        if progress.dead:
            say("nothing of this should be dead; meterbeatctl dead list:")
            print(installation.ctl("dead", "list"))
            return
        time.sleep(1)
    say(f"not finished within {LIMIT} s; what is there so far:")


def up():
    """Starts the demo in the background, shows its output until it has ended its work, leaves it running."""
    if running_pid():
        sys.exit("it is up already: ./dev down ends it")
    STATE.parent.mkdir(exist_ok=True)
    STATE.unlink(missing_ok=True)
    with open(LOG, "wb") as log:
        process = subprocess.Popen([sys.executable, __file__, "stay"], stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    STATE.write_text(json.dumps({"pid": process.pid, "ready": False}))
    with open(LOG, encoding="utf-8") as log:
        while process.poll() is None and not read_state().get("ready"):
            print(log.read(), end="", flush=True)
            time.sleep(0.2)
        print(log.read(), end="", flush=True)
    if process.poll() is not None:
        STATE.unlink(missing_ok=True)
        sys.exit(f"it ended: see {LOG}")
    say(f"left running; its output goes on in {LOG}; ./dev down ends it")
    return 0 if read_state()["agrees"] else 1


def down():
    pid = running_pid()
    if not pid:
        print("nothing is up")
        return 0
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not running_pid(), 90, "the demo ends")
    STATE.unlink(missing_ok=True)
    say("ended")
    return 0


def read_state():
    try:
        return json.loads(STATE.read_text())
    except (OSError, ValueError):
        return {}


def running_pid():
    """The pid of the demo that `up` left, if it is still that process."""
    pid = read_state().get("pid")
    try:
        command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        zombie = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return None
    return pid if b"demo.py\0stay" in command and not zombie else None


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    command = sys.argv[1] if len(sys.argv) == 2 else ""
    try:
        if command == "demo":
            return 0 if run(stay=False) else 1
        if command == "stay":
            return 0 if run(stay=True) else 1
        if command == "up":
            return up()
        if command == "down":
            return down()
        sys.exit("usage: demo.py demo|up|down")
    except (ServerError, TimeoutError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    sys.exit(main())
