"""The Prometheus metrics: every request, also evicted ones, in a bounded number of series."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.samples import Sample

from mockserver.sessions.counters import MAX_MODELS
from mockserver.testing import MockServer
from tests.conftest import MakeClient, StartServer, wait_for_entries

LABELS = ("vendor", "model", "stream", "status", "fault")
FIXTURES = """
fixtures:
- {name: hello, match: {user: hello}, response: Hi.}
- {name: slow, match: {user: slow}, response: {chunks: [a, {delay: 1h}, b]}}
"""


class Told:
    """The samples of one scrape."""

    def __init__(self, server: MockServer, accept: str = "", **headers: str) -> None:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)
        connection.request("GET", "/metrics", headers={"Accept": accept, **headers})
        response = connection.getresponse()
        self.status = response.status
        self.media = response.headers["content-type"]
        self.text = response.read().decode()
        connection.close()

    @property
    def samples(self) -> Iterator[Sample]:
        parse = openmetrics_parser if "openmetrics" in self.media else parser
        return (one for family in parse.text_string_to_metric_families(self.text) for one in family.samples)

    def value(self, name: str, **labels: str) -> float:
        """The sum of the samples that have these labels among theirs."""
        return sum(
            one.value for one in self.samples if one.name == name and labels.items() <= one.labels.items()
        )


@pytest.fixture
def running(start_server: StartServer) -> MockServer:
    return start_server(FIXTURES, journal_size=2)


def test_every_request_is_counted_by_what_it_was_and_became(
    running: MockServer, make_client: MakeClient
) -> None:
    asking = make_client(running)
    for _ in range(3):
        asking.chat(content="hello")
    asking.chat("segmind", headers={"X-Mock-Error": "429"})
    asking.chat("omixa", stream=True, headers={"X-Mock-Fault": "no_done"}, model="o3-mini")
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            asking.chat("omixa", headers={"X-Mock-Fault": "reset"})
        asking.connection.close()
    asking.connection.request("GET", "/nowhere")
    assert asking.connection.getresponse().read()
    told = Told(running)
    counted = {
        tuple(one.labels[name] for name in LABELS): one.value
        for one in told.samples
        if one.name == "mockserver_requests_total"
    }
    assert counted == {
        ("aimlapi", "o1-preview", "false", "201", "none"): 3,
        ("segmind", "o1-preview", "false", "429", "none"): 1,
        ("omixa", "o3-mini", "true", "200", "no_done"): 1,
        ("omixa", "o1-preview", "false", "0", "reset"): 2,
        ("none", "none", "false", "404", "none"): 1,
    }
    assert told.value("mockserver_journal_entries") == 2
    assert told.value("mockserver_journal_dropped_total") == 6
    assert told.value("mockserver_fixtures") == 2
    assert told.value("mockserver_sessions") == 1
    assert told.value("process_resident_memory_bytes") > 0


def test_what_takes_long_is_in_a_high_bucket(running: MockServer, make_client: MakeClient) -> None:
    asking = make_client(running)
    asking.chat(content="hello")
    asking.chat(content="hello", headers={"X-Mock-Delay": "60ms"})
    told = Told(running)
    for name in ("mockserver_request_duration_seconds", "mockserver_time_to_first_byte_seconds"):
        within = {one.labels["le"]: one.value for one in told.samples if one.name == f"{name}_bucket"}
        assert within["0.05"] <= 1
        assert within["+Inf"] == told.value(f"{name}_count", vendor="aimlapi", stream="false") == 2
        assert list(within.values()) == sorted(within.values())
        assert told.value(f"{name}_sum") >= 0.06


def test_a_stream_is_open_until_its_client_leaves(running: MockServer, make_client: MakeClient) -> None:
    asking = make_client(running)
    response = asking.send(content="slow", stream=True)
    assert response.read1(1)
    assert Told(running).value("mockserver_open_streams") == 1
    asking.connection.close()
    response.close()
    wait_for_entries(running, asking.session, 1)
    told = Told(running)
    assert told.value("mockserver_open_streams") == 0
    assert told.value("mockserver_request_duration_seconds_count", stream="true") == 1


def test_it_is_told_in_the_format_that_is_asked_for(running: MockServer) -> None:
    plain = Told(running)
    assert plain.media.startswith("text/plain; version=0.0.4")
    told = Told(running, "application/openmetrics-text; version=1.0.0")
    assert told.media.startswith("application/openmetrics-text; version=1.0.0")
    assert told.text.endswith("# EOF\n")
    assert {one.name for one in told.samples} >= {one.name for one in plain.samples}


def test_it_is_guarded_as_the_control_api_is(running: MockServer, start_server: StartServer) -> None:
    assert Told(running, Host="evil.example").status == 403
    assert Told(running, Origin="https://evil.example").status == 403
    secret = start_server(FIXTURES, admin_token="t0ken")  # noqa: S106
    assert Told(secret).status == 401
    assert Told(secret, Authorization="Bearer t0ken").value("mockserver_info") == 1


def test_models_beyond_a_hundred_share_a_series(running: MockServer, make_client: MakeClient) -> None:
    asking = make_client(running)
    for number in range(MAX_MODELS + 20):
        asking.chat(content="hello", model=f"model-{number}" + "x" * 200)
    told = Told(running)
    models = {one.labels["model"] for one in told.samples if one.name == "mockserver_requests_total"}
    assert len(models) == MAX_MODELS + 1
    assert max(map(len, models)) == 80
    assert told.value("mockserver_requests_total", model="other") == 20
