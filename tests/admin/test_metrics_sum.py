"""The sum of the metrics of several processes."""

from __future__ import annotations

from mockserver.admin.metrics_sum import sum_metrics

FIRST = """
# TYPE mockserver_info gauge
mockserver_info{version="1"} 1.0
# TYPE mockserver_fixtures gauge
mockserver_fixtures 3.0
# TYPE process_start_time_seconds gauge
process_start_time_seconds 100.0
# TYPE mockserver_open_streams gauge
mockserver_open_streams 2.0
# TYPE mockserver_requests_total counter
mockserver_requests_total{model="a"} 5.0
# TYPE mockserver_request_duration_seconds histogram
mockserver_request_duration_seconds_bucket{le="1.0"} 4.0
mockserver_request_duration_seconds_bucket{le="+Inf"} 5.0
mockserver_request_duration_seconds_count 5.0
mockserver_request_duration_seconds_sum 9.5
"""
SECOND = """
# TYPE mockserver_info gauge
mockserver_info{version="1"} 1.0
# TYPE mockserver_fixtures gauge
mockserver_fixtures 3.0
# TYPE process_start_time_seconds gauge
process_start_time_seconds 90.0
# TYPE mockserver_open_streams gauge
mockserver_open_streams 1.0
# TYPE mockserver_requests_total counter
mockserver_requests_total{model="a"} 1.0
mockserver_requests_total{model="b"} 7.0
"""


def summed(current: list[str], former: list[str]) -> dict[str, float]:
    return {
        "".join([sample.name, *sample.labels.values()]): sample.value
        for family in sum_metrics(current, former)
        for sample in family.samples
    }


def test_counts_and_sizes_are_added_and_what_all_have_is_not() -> None:
    assert summed([FIRST, SECOND], []) == {
        "mockserver_info1": 1,
        "mockserver_fixtures": 3,
        "process_start_time_seconds": 90,
        "mockserver_open_streams": 3,
        "mockserver_requests_totala": 6,
        "mockserver_requests_totalb": 7,
        "mockserver_request_duration_seconds_bucket1.0": 4,
        "mockserver_request_duration_seconds_bucket+Inf": 5,
        "mockserver_request_duration_seconds_count": 5,
        "mockserver_request_duration_seconds_sum": 9.5,
    }


def test_a_process_that_has_ended_keeps_its_counts_and_has_no_sizes() -> None:
    result = summed([SECOND], [FIRST])
    assert result["mockserver_requests_totala"] == 6
    assert result["mockserver_request_duration_seconds_count"] == 5
    assert result["mockserver_open_streams"] == 1
    assert result["process_start_time_seconds"] == 90
