"""`python3 packaging/servers COMMAND...`: starts the servers, runs COMMAND with their addresses in its environment, ends all."""
import os
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from servers import ServerError, Servers  # noqa: E402


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: python3 packaging/servers COMMAND [ARGUMENT...]\n"
                 "e.g.   python3 packaging/servers bash -c 'env | grep METERBEAT'")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with Servers() as servers:
            return subprocess.run(sys.argv[1:], env={**os.environ, **servers.environment()}).returncode
    except ServerError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
