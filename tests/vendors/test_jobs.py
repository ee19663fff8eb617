"""Tests of asynchronous jobs: submission, polls, errors, faults, charges and bounds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import requests

from mockserver.sessions import jobs
from mockserver.sessions.jobs import Job
from mockserver.sessions.store import MemoryStore
from mockserver.testing import MockServer

if TYPE_CHECKING:
    from tests.conftest import ProfileError

FIXTURES = """\
fixtures:
  - {match: {user: slow}, response: {text: Done., delay: 100s}}
  - {match: {user: no model}, response: {error: 500, message: The model crashed.}}
  - {match: {user: raw error}, response: {raw: {status: 503, body: no worker}}}
  - {match: {user: empty}, response: {text: Hello there., fault: no_body}}
  - {match: {}, response: Hello.}
accounts:
  - {key: SG_paid, balance: $1}
"""
KEY = {"x-api-key": "SG_0123456789abcdef"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockServer]:
    """A server of its own, with accounts."""
    file = tmp_path_factory.mktemp("jobs") / "fixtures.yaml"
    file.write_text(FIXTURES)
    with MockServer(file) as running:
        yield running


class Submitter:
    """A client of one session, which polls as the vendor's SDK does: by the URLs of the submission."""

    def __init__(self, server: MockServer, session: str) -> None:
        self.server = server
        self.root = f"{server.url}/s/{session}/segmind"
        self.session = session

    def submit(self, text: str, headers: dict[str, str] | None = None, **fields: Any) -> requests.Response:
        body = {"messages": [{"role": "user", "content": text}], **fields}
        return requests.post(
            f"{self.root}/v2/o1-preview", json=body, headers=KEY | (headers or {}), timeout=20
        )

    def poll(self, url: str) -> requests.Response:
        return requests.get(url, headers=KEY, timeout=20)

    def advance(self, seconds: int) -> None:
        url = f"{self.server.url}/_mock/clock?session={self.session}"
        requests.post(url, json={"advance": f"{seconds}s"}, timeout=20).raise_for_status()


@pytest.fixture
def submitter(server: MockServer, request: pytest.FixtureRequest) -> Submitter:
    return Submitter(server, f"job-{abs(hash(request.node.name))}")


def test_a_submission_names_the_urls_of_its_job(submitter: Submitter) -> None:
    response = submitter.submit("Hi", stream=True)
    submitted = response.json()
    name = submitted["request_id"]
    assert (response.status_code, list(submitted.items())) == (
        200,
        [
            ("request_id", name),
            ("status", "QUEUED"),
            ("poll_url", f"{submitter.root}/v1/requests/{name}"),
            ("status_url", f"{submitter.root}/v2/requests/{name}/status"),
            ("response_url", f"{submitter.root}/v2/requests/{name}"),
        ],
    )
    assert response.headers["x-request-id"] == name
    assert response.headers["x-mock-fixture"] == "fixtures%235"
    metrics = {"inference_time": 0.0}
    status = submitter.poll(submitted["status_url"]).json()
    assert status == {"status": "COMPLETED", "request_id": name, "metrics": metrics}
    result = submitter.poll(submitted["response_url"]).json()
    assert json.loads(result.pop("output"))["choices"][0]["message"]["content"] == "Hello."
    assert result == status
    assert submitter.poll(submitted["poll_url"]).json().keys() == {*status, "output"}


def test_a_job_takes_the_time_of_its_fixture_and_is_kept_for_an_hour(submitter: Submitter) -> None:
    submitted = submitter.submit("slow").json()
    url = submitted["status_url"]
    first = submitter.poll(url).json()
    assert (first["status"], first["response_url"], first["metrics"]) == (
        "QUEUED",
        submitted["response_url"],
        {},
    )
    submitter.advance(60)
    assert submitter.poll(url).json()["status"] == "PROCESSING"
    submitter.advance(60)
    done = submitter.poll(url).json()
    assert (done["status"], done["metrics"]) == ("COMPLETED", {"inference_time": 100.0})
    submitter.advance(3600)
    gone = submitter.poll(url)
    assert (gone.status_code, gone.json()) == (404, {"error": f"Request {submitted['request_id']} not found"})


@pytest.mark.parametrize(("text", "error"), [("no model", "The model crashed."), ("raw error", "no worker")])
def test_an_error_fixture_is_a_failed_job(submitter: Submitter, text: str, error: str) -> None:
    response = submitter.submit(text)
    assert response.status_code == 200
    for url in ("status_url", "response_url"):
        failed = submitter.poll(response.json()[url])
        assert failed.status_code == 422
        assert (failed.json()["status"], failed.json()["error"]) == ("FAILED", error)


@pytest.mark.parametrize(
    ("headers", "fields", "status"),
    [
        ({"X-Mock-Error": "503"}, {}, 503),
        ({"x-api-key": "SG_mock-406"}, {}, 406),
        ({"x-api-key": ""}, {}, 401),
        ({}, {"messages": 5}, 400),
        ({}, {"n": 10**6}, 406),
        ({}, {"n": 10**6, "messages": []}, 400),
    ],
)
def test_an_injected_error_and_a_refusal_answer_the_submission(
    submitter: Submitter, headers: dict[str, str], fields: dict[str, Any], status: int
) -> None:
    response = submitter.submit("Hi", headers, **fields)
    assert (response.status_code, list(response.json())) == (status, ["error"])


def test_a_fault_acts_on_the_poll_that_reports_the_result(submitter: Submitter) -> None:
    by_fixture = submitter.submit("empty").json()
    assert submitter.poll(by_fixture["status_url"]).content == b""
    by_header = submitter.submit("slow", {"X-Mock-Fault": "no_body"}).json()
    assert submitter.poll(by_header["status_url"]).json()["status"] == "QUEUED"
    submitter.advance(100)
    assert submitter.poll(by_header["response_url"]).content == b""
    entries = submitter.server.session(submitter.session).requests
    assert [one.fault for one in entries] == ["", "no_body", "", "", "no_body"]


def test_a_job_is_charged_once_and_found_in_any_session(submitter: Submitter) -> None:
    account = f"{submitter.server.url}/_mock/accounts/SG_paid?session={submitter.session}"
    submitted = submitter.submit("Hi", {"x-api-key": "SG_paid"}).json()
    spent = requests.get(account, timeout=20).json()["spent"]
    assert (float(spent["usd"]) > 0, spent["requests"]) == (True, 1)
    for path in ("/v2/requests/{}/status", "/segmind/v2/requests/{}"):
        url = submitter.server.url + path.format(submitted["request_id"])
        assert requests.get(url, headers={"x-api-key": "SG_paid"}, timeout=20).json()["status"] == "COMPLETED"
    assert requests.get(account, timeout=20).json()["spent"] == spent


def test_a_reset_forgets_the_jobs_of_its_session(submitter: Submitter) -> None:
    url = submitter.submit("Hi").json()["status_url"]
    requests.post(f"{submitter.server.url}/_mock/reset?session=another", timeout=20)
    assert submitter.poll(url).status_code == 200
    requests.post(f"{submitter.server.url}/_mock/reset?session={submitter.session}", timeout=20)
    assert submitter.poll(url).status_code == 404


def test_a_submission_is_no_fixture_because_it_is_not_the_result(submitter: Submitter) -> None:
    name = submitter.submit("Hi").headers["x-mock-request-id"]
    response = requests.post(f"{submitter.server.url}/_mock/requests/{name}/fixture", timeout=20)
    message = "the request submitted a job, whose answer is not its result"
    assert (response.status_code, response.json()["error"]["message"]) == (409, message)


def test_another_method_is_refused_as_the_vendor_does(submitter: Submitter) -> None:
    assert submitter.poll(f"{submitter.root}/v2/o1-preview").status_code == 405
    url = f"{submitter.root}/v2/requests/1/status"
    assert requests.post(url, json={}, headers=KEY, timeout=20).status_code == 405
    assert requests.get(url, timeout=20).status_code == 401


def build_job(number: int, session: str = "s", size: int = 0) -> Job:
    return Job(str(number), session, "segmind", "m", 0.0, 0.0, b"x" * size)


def test_jobs_are_bounded_and_go_with_their_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MAX_JOBS", 2)
    monkeypatch.setattr(jobs, "_MAX_BYTES", 20_000)

    async def check() -> None:
        store = MemoryStore(max_sessions=2)

        async def list_jobs() -> list[str]:
            return [name for name in map(str, range(7)) if await store.find_job(name)]

        for number in range(3):
            await store.add_job(build_job(number))
        assert await list_jobs() == ["1", "2"]
        await store.add_job(build_job(3, "t", 17_500))
        assert await list_jobs() == ["2", "3"]
        copied = await store.copy("t")
        assert [await copied.find_job(name) is not None for name in ("2", "3")] == [False, True]
        await store.add_job(build_job(4, "u"))  # which evicts the session s
        assert await list_jobs() == ["3", "4"]
        await store.forget_jobs("u")
        await store.add_job(build_job(5, "u", 30_000))
        assert await list_jobs() == ["5"]
        await store.add_job(replace(build_job(6, "u"), error="x" * 30_000))  # errors take memory, too
        assert await list_jobs() == ["6"]
        await store.forget_jobs(None)
        assert await list_jobs() == []

    asyncio.run(check())


def test_jobs_need_a_known_identifier(profile_error: ProfileError) -> None:
    text = profile_error(
        'extends: segmind\njobs: {path: "/v3/{model}", id: job, body: {a: $url, b: $urls}}\n'
    )
    assert "jobs: found the id 'job', expected one of id, tool_call_id, request_id" in text
