"""The web UI under load: frames a second, tasks that block it, and the time until a click is answered."""

from __future__ import annotations

import http.client
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.benchmarks import asked
from tests.benchmarks.served import CLIENT, CORES, Served
from tests.ui.browsing import browser, window

RATE = 200  # requests a second
_SETTLED = 3.0  # seconds before anything is measured
_MEASURE = """async (seconds) => {
  const tasks = [];
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => tasks.push(entry.duration)))
    .observe({ entryTypes: ["longtask"] });
  let frames = 0, isRunning = true;
  const count = () => { frames += 1; if (isRunning) requestAnimationFrame(count); };
  requestAnimationFrame(count);
  await new Promise((done) => setTimeout(done, seconds * 1000));
  isRunning = false;
  const clicks = [];
  for (let row = 0; row < 5; row += 1) {
    const link = document.querySelectorAll("tbody a")[3 + row];
    const shown = document.querySelector("#detail h2");
    const began = performance.now();
    link.click();
    while ([null, shown].includes(document.querySelector("#detail h2"))) await new Promise(requestAnimationFrame);
    clicks.push(performance.now() - began);
  }
  return [frames / seconds, Math.max(0, ...tasks), Math.max(...clicks)];
}"""


def measure_page(mock: Served, seconds: float) -> tuple[float, float, float]:
    """Frames a second, the longest task and the slowest click in milliseconds, while requests arrive."""
    os.sched_setaffinity(0, CORES)  # a browser has several processes
    with _requests(mock), browser() as running, window(running) as page:
        page.goto(f"http://{mock.address[0]}:{mock.address[1]}/#/requests")
        page.locator("tbody tr").first.wait_for()
        time.sleep(_SETTLED)
        frames, task, click = page.evaluate(_MEASURE, seconds)
    os.sched_setaffinity(0, {CLIENT})
    return frames, task, click


@contextmanager
def _requests(mock: Served) -> Iterator[None]:
    """Requests at a steady rate, each with another message."""
    done = threading.Event()

    def send() -> None:
        connection = http.client.HTTPConnection(*mock.address, timeout=20)
        due = time.perf_counter()
        number = 0
        while not done.wait(max(due - time.perf_counter(), 0)):
            number += 1
            due += 1 / RATE
            head = {"authorization": "Bearer any", "content-type": "application/json"}
            connection.request("POST", "/aimlapi/v1/chat/completions", asked.body(f"Hello {number}"), head)
            connection.getresponse().read()
        connection.close()

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        done.set()
        sender.join()
