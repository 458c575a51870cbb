"""What meterbeat encodes, real Celery runs: every captured message decoded and encoded again, on Celery's own worker."""
import base64
import json
import pathlib
import subprocess
import time

import celery
import pytest
from celery.contrib.testing.worker import start_worker
from kombu.utils.json import dumps

CAPTURED = sorted((pathlib.Path(__file__).parents[1] / "data/messages").glob("celery-*.json"))
NOW_MS = 1795453755804  # what the captured messages call now

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def captured():
    return [case for path in CAPTURED for case in json.loads(path.read_text(encoding="utf-8"))]


def encode_again(build, cases):
    """Each message once as JSON and once as msgpack, as meterbeat sends it."""
    made = subprocess.run([build / "tests/message_again", str(NOW_MS)], input=json.dumps(cases).encode(),
                          capture_output=True, check=True, timeout=60).stdout
    return json.loads(made)


@pytest.fixture(scope="module")
def again(build, captured):
    return encode_again(build, captured)


@pytest.fixture(scope="module")
def worker_app():
    """A real worker of a real application; only the broker is in memory."""
    app = celery.Celery("judge", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.update(accept_content=["json", "msgpack"], task_default_queue="judge", worker_hijack_root_logger=False)
    app.seen = {}

    @app.task(name="parse", bind=True)
    def parse(self, *args, **kwargs):
        app.seen[self.request.correlation_id] = (list(args), kwargs, self.request)

    with start_worker(app, pool="solo", perform_ping_check=False, loglevel="CRITICAL"):
        yield app


def publish(app, envelope, number):
    """Under an id of its own, due at once, without steps of a chain: only what the worker reads is looked at."""
    headers = dict(envelope["headers"], id=f"id-{number}", eta=None, expires=None)
    with app.connection_for_write() as connection:
        connection.Producer().publish(
            base64.b64decode(envelope["body"]), routing_key="judge", content_type=envelope["content_type"],
            content_encoding=envelope["content_encoding"], headers=headers, correlation_id=f"id-{number}",
            reply_to="", priority=envelope["priority"])


def wait_for(seen, ids):
    deadline = time.monotonic() + 60
    while not ids <= seen.keys() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert ids <= seen.keys(), f"not run: {sorted(ids - seen.keys())}"


def as_json(value):
    """Python's values in the form that JSON carries them in; bytes always as base64."""
    def bytes_as_base64(v):
        if isinstance(v, bytes):
            return {"__type__": "base64", "__value__": base64.b64encode(v).decode()}
        if isinstance(v, dict):
            if v.get("__type__") == "bytes":
                return bytes_as_base64(v["__value__"].encode())
            return {key: bytes_as_base64(item) for key, item in v.items()}
        return [bytes_as_base64(item) for item in v] if isinstance(v, (list, tuple)) else v
    return bytes_as_base64(json.loads(dumps(bytes_as_base64(value))))


def test_every_captured_message_is_encoded_again(captured, again):
    assert [made for made in again if "error" in made] == []
    assert len(again) == 2 * len(captured) > 100


def test_a_celery_worker_runs_what_meterbeat_encodes(worker_app, captured, again):
    for number, made in enumerate(again):
        publish(worker_app, made["envelope"], number)
    wait_for(worker_app.seen, {f"id-{number}" for number in range(len(again))})
    for number, made in enumerate(again):
        expect = captured[number // 2]["expect"]
        args, kwargs, request = worker_app.seen[f"id-{number}"]
        where = f"{made['name']} as {made['serializer']}"
        assert as_json(args) == as_json(expect["args"]), where
        assert as_json(kwargs) == as_json(expect["kwargs"]), where
        assert request.retries == expect["retries"], where
        assert request.root_id == (expect["root_id"] or expect["id"]), where
        assert request.parent_id == expect["parent_id"], where
        assert request.group == expect["group_id"], where
        assert bool(request.ignore_result) == expect["ignore_result"], where
        hard, soft = request.timelimit or (None, None)
        assert ((hard or 0) * 1000, (soft or 0) * 1000) == (expect["hard_limit_ms"], expect["soft_limit_ms"]), where


def test_times_and_properties_read_as_celerys(captured, again):
    from celery.utils.time import maybe_iso8601
    for number, made in enumerate(again):
        envelope, expect = made["envelope"], captured[number // 2]["expect"]
        for name in "eta", "expires":
            text, ms = envelope["headers"][name], expect[f"{name}_ms"]
            assert (round(maybe_iso8601(text).timestamp() * 1000) if text else 0) == ms, made["name"]
        assert envelope["correlation_id"] == expect["id"] == envelope["headers"]["id"]
        left = max(0, expect["expires_ms"] - NOW_MS)
        fits = expect["expires_ms"] and left < 2**32
        assert envelope["expiration"] == (str(left) if fits else None), made["name"]


def test_the_headers_are_those_of_a_celery_client_in_its_order(captured, again):
    number = max(number for number, case in enumerate(captured) if case["name"] == "plain")  # of the newest Celery
    client, ours = captured[number]["envelope"], again[2 * number]["envelope"]
    assert list(ours["headers"]) == list(client["headers"])
    changed = {name for name in client["headers"] if ours["headers"][name] != client["headers"][name]}
    assert changed == {"lang"}
    assert ours["body"] == client["body"]
    assert {key: ours[key] for key in ours if key != "headers"} == {key: client[key] for key in ours if key != "headers"}


def test_reprs_are_those_of_python(build, captured):
    """Of JSON's own values, cut at 1024 bytes; Celery's saferepr escapes quotes in its own way, repr() is the measure."""
    bare = [{"name": case["name"], "envelope": {**case["envelope"], "headers": {
        key: value for key, value in case["envelope"]["headers"].items() if not key.endswith("repr")}}}
        for case in captured]
    for made, case in zip(encode_again(build, bare)[::2], captured):
        for name in "args", "kwargs":
            whole, shown = repr(case["expect"][name]), made["envelope"]["headers"][f"{name}repr"]
            if len(whole.encode()) <= 1024:
                assert shown == whole
            else:
                assert shown == whole[:1021] + "..."
