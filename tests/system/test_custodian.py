"""Connect My Data, by the real worker from a fake custodian: tokens, certificates, waiting, pages, limits, hostility."""
import datetime
import json
import pathlib
import random
import re
import subprocess
import tempfile
from zoneinfo import ZoneInfo

import feeds
import pytest
from custodian import BASE, CANARY, Authority, Custodian, batch_list
from metering import END, Metering, days, house
from servers import wait_until

KEY = "5a" * 32


@pytest.fixture(scope="module")
def authority():
    with tempfile.TemporaryDirectory(prefix="meterbeat-") as folder:
        yield Authority(pathlib.Path(folder))


@pytest.fixture
def custodian():
    """Over plain HTTP; those with certificates make their own."""
    with Custodian() as made:
        yield made


class Asking(Metering):
    """Metering whose records ask a custodian."""

    def __init__(self, meterbeat, rows):
        super().__init__(meterbeat, rows, None)
        meterbeat.configure(feed={"allow_addresses": "127.0.0.0/8"})
        meterbeat.environment["METERBEAT_CREDENTIALS_KEY"] = KEY

    def ctl_in(self, text, *arguments, status=0):
        """meterbeatctl with something on its standard input."""
        command = [self.meterbeat.path("meterbeatctl"), "--config", str(self.meterbeat.configuration),
                   *map(str, arguments)]
        done = subprocess.run(command, env=self.meterbeat.environment, input=text, capture_output=True,
                              text=True, timeout=60)
        self.meterbeat.texts.append((str(command), done.stdout + done.stderr))
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def at(self, custodian, name="hydro", **columns):
        """The custodian in the books."""
        self.meterbeat.ctl("custodian", "add", name, custodian.base)
        self.meterbeat.ctl("custodian", "set", name, "token_url", custodian.token_url)
        self.meterbeat.ctl("custodian", "set", name, "client_id", custodian.client[0])
        self.ctl_in(custodian.client[1] + "\n", "custodian", "set", name, "client_secret")
        self.rows("UPDATE meterbeat.custodian SET poll_s = 1, poll_max_s = 2, requests_per_minute = 10000,"
                  " requests_at_once = 100")
        for column, value in columns.items():
            self.meterbeat.ctl("custodian", "set", name, column, value)

    def subscribe(self, custodian, feed, *options, tokens=None, name="hydro", building=42):
        """A record of this feed, authorized; its id."""
        self.rows("INSERT INTO seed_canonicalbuilding (id, active) VALUES (%s, true)"
                  " ON CONFLICT DO NOTHING", (building,))
        custodian.feeds[feed.sub_id] = feed
        options = options or ("--subscription", feed.sub_id)
        record = int(self.meterbeat.ctl("record", "add", "--custodian", name, "--building", building, *options))
        if "--grant" not in options:
            self.ctl_in(json.dumps(tokens or custodian.consent(feed.sub_id)), "record", "authorize", record)
        self.starts(record, 2)
        return record

    def starts(self, record, days_ago):
        """The record's first missing day is so many local days before today."""
        first = datetime.datetime.fromtimestamp(END, ZoneInfo("America/New_York")).date()
        first -= datetime.timedelta(days=days_ago)
        self.change(record, last_date=first.strftime("%m/%d/%Y"))

    def summed(self, feed):
        """All that was read, aggregated and held against the feed."""
        self.do("aggregate", 42)
        return self.assert_months_are_those_of(feed, feed.series[0])

    def no_secret_in_sight(self):
        """Neither log nor output nor table shows a token, a key or a client secret."""
        for name, text in self.meterbeat.texts + [(p.log, p.text()) for p in self.meterbeat.programs]:
            assert CANARY not in text, name
        for table, in self.rows("SELECT table_name::text FROM information_schema.tables"
                                " WHERE table_schema = 'meterbeat'"):
            for row in self.rows(f'SELECT t::text FROM meterbeat."{table}" t'):
                assert CANARY not in row[0] and "PRIVATE KEY" not in row[0], table


@pytest.fixture
def asking(meterbeat, rows):
    made = Asking(meterbeat, rows)
    yield made
    made.no_secret_in_sight()


# --- reading ----------------------------------------------------------------------------------------

def test_a_subscription_is_read_with_its_token_in_windows_of_whole_seconds_utc(asking, custodian):
    feed = house("7", *days(70))
    custodian.compresses = True
    asking.at(custodian)
    record = asking.subscribe(custodian, feed)
    asking.starts(record, 70)
    asking.start()
    asking.do("parse", record)
    assert asking.summed(feed) >= 1
    assert all(re.fullmatch(rf"{BASE}/Batch/Subscription/7\?published-min=\d{{4}}-\d\d-\d\dT\d\d:00:00Z"
                            r"&published-max=\d{4}-\d\d-\d\dT\d\d:00:00Z", request.target)
               for request in custodian.requests), custodian.requests
    assert len(custodian.requests) == 3 and custodian.posts == []
    assert all("gzip" in request.headers["Accept-Encoding"] for request in custodian.requests)


def test_a_custodians_quirks_are_columns_of_its_row(asking, custodian):
    feed = house("7", *days(10))
    asking.at(custodian, min_parameter="publishedMin", max_parameter="publishedMax", time_format="epoch",
              max_window_days=2, ceiling_s=3 * 86400)
    record = asking.subscribe(custodian, feed)
    asking.starts(record, 9)
    asking.start()
    asking.do("parse", record)
    spans = [tuple(map(int, re.search(r"publishedMin=(\d+)&publishedMax=(\d+)", request.target).groups()))
             for request in custodian.requests]
    assert len(spans) >= 3 and all(0 < end - begin <= 2 * 86400 + 3600 for begin, end in spans)
    assert max(end for _, end in spans) <= END - 2 * 86400


def local_days(request):
    """First and last local day that a request asks for."""
    first, end = (datetime.datetime.fromisoformat(re.search(rf"published-{word}=([^&]*)", request.target)[1])
                  .astimezone(ZoneInfo("America/New_York")) for word in ("min", "max"))
    return first.date().isoformat(), (end - datetime.timedelta(seconds=1)).date().isoformat()


def test_record_show_and_status_tell_the_window_that_the_worker_asks_a_custodian_for(asking, custodian, meterbeat):
    feed = house("7", *days(10))
    asking.at(custodian, max_window_days=2, ceiling_s=3 * 86400)
    record = asking.subscribe(custodian, feed)
    asking.starts(record, 9)
    told = meterbeat.ctl_json("record", "show", record, "--json")["next"]
    shown = meterbeat.ctl("record", "show", record)
    assert f"{BASE}/Batch/Subscription/***?published-min=***&published-max=***" in shown
    asking.start()
    assert meterbeat.ctl_json("status", "--json")["records"]["behind"] == 1
    asking.do("parse", record)
    assert told == "{} to {}, then more".format(*local_days(custodian.requests[0]))
    assert meterbeat.ctl_json("record", "show", record, "--json")["next"] == "all there up to yesterday"
    assert meterbeat.ctl_json("status", "--json")["records"]["behind"] == 0


def test_record_show_tells_a_window_that_its_custodian_has_accepted_and_not_answered(asking, custodian, meterbeat):
    custodian.pending["7"] = 1000
    asking.at(custodian, poll_s=3600, poll_max_s=3600)
    record = asking.subscribe(custodian, house("7", *days(3)))
    asking.start()
    asking.send("parse", record)
    wait_until(lambda: asking.rows("SELECT count(*) FROM meterbeat.pending") == [(1,)], 60, "a 202")
    first, last = local_days(custodian.requests[0])
    assert meterbeat.ctl_json("record", "show", record, "--json")["next"] == \
        f"{first} to {last}, requested and not answered yet"


def test_a_window_asked_for_by_name_is_asked_for_in_spans_that_the_custodian_answers(asking, custodian):
    feed = house("7", *days(20))
    asking.at(custodian, max_window_days=6)
    record = asking.subscribe(custodian, feed)
    asking.start()
    assert asking.do("parse", record, **{"from": feed.begin, "to": feed.end})[3].startswith("4 parses enqueued")
    assert len(custodian.requests) == 4 and asking.rows("SELECT sum(readings) FROM meterbeat.day") == [
        (sum(1 for _ in feed.readings(feed.series[0])),)]
    begins, ends = (sorted(re.search(rf"published-{word}=([^&]*)", request.target)[1] for request in custodian.requests)
                    for word in ("min", "max"))
    assert begins[1:] == ends[:-1]


def test_a_token_of_our_own_reads_a_bulk_and_serves_all_its_records(asking, custodian):
    feed, other = house("bulk1", *days(5)), house("bulk2", *days(5))
    asking.at(custodian, scope="FB=34_35", client_auth="body")
    for each in (feed, other):
        record = asking.subscribe(custodian, each, "--bulk", each.sub_id, "--grant", "client_credentials")
        asking.starts(record, 5)
    asking.start()
    for (record,) in asking.rows("SELECT record_id FROM meterbeat.subscription ORDER BY 1"):
        asking.do("parse", record)
    assert {request.target.split("?")[0] for request in custodian.requests} == {
        f"{BASE}/Batch/Bulk/bulk1", f"{BASE}/Batch/Bulk/bulk2"}
    assert custodian.posts == [{"grant_type": "client_credentials", "scope": "FB=34_35",
                                "client_id": "client-1", "client_secret": f"{CANARY}-client-secret"}]


def test_a_record_in_the_seeds_style_gets_token_and_limits_at_its_custodians_host_only(asking, custodian):
    feed = house("7", *days(3))
    asking.at(custodian, style="seed")
    record = asking.subscribe(custodian, feed, "--subscription", "7", "--url", custodian.url, "--sub-id", "7",
                              "--min-parameter", "min", "--max-parameter", "max")
    asking.start()
    asking.do("parse", record)
    assert re.fullmatch(rf"{BASE}/Batch/Subscription/7\?min=\d\d%2F\d\d%2F\d{{4}}&max=.*",
                        custodian.requests[0].target)
    assert custodian.requests[0].token.startswith(CANARY)
    asking.change(record, url="http://127.0.0.2:9")
    asking.starts(record, 2)
    assert asking.run(asking.send("parse", record))[:2] == ("dead", "feed_foreign_url")


def test_pages_are_followed_and_make_one_feed(asking, custodian):
    feed = house("7", *days(20))
    custodian.page_entries = 5
    asking.at(custodian)
    record = asking.subscribe(custodian, feed)
    asking.starts(record, 19)
    asking.start()
    asking.do("parse", record)
    asking.do("aggregate", 42)
    assert len(custodian.gets("start-index")) >= 4
    assert asking.rows("SELECT sum(readings) FROM meterbeat.day")[0][0] == 19 * 96


def test_a_reading_type_of_an_earlier_answer_serves_blocks_that_only_name_it(asking, custodian):
    feed = house("7", *days(20))
    asking.at(custodian)
    whole = asking.subscribe(custodian, feed)
    asking.starts(whole, 2)
    asking.start()
    asking.do("parse", whole)
    tokens = custodian.consent("7")
    blocks = asking.subscribe(custodian, feed, "--path",
                              "Subscription/7/UsagePoint/E-7/MeterReading/1/IntervalBlock", tokens=tokens)
    assert asking.rows("SELECT kind FROM meterbeat.resource ORDER BY 1") == [
        ("LocalTimeParameters",), ("MeterReading",), ("ReadingType",), ("UsagePoint",)]
    asking.change(blocks, sub_id="7")
    asking.starts(blocks, 19)
    run = asking.do("parse", blocks)
    assert "not stored" not in run[3], run
    assert asking.rows("SELECT count(*), count(DISTINCT series_id), sum(readings) FROM meterbeat.day") == [
        (19, 1, 19 * 96)]


def test_what_no_earlier_answer_named_is_said_and_not_stored(asking, custodian):
    asking.at(custodian)
    record = asking.subscribe(custodian, house("7", *days(5)), "--path",
                              "Subscription/7/UsagePoint/E-7/MeterReading/1/IntervalBlock")
    asking.starts(record, 5)
    asking.start()
    assert "no_meter_reading" in asking.do("parse", record)[3]
    assert asking.rows("SELECT count(*) FROM meterbeat.day") == [(0,)]


def test_an_unchanged_answer_is_a_304_and_one_set_back_by_hand_is_whole(asking, custodian):
    feed = house("7", *days(3))
    custodian.has_etags = True
    asking.at(custodian, min_parameter="", max_parameter="")
    record = asking.subscribe(custodian, feed, "--subscription", "7")
    asking.start()
    asking.do("parse", record)
    asking.rows("UPDATE meterbeat.validator SET last_date = '01/01/2020'")
    asking.change(record, last_date="01/01/2020")
    assert asking.do("parse", record)[3] == "unchanged (HTTP 304)"
    assert custodian.requests[-1].headers["If-None-Match"].startswith('"')
    asking.change(record, last_date="01/02/2020")
    assert "readings of 1 series" in asking.do("parse", record)[3]
    assert "If-None-Match" not in custodian.requests[-1].headers


def test_an_etag_that_is_no_ascii_is_as_good_as_none(asking, custodian):
    feed = house("7", *days(3))
    asking.at(custodian)
    record = asking.subscribe(custodian, feed)
    custodian.faults["7"] = [lambda handler, _: feeds.answer(handler, feed.document(*days(3), BASE), ETag='"caf\xe9"')]
    asking.start()
    asking.do("parse", record)
    assert asking.rows("SELECT count(*) FROM meterbeat.validator") == [(0,)]


@pytest.mark.parametrize("status, table", [(200, "validator"), (202, "pending")])
def test_headers_that_repeat_the_token_are_not_kept(asking, custodian, status, table):
    feed = house("7", *days(3))
    tokens = []

    def repeat(handler, _body):
        tokens.append(handler.headers["Authorization"].removeprefix("Bearer "))
        feeds.answer(handler, feed.document(*days(3), BASE) if status == 200 else b"", status, ETag=f'"{tokens[0]}"',
                     Location=f"{BASE}/Batch/Subscription/7?access_token={tokens[0]}")

    asking.at(custodian, poll_s=600)
    record = asking.subscribe(custodian, feed)
    custodian.faults["7"] = [repeat]
    asking.start()
    asking.send("parse", record)
    wait_until(lambda: asking.rows("SELECT count(*) FROM meterbeat.run WHERE state = 'done'") == [(1,)]
               or asking.rows("SELECT count(*) FROM meterbeat.pending") == [(1,)], 30, "an answer")
    kept = asking.rows(f"SELECT row_to_json(t)::text FROM meterbeat.{table} t")
    assert len(tokens) == 1 and len(kept) == (status == 202)
    assert tokens[0] not in str(kept)


def test_an_href_that_is_too_long_to_be_kept_keeps_no_reading_back(asking, custodian):
    feed = house("7", *days(3))
    words = "".join(map(chr, random.Random(5).choices(range(97, 123), k=3900))).encode()
    body = feed.document(*days(3), BASE).replace(b"/ReadingType/", b"/" + words + b"/ReadingType/")
    asking.at(custodian)
    record = asking.subscribe(custodian, feed)
    custodian.faults["7"] = [feeds.replaced(body)]
    asking.start()
    assert "readings of 1 series" in asking.do("parse", record)[3]
    assert asking.rows("SELECT count(*) FROM meterbeat.resource WHERE kind = 'ReadingType'") == [(0,)]


# --- tokens -----------------------------------------------------------------------------------------

def test_a_refused_token_is_renewed_once_and_the_new_pair_is_kept(asking, custodian):
    asking.at(custodian)
    record = asking.subscribe(custodian, house("7", *days(3)))
    custodian.expire()
    asking.start()
    asking.do("parse", record)
    assert len(custodian.posts) == 1
    custodian.expire()
    custodian.requests.clear()
    asking.starts(record, 2)
    asking.do("parse", record)
    assert len(custodian.posts) == 2 and custodian.posts[0]["refresh_token"] != custodian.posts[1]["refresh_token"]


def test_a_token_that_ends_soon_is_renewed_before_it_is_used(asking, custodian):
    asking.at(custodian)
    custodian.lifetime = 20
    record = asking.subscribe(custodian, house("7", *days(3)))
    custodian.lifetime = 3600
    asking.start()
    asking.do("parse", record)
    assert len(custodian.posts) == 1 and all(request.token.endswith("-2") for request in custodian.requests)


def test_a_custodian_whose_tokens_never_live_long_is_asked_with_each_of_them_at_once(asking, custodian):
    asking.at(custodian)
    custodian.lifetime = 20
    record = asking.subscribe(custodian, house("7", *days(3)))
    asking.start()
    asking.do("parse", record)
    assert len(custodian.posts) == 1 and custodian.requests[-1].token.endswith("-2")
    assert asking.rows("SELECT sum(failed) FROM meterbeat.run WHERE task = 'parse'") == [(0,)]


def test_many_workers_refresh_a_one_time_token_once(asking, custodian, meterbeat):
    asking.at(custodian)
    tokens = None
    records = []
    for number in range(6):
        feed = house(f"7{number}", *days(3))
        records.append(asking.subscribe(custodian, feed, tokens=tokens or custodian.consent("7")))
    first = asking.rows("SELECT min(authorization_id) FROM meterbeat.subscription")[0][0]
    asking.rows("UPDATE meterbeat.subscription SET authorization_id = %s", (first,))
    with custodian.lock:
        custodian.access.clear()
        custodian.refresh = {token: None for token in custodian.refresh}
    asking.start()
    for _ in range(2):
        meterbeat.worker()
    for task in [asking.send("parse", record) for record in records]:
        assert asking.run(task)[0] == "done"
    asking.idle()
    assert len(custodian.posts) == 1


def test_a_withdrawn_consent_is_dead_once_and_then_waits_for_a_person(asking, custodian, meterbeat):
    asking.at(custodian)
    record = asking.subscribe(custodian, house("7", *days(3)))
    custodian.expire()
    custodian.refresh.clear()
    asking.start()
    run = asking.run(asking.send("parse", record))
    assert run[:2] == ("dead", "authorization_refused") and f"record authorize {record}" in run[2]
    asking.do("parse")  # for every record: none is promised
    assert len(custodian.posts) == 1
    assert "refused since" in meterbeat.ctl("record", "show", record)
    assert "1 to be authorized again" in meterbeat.ctl("status")
    asking.ctl_in(json.dumps(custodian.consent("7")), "record", "authorize", record)
    asking.do("parse")
    assert asking.rows("SELECT count(*) > 0 FROM meterbeat.day") == [(True,)]


@pytest.mark.parametrize("is_by_hand", [False, True])
def test_a_refusal_of_a_token_that_was_replaced_meanwhile_is_nobodys(asking, custodian, is_by_hand):
    asking.at(custodian)
    record = asking.subscribe(custodian, house("7", *days(3)))
    custodian.expire()

    def late(handler, _body):
        if is_by_hand:
            asking.ctl_in(json.dumps(custodian.consent("7")), "record", "authorize", record)
        else:  # by another worker, whose token is good
            asking.rows("UPDATE meterbeat.authorization SET generation = generation + 1")
            custodian.access[f"{CANARY}-access-1"] = "7"
        feeds.answer(handler, b'{"error": "invalid_grant"}', 400, "application/json")

    custodian.token_faults = [late]
    asking.start()
    asking.do("parse", record)
    assert asking.rows("SELECT refused_at FROM meterbeat.authorization") == [(None,)]


@pytest.mark.parametrize("point, is_strict, is_kept", [
    ("before_token_request", True, True),  # nothing was sent
    ("after_token_answer", False, True),  # the custodian keeps the old one until the new is used
    ("after_token_answer", True, False),  # it does not: nobody can know the new one
    ("after_token_stored", True, True),
])
def test_a_worker_killed_around_a_refresh_loses_no_token_that_can_be_kept(asking, custodian, point, is_strict,
                                                                         is_kept):
    asking.at(custodian)
    custodian.strict = is_strict
    record = asking.subscribe(custodian, house("7", *days(3)))
    custodian.expire()
    worker = asking.start(METERBEAT_CRASH_AT=point)
    task = asking.send("parse", record)
    assert worker.wait() == -9
    asking.start()
    run = asking.run(task)
    if is_kept:
        assert run[0] == "done", run
        assert len(custodian.posts) == (2 if point == "after_token_answer" else 1)
    else:
        assert run[:2] == ("dead", "authorization_refused")
        assert "broke off" in asking.rows("SELECT refusal FROM meterbeat.authorization")[0][0]


@pytest.mark.parametrize("fault, state, code", [
    (feeds.status(503, Retry_After=1), "done", None),
    (feeds.html, "done", None),
    (feeds.replaced(b'{"access_token": "x", "pad": "' + b"x" * 100_000 + b'"}', "application/json"), "done", None),
    (feeds.redirect("http://127.0.0.1:1/"), "dead", "token_refused"),
])
def test_a_token_endpoint_that_answers_nonsense_is_asked_again_or_given_up(asking, custodian, fault, state, code):
    asking.at(custodian)
    record = asking.subscribe(custodian, house("7", *days(3)))
    custodian.expire()
    custodian.token_faults = [fault]
    asking.start()
    assert asking.run(asking.send("parse", record))[:2] == (state, code)


# --- certificates -----------------------------------------------------------------------------------

def test_a_client_certificate_of_the_custodians_own_is_shown_to_it(asking, authority, meterbeat):
    certificate, key = authority.issue("meterbeat")
    meterbeat.configure(feed={"ca_file": str(authority.certificate)})
    with Custodian(authority=authority, wants_certificate=True) as custodian:
        asking.at(custodian)
        record = asking.subscribe(custodian, house("7", *days(3)))
        custodian.expire()
        asking.start()
        task = asking.send("parse", record)
        assert asking.retrying(task)[0] in ("feed_tls", "feed_cut_off", "feed_transfer")
        asking.ctl_in(certificate.read_text(), "custodian", "set", "hydro", "certificate")
        meterbeat.ctl("custodian", "set", "hydro", "private_key", "--file", key)
        assert asking.run(task)[0] == "done"
        subject = custodian.requests[-1].certificate["subject"]
        assert ((("commonName", "meterbeat"),),) == subject
        assert "PRIVATE" not in meterbeat.ctl("custodian", "show", "hydro")


# --- waiting ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("location", [False, True])
def test_a_record_waits_for_a_202_while_its_worker_does_other_things(asking, custodian, meterbeat, location):
    custodian.pending["7"], custodian.poll_location = 3, location
    asking.at(custodian)
    record = asking.subscribe(custodian, house("7", *days(3)))
    other = asking.subscribe(custodian, house("8", *days(3)))
    asking.starts(record, 3)
    worker = asking.start()
    task = asking.send("parse", record)
    worker.wait_for_event("task_waits")
    assert asking.rows("SELECT state FROM meterbeat.run WHERE task_id = %s", (task,)) != [("dead",)]
    assert asking.run(asking.send("parse", other))[0] == "done"
    assert asking.run(task)[0] == "done"
    asking.idle()
    assert asking.rows("SELECT count(*) FROM meterbeat.pending") == [(0,)]
    times = [request.at for request in custodian.gets("Subscription/7")]
    assert len(times) == 4 and times[2] - times[1] >= 1.9
    if location:
        assert len(custodian.gets("file=0")) == 3
    else:
        assert len({request.target for request in custodian.gets("Subscription/7")}) == 1
    assert asking.rows("SELECT failed FROM meterbeat.run WHERE task_id = %s", (task,)) == [(0,)]


def test_an_answer_that_never_comes_is_given_up_at_the_custodians_limit(asking, custodian, meterbeat):
    custodian.pending["7"] = 1000
    asking.at(custodian, pending_limit_s=3)
    record = asking.subscribe(custodian, house("7", *days(3)))
    worker = asking.start()
    task = asking.send("parse", record)
    worker.wait_for_event("task_waits")
    assert "1 records for their custodian's answer" in meterbeat.ctl("status")
    assert asking.run(task)[:2] == ("dead", "feed_never_ready")
    assert asking.rows("SELECT count(*) FROM meterbeat.pending") == [(0,)]


def test_a_batch_list_is_fetched_and_is_not_asked_for_again_after_a_crash(asking, custodian):
    custodian.pending["7"], custodian.batch["7"] = 1, 3
    feed = house("7", *days(6))
    asking.at(custodian)
    record = asking.subscribe(custodian, feed)
    asking.starts(record, 5)
    worker = asking.start(METERBEAT_CRASH_AT="before_commit")
    task = asking.send("parse", record)
    assert worker.wait() == -9
    asking.start()
    assert asking.run(task)[0] == "done"
    asking.idle()
    assert len([r for r in custodian.requests if "file=" not in r.target]) == 2
    assert len(custodian.gets("file=2")) == 2
    assert asking.rows("SELECT sum(readings) FROM meterbeat.day") == [(5 * 96,)]
    assert asking.rows("SELECT count(*) FROM meterbeat.pending") == [(0,)]


def test_files_of_a_batch_list_that_are_gone_are_met_once(asking, custodian):
    custodian.faults["7"] = [feeds.replaced(batch_list("?file=1")), feeds.status(404)]
    asking.at(custodian)
    record = asking.subscribe(custodian, house("7", *days(3)))
    asking.start()
    assert asking.run(asking.send("parse", record))[:2] == ("dead", "feed_not_found")
    asking.do("parse", record)
    assert ["file=" in request.target for request in custodian.requests] == [False, True, False]


def test_files_of_a_batch_list_that_cannot_be_had_are_forgotten_at_the_custodians_limit(asking, custodian):
    custodian.faults["7"] = [feeds.replaced(batch_list("?file=1"))] + [feeds.status(503)] * 2
    asking.at(custodian)
    record = asking.subscribe(custodian, house("7", *days(3)))
    asking.start()
    task = asking.send("parse", record)
    assert asking.retrying(task)[0] == "feed_unavailable"
    asking.rows("UPDATE meterbeat.pending SET deadline = now()")
    assert asking.run(task)[0] == "done"
    assert "file=" not in custodian.requests[-1].target
    assert asking.rows("SELECT count(*) FROM meterbeat.pending") == [(0,)]


def test_a_429_is_asked_again_when_it_says(asking, custodian):
    custodian.faults["7"] = [feeds.status(429, Retry_After=3)]
    asking.at(custodian)
    record = asking.subscribe(custodian, house("7", *days(3)))
    asking.starts(record, 3)
    asking.start()
    task = asking.send("parse", record)
    assert asking.retrying(task)[0] == "feed_rate_limited"
    assert asking.run(task)[0] == "done"
    first, second = custodian.requests[:2]
    assert second.at - first.at >= 2.9


# --- limits -----------------------------------------------------------------------------------------

def test_all_workers_together_keep_to_the_custodians_limits(asking, custodian, meterbeat):
    custodian.takes = 0.3
    asking.at(custodian, requests_at_once=2)
    records = []
    for number in range(12):
        record = asking.subscribe(custodian, house(f"7{number}x", *days(2)))
        asking.starts(record, 2)
        records.append(record)
    asking.start()
    meterbeat.worker("--processes", "4")
    for task in [asking.send("parse", record) for record in records]:
        assert asking.run(task)[0] == "done"
    assert custodian.most_under_way == 2 and len(custodian.requests) == 12


def test_no_more_requests_than_allowed_in_a_minute(asking, custodian, meterbeat):
    asking.at(custodian, requests_per_minute=3)
    tasks = []
    worker = asking.start()
    meterbeat.worker()
    for number in range(4):
        record = asking.subscribe(custodian, house(f"7{number}x", *days(2)))
        asking.starts(record, 2)
        tasks.append(asking.send("parse", record))
    wait_until(lambda: asking.rows("SELECT count(*) FROM meterbeat.run WHERE progress LIKE '%%as many requests%%'")
               [0][0], 60, "a task that finds no place")
    assert len(custodian.requests) == 3
    # a minute later, as the books see it
    asking.rows("UPDATE meterbeat.host_gate SET taken_at = taken_at - interval '1 minute'")
    for task in tasks:
        assert asking.run(task)[0] == "done"
    assert asking.rows("SELECT count(*) FROM meterbeat.run WHERE failed > 0") == [(0,)]


@pytest.mark.parametrize("is_same", [False, True])
def test_a_killed_workers_place_is_free_when_its_task_or_its_lease_ends_it(asking, custodian, is_same):
    custodian.takes = 60
    asking.at(custodian, requests_at_once=1)
    record = asking.subscribe(custodian, house("7", *days(2)))
    worker = asking.start()
    task = asking.send("parse", record)
    wait_until(lambda: custodian.requests, 30, "a request")
    worker.kill()
    custodian.takes = 0
    asking.rows("UPDATE meterbeat.host_gate SET until = now() + interval '1 hour'")
    if not is_same:
        asking.rows("UPDATE meterbeat.host_gate SET holder = 'a task that never comes back'")
    worker = asking.start()
    if not is_same:
        worker.wait_for_event("task_waits")
        asking.rows("UPDATE meterbeat.host_gate SET until = now()")
    assert asking.run(task)[0] == "done"


# --- hostility --------------------------------------------------------------------------------------

ELSEWHERE = "http://127.0.0.2:9/espi/1_1/resource/Batch/Subscription/7"
ENDLESS = ('<feed xmlns="http://www.w3.org/2005/Atom"><link rel="next" href="?page={}"/></feed>')


def test_an_answer_that_leads_elsewhere_or_nowhere_is_refused_with_no_token_sent_there(asking, custodian):
    answers = {
        "7a": (batch_list(ELSEWHERE), ("dead", "feed_foreign_url")),
        "7b": (batch_list("file:///etc/passwd"), ("dead", "bad_url")),
        "7c": (batch_list(*(f"?file={n}" for n in range(10_000))), ("dead", "too_many_documents")),
        "7d": (batch_list(), ("done", None)),
        "7e": (f'<feed xmlns="http://www.w3.org/2005/Atom"><link rel="next" href="{ELSEWHERE}"/></feed>'.encode(),
               ("dead", "feed_foreign_url")),
    }
    asking.at(custodian)
    asking.start()
    tasks = {}
    for name, (body, _) in answers.items():
        custodian.faults[name] = [feeds.replaced(body)]
        tasks[name] = asking.send("parse", asking.subscribe(custodian, house(name, *days(2))))
    for name, (_, outcome) in answers.items():
        assert asking.run(tasks[name])[:2] == outcome, name
    assert len(custodian.requests) == len(answers)


def test_pages_without_end_and_pages_in_a_circle_end(asking, custodian, meterbeat):
    meterbeat.configure(feed={"max_documents": 20})
    asking.at(custodian)
    record = asking.subscribe(custodian, house("7", *days(2)))
    asking.starts(record, 2)
    asking.start()
    custodian.faults["7"] = [feeds.replaced(ENDLESS.format(n).encode()) for n in range(100)]
    assert asking.run(asking.send("parse", record))[:2] == ("dead", "too_many_documents")
    assert len(custodian.requests) == 20
    custodian.faults["7"] = [feeds.replaced(ENDLESS.format(1).encode())] * 3
    assert asking.run(asking.send("parse", record))[0] == "done"


def test_no_custodian_is_asked_at_an_address_that_is_not_public_unless_it_is_allowed(asking, custodian, meterbeat):
    meterbeat.configure(feed={"allow_addresses": "10.0.0.0/8"})
    asking.at(custodian)
    record = asking.subscribe(custodian, house("7", *days(2)))
    asking.start()
    run = asking.run(asking.send("parse", record))
    assert run[:2] == ("dead", "feed_address") and "127.0.0.1" in run[2]
    assert custodian.requests == [] and custodian.posts == []


def test_a_redirect_is_not_followed_and_the_token_stays_here(asking, custodian):
    custodian.faults["7"] = [feeds.redirect(ELSEWHERE)]
    asking.at(custodian)
    record = asking.subscribe(custodian, house("7", *days(2)))
    asking.start()
    assert asking.run(asking.send("parse", record))[:2] == ("dead", "feed_redirect")


# --- by hand ----------------------------------------------------------------------------------------

def test_secrets_are_read_from_standard_input_and_never_shown(asking, custodian, meterbeat):
    asking.at(custodian)
    meterbeat.ctl("custodian", "set", "hydro", "client_secret", "open-on-the-command-line", status=2)
    shown = meterbeat.ctl("custodian", "show", "hydro")
    assert re.search(r"client_secret +set, not shown", shown) and "v1." not in shown
    assert "v1." not in meterbeat.ctl("custodian", "list", "--json")
    assert KEY not in meterbeat.ctl("--show-config")
    meterbeat.ctl("custodian", "set", "hydro", "poll_s", "0", status=1)
    meterbeat.ctl("custodian", "set", "hydro", "nonsense", "0", status=1)
    meterbeat.ctl("custodian", "add", "hydro", custodian.base, status=1)
    meterbeat.ctl("custodian", "add", "other", "ftp://utility.example/", status=2)
    record = asking.subscribe(custodian, house("7", *days(2)))
    meterbeat.ctl("custodian", "remove", "hydro", status=1)
    for text in ("no JSON", "{}", '{"access_token": "a\\r\\nb"}', '{"refresh_token": ""}'):
        asking.ctl_in(text, "record", "authorize", record, status=1)
    asking.ctl_in('{"access_token": "a", "refresh_token": ""}', "record", "authorize", record)
    asking.rows("DELETE FROM seed_ts_parser_record")
    key = meterbeat.ctl("custodian", "key").strip()
    assert re.fullmatch("[0-9a-f]{64}", key) and key != meterbeat.ctl("custodian", "key").strip()
    # another key in front: new secrets are sealed with it, old ones still open
    meterbeat.environment["METERBEAT_CREDENTIALS_KEY"] = f"{key} {KEY}"
    record = asking.subscribe(custodian, house("8", *days(2)))
    asking.start()
    asking.do("parse", record)
    meterbeat.environment["METERBEAT_CREDENTIALS_KEY"] = key
    asking.worker.stop()
    asking.starts(record, 2)
    asking.start()
    assert asking.run(asking.send("parse", record))[:2] == ("dead", "seal_refused")
    # what no record asks for any more goes with its custodian
    asking.rows("DELETE FROM seed_ts_parser_record")
    meterbeat.ctl("custodian", "remove", "hydro")
    assert asking.rows("SELECT (SELECT count(*) FROM meterbeat.subscription)"
                       " + (SELECT count(*) FROM meterbeat.authorization)") == [(0,)]


def test_a_network_that_is_none_stops_the_worker_at_its_start(asking, meterbeat):
    meterbeat.configure(feed={"allow_addresses": "10.0.0.0/8 localhost"})
    worker = asking.start()
    assert worker.wait() == 2 and "localhost" in worker.text()
