"""./dev bench [NAME [ARGUMENT…]]: every benchmark, or one with arguments of its own; each prints itself beside its peer."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
# name: what it measures, and how it is started (KairosDB's address is in the environment: packaging/servers)
BENCHMARKS = {
    "xml": ("reading a feed beside the XML parsers with empty handlers", ["sh", "bench/xml/run"]),
    "tasks": ("tasks per second and memory beside a bare librabbitmq loop and Celery",
              [sys.executable, "bench/tasks/run.py"]),
    "kairosdb": ("readings into KairosDB beside the same bodies sent by curl",
                 ["sh", "bench/kairosdb/run"]),
    "feed": ("a worker that parses feeds of 4 to 400 MB into the databases: time and memory",
             [sys.executable, "bench/feed/run.py"]),
    "producer": ("lag and processor time of 10,000 entries beside Celery beat",
                 [sys.executable, "bench/producer/bench.py"]),
}


def main(arguments):
    if arguments and arguments[0] not in BENCHMARKS:
        sys.exit("usage: ./dev bench [NAME [ARGUMENT...]]\n\n" + "\n".join(
            f"  {name:10} {what}" for name, (what, _) in BENCHMARKS.items()))
    failed = []
    for name in arguments[:1] or BENCHMARKS:
        what, command = BENCHMARKS[name]
        print(f"\n=== {name}: {what}", flush=True)
        if subprocess.run(command + arguments[1:], cwd=ROOT).returncode != 0:
            failed.append(name)
    if failed:
        sys.exit("failed: " + ", ".join(failed))


if __name__ == "__main__":
    main(sys.argv[1:])
