"""The description of a vendor's asynchronous jobs: completions that are submitted, and fetched by polling."""

from __future__ import annotations

from typing import Any

from mockserver.schema.field_types import Text
from mockserver.schema.object_types import ObjectType, OneOrMore, spec_dataclass, spec_field
from mockserver.vendors.profile_fields import CHAT_PATH, DURATION, TEMPLATE


@spec_dataclass
class JobStatesSpec:
    """The names of a job's states."""

    queued: str = spec_field(Text(), "in the first half of its time", default="QUEUED")
    running: str = spec_field(Text(), "in the second half", default="PROCESSING")
    completed: str = spec_field(Text(), "with a result", default="COMPLETED")
    failed: str = spec_field(Text(), "with an error", default="FAILED")


@spec_dataclass
class JobsSpec:
    """The submission of a job. It is polled at `endpoints` whose `list` is `jobs`."""

    paths: tuple[str, ...] = spec_field(
        OneOrMore(CHAT_PATH), "the path or paths of submissions, as those of chat completions", name="path"
    )
    id: str = spec_field(Text(), "the identifier of `ids` that is the name of a job")
    body: dict[str, Any] = spec_field(
        TEMPLATE,
        "the body of the answer to a submission; `$url` is the root of the vendor's URLs. While a job is not finished, "
        "its keys are placeholders of the endpoints that poll it",
    )
    states: JobStatesSpec = spec_field(
        ObjectType(JobStatesSpec), "the values of `$status`", default=JobStatesSpec()
    )
    keep: float = spec_field(DURATION, "the time for which a job is kept", default=3600.0)
