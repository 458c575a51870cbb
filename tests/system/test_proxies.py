"""What the operator's environment says of proxies concerns nobody here: passwords would go there."""
import socket
import threading

import pytest

import feeds
import metering as m
from metering import Metering


@pytest.mark.smoke
def test_no_proxy_of_the_environment_is_asked(meterbeat, rows):
    came = []
    with socket.create_server(("127.0.0.1", 0)) as proxy, feeds.FeedServer([]) as server:
        def take():
            while True:
                try:
                    connection, _ = proxy.accept()
                except OSError:
                    return
                came.append(connection.recv(1000))
                connection.close()

        threading.Thread(target=take, daemon=True).start()
        url = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        meterbeat.environment.update({name: url for name in (
            "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")}, no_proxy="", NO_PROXY="")
        meters = Metering(meterbeat, rows, server)
        meterbeat.ctl("check")
        meterbeat.ctl("status")
        meters.add(m.house("x1", *m.days(2)))
        meters.start()
        meters.do("parse")
        meters.do("aggregate")
        assert not came
