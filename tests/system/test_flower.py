"""Flower in a real browser: its pages show our worker beside Celery's, with its tasks, and its buttons work on it."""
import contextlib
import urllib.parse

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.common.by import By

from celery_peer import OURS, ours_alone, wait_for_state
from servers import wait_until

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def cluster(new_cluster):
    made = new_cluster().start()
    made.ours.answers(15)
    return made


@pytest.fixture(scope="module")
def flower(cluster):
    """Flower, once it has heard of both workers and enabled their events."""
    made = cluster.application.flower()
    names = {node.name for node in cluster.both}
    wait_until(lambda: names <= made.get("/api/workers", status=1).json().keys(), 60, "Flower knows both")
    for node in cluster.both:  # it enables events of tasks by itself
        wait_until(lambda: info(made, node.send("meterbeat.ping", ignore_result=True), 1), 30, "Flower hears of tasks")
    return made


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in ("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync",
                 "disable-background-networking", "disable-component-update", "window-size=1600,1200",
                 f"user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(f"--{flag}")
    driver = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


class Browser:
    """One window on Flower. Every question waits for its answer, as the pages fill themselves by and by."""

    def __init__(self, driver, flower):
        self.driver, self.flower = driver, flower

    def open(self, path):
        self.driver.get(self.flower.url + path)

    def wait(self, question, what, limit=20):
        def answered():
            with contextlib.suppress(StaleElementReferenceException):
                return question()
        try:
            return wait_until(answered, limit, what, pause=0.1)
        except TimeoutError as error:
            text = self.driver.find_element(By.TAG_NAME, "body").text
            raise AssertionError(f"{error}; the page {self.driver.current_url}:\n{text[:3000]}") from None

    def text(self, selector):
        return " ".join(one.text for one in self.driver.find_elements(By.CSS_SELECTOR, selector))

    def rows(self, table):
        """{text of the first cell: texts of all} of the visible rows of a table."""
        rows = [[cell.text for cell in row.find_elements(By.TAG_NAME, "td")]
                for row in self.driver.find_elements(By.CSS_SELECTOR, f"{table} tbody tr")]
        return {row[0].replace("\n", ""): row for row in rows if row}

    def click(self, selector):
        self.wait(lambda: self.driver.find_elements(By.CSS_SELECTOR, selector), selector)
        element = self.driver.find_element(By.CSS_SELECTOR, selector)
        self.driver.execute_script("arguments[0].click()", element)

    def toast(self):
        """What Flower says to a button, good or bad."""
        return self.wait(lambda: self.text("#toast-container .toast"), "an answer to the button")


@pytest.fixture
def page(chromium, flower, request, tmp_path):
    browser = Browser(chromium, flower)
    failed = request.session.testsfailed
    yield browser
    if request.session.testsfailed > failed:  # of a test that failed: what was to be seen
        with contextlib.suppress(WebDriverException):
            chromium.save_screenshot(str(tmp_path / "page.png"))


@pytest.fixture
def done(cluster, flower):
    """A task done on each worker, as Flower knows: {node: AsyncResult}."""
    sent = {node: node.send("meterbeat.echo", "seen in Flower", kwargs={"key": 1}) for node in cluster.both}
    for node, result in sent.items():
        result.get(timeout=30)
        wait_until(lambda: info(flower, result).get("state") == "SUCCESS", 20, f"Flower has the task of {node}")
    return sent


def info(flower, result, limit=0):
    """What Flower knows of a task; {} when that is nothing, even after `limit` seconds."""
    def known():
        answer = flower.get(f"/api/task/info/{result.id}")
        return answer.json() if answer.status_code == 200 else {}
    with contextlib.suppress(TimeoutError):
        return wait_until(known, limit, "the task")
    return {}


def of(node):
    return urllib.parse.quote(node.name, safe="")


# --- pages ----------------------------------------------------------------------------------------

def test_the_dashboard_shows_both_online(page, cluster, done):
    page.open("/")
    rows = page.wait(lambda: len(page.rows("#workers-table")) >= 2 and page.rows("#workers-table"), "two rows")
    for node in cluster.both:
        assert node.name in rows, rows
        status, _, processed, failed, succeeded, load = rows[node.name][1:7]
        assert status == "Online" and int(succeeded) >= 1 and int(processed) >= 1
        assert len([float(number) for number in load.split()]) == 3
    page.wait(lambda: page.text("#workers-online") == "2", "two online in the summary")


def test_the_page_of_a_worker_shows_each_of_its_tabs(page, cluster, done):
    for node in cluster.both:
        page.open(f"/worker/{of(node)}")
        assert page.wait(lambda: page.text("#workername"), "the worker's name") == node.name
        for tab in "pool", "broker", "queues", "tasks", "limits", "config", "system":
            page.click(f"#worker-tab-{tab}")
            text = page.wait(lambda: page.text(f"#tab-{tab}.active"), f"tab {tab} of {node}")
            wanted = {"pool": [str(node.ask("stats")["pid"]), "Prefetch Count"],
                      "broker": ["127.0.0.1", cluster.application.settings["broker_url"].rsplit("/", 1)[1]],
                      "queues": [node.queue], "tasks": ["meterbeat.echo"],
                      "limits": ["meterbeat.ping", "meterbeat.sleep"], "config": [], "system": ["utime", "maxrss"]}[tab]
            squeezed = text.lower().replace(" ", "")
            assert [word for word in wanted if word.lower().replace(" ", "") not in squeezed] == [], (tab, text)


def test_the_tasks_page_lists_the_tasks_of_both(page, cluster, done):
    page.open("/tasks")
    text = page.wait(lambda: all(result.id in page.driver.page_source for result in done.values()) and
                     page.text("#tasks-table tbody"), "both tasks")
    assert "SUCCESS" in text
    for node in cluster.both:
        assert node.name in page.driver.page_source


def test_the_page_of_a_task_shows_what_became_of_it(page, cluster, done):
    shown = []
    for node, result in done.items():
        page.open(f"/task/{result.id}")
        text = page.wait(lambda: page.text("#task-page"), "the task")
        for wanted in result.id, "meterbeat.echo", "SUCCESS", "seen in Flower", node.name:
            assert wanted in text, text
        shown.append([one.text for one in page.driver.find_elements(By.CSS_SELECTOR, "#task-page dt")])
    assert shown[0] == shown[1], "the same rows"


def test_a_failed_task_shows_its_exception(page, flower, cluster):
    for node in cluster.both:
        result = node.send("meterbeat.sleep", "soon")
        wait_for_state(result, "FAILURE")
        wait_until(lambda: info(flower, result).get("state") == "FAILURE", 20, "Flower knows")
        page.open(f"/task/{result.id}")
        text = page.wait(lambda: page.text("#task-page"), "the task")
        assert "FAILURE" in text and info(flower, result)["exception"] in text


def test_the_broker_page_shows_our_queue(page):
    page.open("/broker")
    page.wait(lambda: OURS in page.text("table"), "our queue")


# --- buttons --------------------------------------------------------------------------------------

def test_the_terminate_button_ends_a_running_task(page, flower, cluster):
    for node in cluster.both:
        result = node.send("meterbeat.sleep", 600)
        wait_until(lambda: info(flower, result).get("state") == "STARTED", 20, "Flower sees it run")
        page.open(f"/task/{result.id}")
        page.click("#task-terminate")
        assert "Revoked" in page.toast()
        wait_for_state(result, "REVOKED")
        wait_until(lambda: info(flower, result).get("state") == "REVOKED", 20, "Flower sees it ended")
        node.idle()


def test_the_consumer_buttons_add_and_cancel_a_queue(page, cluster):
    for node in cluster.both:
        name = f"from-flower-{node.queue}"
        page.open(f"/worker/{of(node)}")
        page.click("#worker-tab-queues")
        page.wait(lambda: page.driver.find_elements(By.ID, "add-consumer-name"), "the field")
        page.driver.find_element(By.ID, "add-consumer-name").send_keys(name)
        page.click("#worker-add-consumer")
        assert f"add consumer {name}" in page.toast()
        assert node.send("meterbeat.ping", queue=name).get(timeout=30) == "pong"
        page.driver.get(page.flower.url + "/api/workers?refresh=1")
        page.open(f"/worker/{of(node)}")
        page.click("#worker-tab-queues")
        page.click(f"#worker-cancel-consumer-{name}")
        assert f"no longer consuming from {name}" in page.toast()
        wait_until(lambda: [queue["name"] for queue in node.ask("active_queues")] == [node.queue], 20, "cancelled")


def test_the_refresh_button_refreshes(page, cluster):
    page.open(f"/worker/{of(cluster.ours)}")
    page.click("#worker-refresh")
    assert "refreshed" in page.toast().lower()


# --- the API behind them ----------------------------------------------------------------------------

def test_the_api_describes_both_alike(flower, cluster, done):
    theirs, ours = [flower.get("/api/workers", refresh=1, workername=node.name).json()[node.name]
                    for node in cluster.both]
    assert theirs.keys() == ours.keys()
    assert {type(theirs[name]) for name in theirs} == {type(ours[name]) for name in ours}
    assert flower.get("/api/workers", status=1).json().items() >= {node.name: True for node in cluster.both}.items()


def test_the_api_has_our_tasks_as_theirs(flower, done):
    theirs, ours = [info(flower, result) for result in done.values()]
    assert theirs.keys() == ours.keys()
    for name in "name", "state", "args", "kwargs", "result", "retries", "exception", "eta", "expires":
        assert theirs[name] == ours[name], name
    assert ours["received"] <= ours["started"] <= ours["succeeded"]
    assert flower.get("/api/task/types").json()["task-types"] == ["meterbeat.echo"] or \
        "meterbeat.echo" in flower.get("/api/task/types").json()["task-types"]


def test_a_task_applied_through_flower_is_done_and_its_result_returned(flower):
    for queue in "theirs", OURS:
        answer = flower.session.post(f"{flower.url}/api/task/apply/meterbeat.echo",
                                     json={"args": [1], "queue": queue}, timeout=30)
        assert answer.status_code == 200, answer.text
        assert answer.json()["result"] == {"args": [1], "kwargs": {}}


def test_limits_are_set_through_flower(flower, cluster):
    for node in cluster.both:
        try:
            answer = flower.post("/api/task/rate-limit/meterbeat.echo", workername=node.name, ratelimit="9/s")
            assert answer.json() == {"message": "new rate limit set successfully"}
            assert "meterbeat.echo [rate_limit=9/s]" in node.ask("registered")
            answer = flower.post("/api/task/timeout/meterbeat.echo", workername=node.name, soft=30, hard=40)
            assert answer.json() == {"message": "time limits set successfully"}
        finally:
            node.ask("rate_limit", task_name="meterbeat.echo", rate_limit=0)
            node.ask("time_limit", task_name="meterbeat.echo", hard=None, soft=None)


def test_a_task_revoked_through_flower_is_not_run(flower, cluster):
    for node in cluster.both:
        running, waiting = node.send("meterbeat.sleep", 600), node.send("meterbeat.echo")
        wait_until(lambda: node.ask("reserved"), 20, "it waits")
        assert flower.post(f"/api/task/revoke/{waiting.id}").status_code == 200
        wait_until(lambda: waiting.id in node.ask("revoked"), 20, "revoked")
        assert flower.post(f"/api/task/revoke/{running.id}", terminate="true").status_code == 200
        wait_for_state(waiting, "REVOKED")
        node.idle()


@ours_alone
def test_what_our_worker_cannot_do_flower_says_with_its_reason(flower, cluster):
    name = cluster.ours.name
    for path, parameters in [("pool/grow", {"n": 1}), ("pool/shrink", {"n": 1}), ("pool/restart", {}),
                             ("pool/autoscale", {"min": 1, "max": 2})]:
        answer = flower.post(f"/api/worker/{path}/{name}", **parameters)
        assert answer.status_code == 403 and "Failed" in answer.text
        assert answer.text.split(": ", 1)[1] not in ("", "Unknown reason", "'Unknown reason'")


def test_a_worker_shut_down_through_flower_ends_and_is_shown_offline(page, flower, cluster):
    node = cluster.start_ours(queue="ending").answers()
    wait_until(lambda: flower.get("/api/workers", status=1).json().get(node.name), 30, "Flower knows it")
    flower.get("/api/workers", refresh=1)
    assert flower.post(f"/api/worker/shutdown/{node.name}").json() == {"message": "Shutting down!"}
    assert node.program.wait(30) == 0
    page.open("/")
    page.wait(lambda: page.rows("#workers-table").get(node.name, ["", ""])[1] == "Offline", "it is offline")
