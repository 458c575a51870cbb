"""The peer: a Celery application with the one task that does nothing."""
import os

import celery

results = os.environ.get("BENCH_RESULTS") == "1"
app = celery.Celery("bench", broker=os.environ["BENCH_BROKER"], backend="rpc://" if results else None)
app.conf.update(task_default_queue="meterbeat", task_ignore_result=not results, task_acks_late=True,
                worker_prefetch_multiplier=int(os.environ.get("BENCH_PREFETCH", "100")),
                worker_send_task_events=False, broker_connection_retry_on_startup=True)


@app.task(name="meterbeat.ping")
def ping():
    return "pong"
