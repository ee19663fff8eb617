"""Compression of bodies with gzip, frame by frame, so that each event of a stream can be read when it arrives."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace

from mockserver.wire.answer import Answer, Ending, Frame, Header, index_headers

CONTENT_ENCODING = "content-encoding"
MAX_COMPRESSED_BODY = (
    1024 * 1024
)  # bytes; a longer body is sent as it is, so that the event loop is never busy
_GZIP_FORMAT = 16 + zlib.MAX_WBITS


def compress_answer(answer: Answer, accept_encoding: str) -> Answer:
    """Return the answer with its body compressed, if the client accepts gzip and the body is not encoded yet.

    Each frame stays one frame, so that the times of a delivery apply to both answers. Of a body that is not complete,
    as many bytes are missing as before.
    """
    size = sum(len(frame.data) for frame in answer.frames if not frame.raw)
    if not 0 < size <= MAX_COMPRESSED_BODY or answer.has_no_body or not accepts_gzip(accept_encoding):
        return answer
    headers = tuple(answer.headers)
    if CONTENT_ENCODING in index_headers(headers):
        return answer
    frames = gzip_frames(answer.frames, finish=answer.ending is Ending.FINISH)
    growth = sum(len(frame.data) for frame in frames if not frame.raw) - size
    return replace(
        answer,
        headers=(
            *(_adjust_length(header, growth) for header in headers),
            (CONTENT_ENCODING, "gzip"),
            ("vary", "accept-encoding"),
        ),
        frames=frames,
    )


def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether an Accept-Encoding header allows gzip (RFC 9110, 12.5.3)."""
    weights: dict[str, bool] = {}
    for part in accept_encoding.lower().split(","):
        name, _, weight = part.replace(" ", "").partition(";q=")
        weights[name] = weight.strip("0.") != "" or not weight
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", False)))


def gzip_frames(frames: Sequence[Frame], *, finish: bool) -> tuple[Frame, ...]:
    """Return the frames as parts of one gzip body, which has an end only with `finish`; raw frames are not changed."""
    compressor = zlib.compressobj(wbits=_GZIP_FORMAT)
    compressed = []
    for number, frame in enumerate(frames, 1):
        data = frame.data
        is_last = finish and number == len(frames)
        if not frame.raw and (data or is_last):
            mode = zlib.Z_FINISH if is_last else zlib.Z_SYNC_FLUSH
            data = compressor.compress(data) + compressor.flush(mode)
        compressed.append(replace(frame, data=data))
    return tuple(compressed)


def _adjust_length(header: Header, growth: int) -> Header:
    name, value = header
    return (name, str(int(value) + growth)) if name.lower() == "content-length" else header
