"""A picture costs by its size (OpenAI's vision guide): 85, and 170 for each tile of 512 once it has been scaled down.

The size stands in its first bytes, which a data URI brings along. What is behind another URL is not fetched, and taken
for a square that is scaled to 768, which makes four tiles.
"""

from __future__ import annotations

import binascii
import math
import struct

BASE_TOKENS, TILE_TOKENS = 85, 170
MAX_LONG_SIDE, MAX_SHORT_SIDE, TILE_SIDE = (
    2048,
    768,
    512,
)  # pixels: the square it must fit, its shorter side at most, a tile's
DEFAULT_SIZE = (1024, 1024)
MAX_BASE64_LENGTH = (
    400_000  # characters of base64: the size of a JPEG stands behind whatever its camera wrote
)


def count_image_tokens(image: object) -> int:
    """The tokens of an `image_url`: a URL, or a mapping of `url` and `detail`."""
    given = image if isinstance(image, dict) else {"url": image}
    if given.get("detail") == "low":
        return BASE_TOKENS
    width, height = read_image_size(given.get("url")) or DEFAULT_SIZE
    scale = min(1.0, MAX_LONG_SIDE / max(width, height))
    scale *= min(1.0, MAX_SHORT_SIDE / (min(width, height) * scale))
    return BASE_TOKENS + TILE_TOKENS * math.ceil(width * scale / TILE_SIDE) * math.ceil(
        height * scale / TILE_SIDE
    )


def read_image_size(url: object) -> tuple[int, int] | None:
    """Width and height in pixels, None where they cannot be seen."""
    head, comma, data = url.partition(";base64,") if isinstance(url, str) else ("", "", "")
    if not comma or head.partition(":")[0] != "data":
        return None
    try:
        read = _parse_size(
            binascii.a2b_base64(data[:MAX_BASE64_LENGTH][: min(len(data), MAX_BASE64_LENGTH) // 4 * 4])
        )
    except (binascii.Error, ValueError, struct.error):
        return None
    return read if read and min(read) > 0 else None


def _parse_size(data: bytes) -> tuple[int, int] | None:
    if data.startswith(b"\x89PNG"):
        return _unpack_pair(">II", data, 16)
    if data.startswith(b"GIF8"):
        return _unpack_pair("<HH", data, 6)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp_size(data)
    return _jpeg_size(data) if data.startswith(b"\xff\xd8") else None


def _unpack_pair(struct_format: str, data: bytes, offset: int) -> tuple[int, int]:
    first, second = struct.unpack_from(struct_format, data, offset)
    return first, second


def _webp_size(data: bytes) -> tuple[int, int] | None:
    match data[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            width, height = _unpack_pair("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        if data[at + 1] in FRAME_MARKERS:
            height, width = _unpack_pair(">HH", data, at + 5)
            return width, height
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return None


# The markers of a JPEG's frame; what is left out are its tables.
FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
