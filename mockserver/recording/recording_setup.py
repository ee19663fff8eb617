"""The parts of a recording server: its forwarder, its recorder, and how new recordings join the fixtures in use."""

from __future__ import annotations

from collections.abc import Sequence

from mockserver.errors import InputError
from mockserver.matching.loader import LoadedFile, replace_loaded_files
from mockserver.pipeline import ChatPipeline
from mockserver.recording.exchange_mask import build_exchange_mask
from mockserver.recording.forwarder import RecordingForwarder, RecordingTarget
from mockserver.recording.latency_writer import LatencyFile
from mockserver.recording.recorder import Recorder
from mockserver.recording.upstream import UpstreamClient, check_upstream_client, find_upstreams
from mockserver.settings import RecordSettings


def attach_forwarder(pipeline: ChatPipeline, record: RecordSettings) -> None:
    """Let a pipeline forward the requests that nothing answers, and record them.

    Raises InputError if the HTTP client is not installed, or for an invalid upstream.
    """
    check_upstream_client()
    upstream = UpstreamClient(find_upstreams(pipeline.router, record.upstreams))
    target = None
    if record.folder is not None:
        is_new = record.mode == "all"
        recorder = create_recorder(pipeline, record, is_new=is_new)

        async def publish(files: Sequence[LoadedFile]) -> None:
            """Use the recordings for the requests that follow, as the file watcher does for an edit."""
            pipeline.replace_fixtures(replace_loaded_files(pipeline.fixtures, files))
            await pipeline.fixtures.build_prefilter()

        target = RecordingTarget(recorder, record.folder, not is_new, publish)
    latency_file = None if record.latency is None else LatencyFile(record.latency)
    settings = pipeline.settings
    pipeline.forwarder = RecordingForwarder(upstream, pipeline.playback, settings.seed, target, latency_file)


def create_recorder(pipeline: ChatPipeline, record: RecordSettings, *, is_new: bool) -> Recorder:
    """Create a recorder with the masks of the settings. Raises InputError for an invalid expression."""
    try:
        mask = build_exchange_mask(record.masks, is_off=record.unmasked)
    except ValueError as error:
        raise InputError.from_message(str(error), "--mask") from None
    return Recorder(pipeline.router, mask, pipeline.fixtures.names, is_new=is_new)
