"""Tests of content codings: every library, several codings and members, invalid bodies, and the limit."""

from __future__ import annotations

import gzip
import sys
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from mockserver.request.content_coding import (
    MAX_CODINGS,
    BodyTooLargeError,
    UnknownCodingError,
    decode_body,
)

brotli = pytest.importorskip("brotli")
zstandard = pytest.importorskip("zstandard")
zstd = pytest.importorskip("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")

TEXT = b'{"model": "m", "messages": []}' * 20
LIMIT = len(TEXT)


def deflate_without_header(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


ENCODERS: dict[str, list[Callable[[bytes], bytes]]] = {
    "gzip": [gzip.compress],
    "x-gzip": [gzip.compress],
    "deflate": [zlib.compress, deflate_without_header],
    "br": [brotli.compress],
    "zstd": [zstandard.compress, zstd.compress],
}
EACH = [(coding, encode) for coding, encoders in ENCODERS.items() for encode in encoders]
each_encoder = pytest.mark.parametrize(("coding", "encode"), EACH)


@pytest.fixture(params=["compression.zstd", "backports.zstd", "zstandard"], autouse=True)
def zstd_library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Leave only one library for zstd importable."""
    libraries = {"compression.zstd": zstd, "backports.zstd": zstd, "zstandard": zstandard}
    for name, module in libraries.items():
        monkeypatch.setitem(sys.modules, name, module if name == request.param else None)
    return str(request.param)


@each_encoder
def test_a_body_is_decoded_up_to_the_limit(coding: str, encode: Callable[[bytes], bytes]) -> None:
    body = encode(TEXT)
    assert decode_body(body, coding, LIMIT) == TEXT
    assert decode_body(body, f" {coding.upper()} ,identity,", LIMIT) == TEXT
    with pytest.raises(BodyTooLargeError):
        decode_body(body, coding, LIMIT - 1)


@each_encoder
def test_a_bomb_is_not_decoded(coding: str, encode: Callable[[bytes], bytes]) -> None:
    bomb = encode(bytes(10_000_000))
    tracemalloc.start()
    with pytest.raises(BodyTooLargeError):
        decode_body(bomb, coding, LIMIT)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


@each_encoder
def test_an_invalid_body_is_an_error(coding: str, encode: Callable[[bytes], bytes]) -> None:
    body = encode(TEXT)
    name = coding.removeprefix("x-")
    for invalid in (body[:-3], body[: len(body) // 2], b"no such thing", b"\xff" * 40, body + b"junk"):
        with pytest.raises(ValueError, match=f"Content-Encoding: the body is not valid {name}: .") as caught:
            decode_body(invalid, coding, LIMIT)
        assert not isinstance(caught.value, BodyTooLargeError | UnknownCodingError)


@pytest.mark.parametrize(("coding", "encode"), [("gzip", gzip.compress), ("zstd", zstd.compress)])
def test_members_are_joined_and_their_number_is_limited(
    coding: str, encode: Callable[[bytes], bytes]
) -> None:
    assert decode_body(encode(TEXT[:9]) + encode(b"") + encode(TEXT[9:]), coding, LIMIT) == TEXT
    with pytest.raises(BodyTooLargeError):
        decode_body(encode(TEXT) + encode(b"x"), coding, LIMIT)
    with pytest.raises(ValueError, match="it has more than 100 members"):
        decode_body(encode(b"") * 101, coding, LIMIT)


def test_several_codings_are_undone_in_reverse_order() -> None:
    body = brotli.compress(zlib.compress(gzip.compress(TEXT)))
    assert decode_body(body, "gzip, deflate, br", LIMIT) == TEXT
    assert decode_body(gzip.compress(gzip.compress(TEXT)), "gzip, gzip", LIMIT) == TEXT
    with pytest.raises(ValueError, match="the body is not valid gzip"):
        decode_body(body, "br, deflate, gzip", LIMIT)


def test_every_result_of_several_codings_is_limited() -> None:
    with pytest.raises(BodyTooLargeError):
        decode_body(gzip.compress(gzip.compress(bytes(10_000_000))), "gzip, gzip", LIMIT)


@pytest.mark.parametrize("header", ["", "identity", " , Identity"])
def test_without_a_coding_a_body_stays_as_it_is(header: str) -> None:
    assert decode_body(TEXT, header, 0) == TEXT


def test_an_unknown_coding_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownCodingError, match=r"found 'snappy', expected gzip, deflate, br, zstd$"):
        decode_body(TEXT, "gzip, snappy", LIMIT)
    with pytest.raises(UnknownCodingError, match=f"found {MAX_CODINGS + 1} codings, expected at most"):
        decode_body(TEXT, ", ".join(["gzip"] * (MAX_CODINGS + 1)), LIMIT)


def test_a_coding_without_its_library_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("brotli", "compression.zstd", "backports.zstd", "zstandard"):
        monkeypatch.setitem(sys.modules, name, None)
    for coding, package in (("br", "brotli"), ("zstd", "zstandard")):
        message = rf"found '{coding}' \(the server can read it with pip install {package}\), expected gzip, deflate$"
        with pytest.raises(UnknownCodingError, match=message):
            decode_body(TEXT, coding, LIMIT)


def test_a_brotli_without_a_limit_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brotli, "Decompressor", object)
    with pytest.raises(UnknownCodingError, match="found 'br'"):
        decode_body(TEXT, "br", LIMIT)


def test_a_zstd_window_is_limited() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()  # without a known size
    with pytest.raises(ValueError, match="the body is not valid zstd"):
        decode_body(compressor.compress(TEXT) + compressor.flush(), "zstd", LIMIT)
