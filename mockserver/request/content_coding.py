"""Content codings of request bodies: gzip and deflate, and br and zstd if a library for them is installed.

https://www.rfc-editor.org/rfc/rfc9110#field.content-encoding
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

from mockserver.schema.messages import truncate_text

MAX_CODINGS = 3  # of one body; each may take as long as the first
_MAX_MEMBERS = 100  # of one gzip or zstd body: every member copies the rest of the body
_BROTLI_STEP = 65_536  # bytes; brotli exceeds a limit by up to this much
_MAX_WINDOW_LOG = 23  # of zstd, in memory: 8 MiB, as RFC 9659 demands of this coding
_GZIP_START, _ZSTD_START = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_ALIASES = {"x-gzip": "gzip"}  # RFC 9110, 8.4.1.3
_PACKAGES = {"br": "brotli", "zstd": "zstandard"}


class UnknownCodingError(ValueError):
    """The coding of a body is unknown, or its library is not installed."""


class BodyTooLargeError(ValueError):
    """The decoded body is larger than the limit."""


class Decompressor(Protocol):
    """The decoder of one member, as in zlib and compression.zstd."""

    @property
    def eof(self) -> bool:
        """Return whether the end of the member was reached."""
        ...

    @property
    def unused_data(self) -> bytes:
        """Return the bytes after that end."""
        ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return at most `max_length` bytes."""
        ...


def parse_content_codings(header: str) -> tuple[str, ...]:
    """Return the codings in a Content-Encoding header, in lower case, in the order in which they were applied.

    Raises UnknownCodingError for one that cannot be decoded, or for too many.
    """
    names = [name.strip().lower() for name in header.split(",")]
    codings = tuple(_ALIASES.get(name, name) for name in names if name not in ("", "identity"))
    for coding in codings:
        if coding not in _DECODERS or _DECODERS[coding]() is None:
            known = ", ".join(name for name, find in _DECODERS.items() if find() is not None)
            hint = (
                f" (the server can read it with pip install {_PACKAGES[coding]})"
                if coding in _PACKAGES
                else ""
            )
            raise UnknownCodingError(
                f"Content-Encoding: found {truncate_text(coding)!r}{hint}, expected {known}"
            )
    if len(codings) > MAX_CODINGS:
        raise UnknownCodingError(
            f"Content-Encoding: found {len(codings)} codings, expected at most {MAX_CODINGS}"
        )
    return codings


def decode_body(body: bytes, header: str, limit: int) -> bytes:
    """Undo the codings in a Content-Encoding header; no result of a coding is longer than `limit` bytes.

    Raises UnknownCodingError; BodyTooLargeError as soon as the limit is exceeded; and ValueError if the body is
    not what the header says.
    """
    for coding in reversed(parse_content_codings(header)):
        decode = _DECODERS[coding]()
        assert decode is not None  # noqa: S101 checked by parse_content_codings
        try:
            body = decode(body, limit)
        except BodyTooLargeError:
            raise
        except Exception as error:  # noqa: BLE001 each library has its own class of errors
            raise ValueError(f"Content-Encoding: the body is not valid {coding}: {error}") from None
    return body


BodyDecoder = Callable[[bytes, int], bytes]


def _decode_members(
    body: bytes, limit: int, create: Callable[[], Decompressor], next_start: bytes | None
) -> bytes:
    """Decode a body of one or, if each begins with `next_start`, several members."""
    pieces: list[bytes] = []
    room = limit + 1  # bytes; one more than allowed, because 0 means no limit
    for _ in range(_MAX_MEMBERS):
        member = create()
        piece = member.decompress(body, room)
        pieces.append(piece)
        room -= len(piece)
        if room <= 0:
            raise BodyTooLargeError
        if not member.eof:
            raise ValueError("it ends too early")
        body = member.unused_data
        if not body:
            return b"".join(pieces)
        if next_start is None or not body.startswith(next_start):
            raise ValueError(f"{len(body):,} bytes follow its end")
    raise ValueError(f"it has more than {_MAX_MEMBERS} members")


def _decode_gzip(body: bytes, limit: int) -> bytes:
    return _decode_members(body, limit, lambda: zlib.decompressobj(16 + zlib.MAX_WBITS), _GZIP_START)


def _decode_deflate(body: bytes, limit: int) -> bytes:
    # RFC 9110, 8.4.1.2: "deflate" is the zlib format, but some clients send the data without its header.
    has_header = len(body) > 1 and body[0] & 15 == 8 and int.from_bytes(body[:2]) % 31 == 0
    bits = zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS
    return _decode_members(body, limit, lambda: zlib.decompressobj(bits), None)


def _find_brotli() -> BodyDecoder | None:
    brotli = _import_first("brotli")
    # Before 1.2 brotli has no limit for its output.
    if brotli is None or not hasattr(brotli.Decompressor, "can_accept_more_data"):
        return None
    return lambda body, limit: _decode_brotli(brotli.Decompressor(), body, limit)


def _decode_brotli(decompressor: Any, body: bytes, limit: int) -> bytes:
    pieces, size = [], 0
    while not decompressor.is_finished():
        piece = decompressor.process(body, output_buffer_limit=_BROTLI_STEP)
        if not piece and not body:
            raise ValueError("it ends too early")
        pieces.append(piece)
        size += len(piece)
        body = b""
        if size > limit:
            raise BodyTooLargeError
    return b"".join(pieces)


def _find_zstd() -> BodyDecoder | None:
    module = _import_first("compression.zstd", "backports.zstd")
    if module is not None:
        options = {module.DecompressionParameter.window_log_max: _MAX_WINDOW_LOG}

        def create() -> Decompressor:
            decompressor: Decompressor = module.ZstdDecompressor(options=options)
            return decompressor
    else:
        zstandard = _import_first("zstandard")
        if zstandard is None:
            return None

        def create() -> Decompressor:
            return _ZstandardDecompressor(zstandard)

    return lambda body, limit: _decode_members(body, limit, create, _ZSTD_START)


class _ZstandardDecompressor:
    """Adapter of the package zstandard, one of whose decoders has a limit, and another one the end of a frame."""

    def __init__(self, module: Any) -> None:
        self._decoder = module.ZstdDecompressor(max_window_size=1 << _MAX_WINDOW_LOG)
        self.eof, self.unused_data = False, b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most `max_length` bytes."""
        start: bytes = self._decoder.stream_reader(data).read(max_length)
        if len(start) == max_length:
            return start
        frame = self._decoder.decompressobj()
        whole: bytes = frame.decompress(data)  # as long as `start`
        self.eof, self.unused_data = frame.eof, frame.unused_data
        return whole


def _import_first(*names: str) -> Any:
    """Return the first of the modules that is installed, None if there is none."""
    for name in names:
        try:
            return import_module(name)
        except ImportError:
            continue
    return None


_DECODERS: dict[str, Callable[[], BodyDecoder | None]] = {
    "gzip": lambda: _decode_gzip,
    "deflate": lambda: _decode_deflate,
    "br": _find_brotli,
    "zstd": _find_zstd,
}
