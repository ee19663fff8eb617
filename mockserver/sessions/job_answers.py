"""Asynchronous jobs of a vendor: the answer to a submission, and the answer to a poll."""

from __future__ import annotations

from typing import Any, cast

import orjson

from mockserver.errors import ApiError
from mockserver.fixtures.response_spec import ResponseSpec
from mockserver.memoize import fast_dataclass
from mockserver.rendering.completion import build_error_context
from mockserver.request.chat_request import ChatRequest
from mockserver.sessions.jobs import Job
from mockserver.vendors.aux_endpoints import AuxEndpointSpec
from mockserver.vendors.job_spec import JobsSpec
from mockserver.vendors.placeholders import PlaceholderValues
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.faults import Fault
from mockserver.wire.frames import join_frames
from mockserver.wire.monotonic_clock import read_monotonic


@fast_dataclass
class JobPoll:
    """The placeholder values, the status and the fault of the answer to a poll."""

    values: PlaceholderValues
    status: int = 200
    fault: Fault | None = None


def create_job(request: ChatRequest, response: ResponseSpec, answer: Answer, fault: Fault | None) -> Job:
    """Create the job whose result is this answer to its request; an error of the answer is that of the job."""
    vendor, spec = request.vendor, cast(JobsSpec, request.vendor.profile.jobs)
    body = join_frames(answer.frames)
    error = None
    if response.error is not None:
        stated = ApiError(response.error, response.message, code=response.code)
        error = vendor.error_message(stated, build_error_context(request))
    elif answer.status >= 400:
        error = body.decode(errors="replace")
    return Job(
        vendor.new_id(spec.id),
        request.session,
        vendor.name,
        request.model,
        read_monotonic(),
        answer.wait + sum(frame.wait for frame in answer.frames),
        b"" if error is not None else body,
        error,
        fault,
    )


def render_submission(request: ChatRequest, job: Job) -> Answer:
    """Return the answer to the submission of a job."""
    vendor = request.vendor
    values = {name: vendor.new_id(name) for name in vendor.profile.ids} | _submission_values(request, job)
    body = orjson.dumps(vendor.fill_job_body(values))
    headers = (("content-type", vendor.profile.body.content_type), *vendor.headers(values, body))
    return Answer(200, headers, (Frame(body),))


def poll_job(request: ChatRequest, endpoint: AuxEndpointSpec, job: Job | None, elapsed: float) -> JobPoll:
    """Return what a poll finds `elapsed` seconds after the submission of a job; None is an unknown job."""
    vendor, spec = request.vendor, request.vendor.profile.jobs
    if job is None or spec is None or job.vendor != vendor.name or elapsed > spec.keep:
        return JobPoll({})
    states = spec.states
    item: dict[str, Any] = {"id": job.id, "model": job.model}
    if elapsed < job.duration:
        item = vendor.fill_job_body(_submission_values(request, job)) | item
        item["status"] = states.queued if elapsed < job.duration / 2 else states.running
        return JobPoll({"jobs": [item]})
    item["inference_time"] = round(job.duration, 3)
    if job.error is not None:
        return JobPoll({"jobs": [item | {"status": states.failed, "error": job.error}]}, endpoint.failed)
    output = job.result.decode(errors="replace")
    return JobPoll({"jobs": [item | {"status": states.completed, "output": output}]}, fault=job.fault)


def _submission_values(request: ChatRequest, job: Job) -> dict[str, Any]:
    spec = cast(JobsSpec, request.vendor.profile.jobs)
    return {spec.id: job.id, "model": job.model, "url": _build_root_url(request)}


def _build_root_url(request: ChatRequest) -> str:
    """Return the URL under which the client of this request reaches the vendor's paths."""
    head = request.routed_head.head
    session = "" if head.session is None else f"/s/{head.session}"
    return (
        f"{head.scheme}://{head.headers.get('host', '')}{session}{head.path.removesuffix(request.route.path)}"
    )
