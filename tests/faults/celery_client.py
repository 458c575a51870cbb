"""A Celery client under fault: sends tasks for some seconds, waits for each result, prints what came as JSON."""
import json
import random
import sys
import time

from celery import Celery
from celery.exceptions import TimeoutError as ResultTimeout


def main(url, seed, seconds):
    app = Celery("client", broker=url, backend="rpc://")
    chance, sent = random.Random(seed), []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = chance.randrange(1 << 30)
        sent.append((value, app.send_task("meterbeat.echo", (value,), queue="meterbeat")))
        time.sleep(0.1)
    counts = {"sent": len(sent), "right": 0, "wrong": 0, "missing": 0, "contradicted": 0}
    end = time.monotonic() + 60
    for value, result in sent:
        try:
            answer = result.get(timeout=max(0.5, end - time.monotonic()))
        except ResultTimeout:
            counts["missing"] += 1
            continue
        except Exception:  # the task has failed
            counts["wrong"] += 1
            continue
        counts["right" if answer == {"args": [value], "kwargs": {}} else "wrong"] += 1
    print(json.dumps(counts))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
