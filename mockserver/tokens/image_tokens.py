"""Token counts of images, by their size in pixels, as OpenAI's vision guide defines them.

An image costs 85 tokens, and 170 for each tile of 512 x 512 pixels after it has been scaled down. The size is read from
the data of a data URI. Images behind other URLs are not fetched; they count as 1024 x 1024, which gives four tiles.
"""

from __future__ import annotations

import binascii
import math
import struct

BASE_TOKENS, TILE_TOKENS = 85, 170
MAX_LONG_SIDE, MAX_SHORT_SIDE, TILE_SIDE = 2048, 768, 512  # pixels
DEFAULT_SIZE = (1024, 1024)
MAX_BASE64_LENGTH = 400_000  # characters; in a JPEG the size follows the camera's metadata


def count_image_tokens(image: object) -> int:
    """Return the tokens of an `image_url`: a URL, or a mapping with `url` and `detail`."""
    fields = image if isinstance(image, dict) else {"url": image}
    if fields.get("detail") == "low":
        return BASE_TOKENS
    width, height = read_image_size(fields.get("url")) or DEFAULT_SIZE
    scale = min(1.0, MAX_LONG_SIDE / max(width, height))
    scale *= min(1.0, MAX_SHORT_SIDE / (min(width, height) * scale))
    return BASE_TOKENS + TILE_TOKENS * math.ceil(width * scale / TILE_SIDE) * math.ceil(
        height * scale / TILE_SIDE
    )


def read_image_size(url: object) -> tuple[int, int] | None:
    """Return width and height in pixels; None if the URL is not a data URI of a known format."""
    head, comma, data = url.partition(";base64,") if isinstance(url, str) else ("", "", "")
    if not comma or head.partition(":")[0] != "data":
        return None
    try:
        end = min(len(data), MAX_BASE64_LENGTH) // 4 * 4
        size = _parse_size(binascii.a2b_base64(data[:end]))
    except (binascii.Error, ValueError, struct.error):
        return None
    return size if size and min(size) > 0 else None


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
    offset = 2
    while offset + 9 <= len(data) and data[offset] == 0xFF:
        if data[offset + 1] in FRAME_MARKERS:
            height, width = _unpack_pair(">HH", data, offset + 5)
            return width, height
        offset += 2 + int.from_bytes(data[offset + 2 : offset + 4])
    return None


# The markers SOF0 to SOF15 of a JPEG; C4, C8 and CC in this range have another meaning (ITU-T T.81, table B.1).
FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
