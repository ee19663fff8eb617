"""Token counts of images, by the sizes in OpenAI's vision guide."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.tokens.image_tokens import MAX_BASE64_LENGTH, count_image_tokens, read_image_size
from mockserver.tokens.token_count import MESSAGE_OVERHEAD, count_prompt_tokens


def uri(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x02\0\0\0" * 9


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\0" * 30


def jpeg(width: int, height: int, before: int = 30_000) -> bytes:
    camera = struct.pack(">HH", 0xFFE1, before + 2) + b"x" * before
    return b"\xff\xd8" + camera + struct.pack(">HHBHHB", 0xFFC2, 17, 8, height, width, 3) + b"\0" * 9


def webp(width: int, height: int, form: str = "VP8X") -> bytes:
    after = {
        "VP8X": b"\0" * 4 + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"),
        "VP8L": b"\x2f" + (width - 1 | height - 1 << 14).to_bytes(4, "little"),
        "VP8 ": b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height),
        "????": b"",
    }[form]
    return b"RIFF\0\0\0\0WEBP" + form.encode() + b"\0\0\0\0" + after + b"\0" * 9


@pytest.mark.parametrize(
    ("width", "height", "detail", "published"),
    [
        (1024, 1024, "high", 765),
        (2048, 4096, "high", 1105),
        (4096, 8192, "low", 85),
        (512, 512, "auto", 255),  # one tile
        (1, 1, None, 255),
        (200, 100_000, "high", 765),
    ],
)
def test_a_picture_costs_what_is_published(
    width: int, height: int, detail: str | None, published: int
) -> None:
    assert count_image_tokens({"url": uri(png(width, height)), "detail": detail}) == published
    message = {
        "content": [{"type": "image_url", "image_url": {"url": uri(png(width, height)), "detail": detail}}]
    }
    assert count_prompt_tokens([message], (), 0) == MESSAGE_OVERHEAD + published


@pytest.mark.parametrize(
    "data",
    [
        png(640, 480),
        gif(640, 480),
        jpeg(640, 480),
        *(webp(640, 480, form) for form in ("VP8X", "VP8L", "VP8 ")),
    ],
)
def test_a_size_is_read_from_the_first_bytes(data: bytes) -> None:
    assert read_image_size(uri(data)) == (640, 480)


@pytest.mark.parametrize(
    "url",
    [
        None,
        5,
        "https://example.com/cat.png",
        "data:image/png,plain",
        "http://x/;base64,iVBORw0KGgo=",
        "data:image/png;base64,*",
        "data:image/png;base64,A",
        uri(png(0, 5)),
        uri(png(5, 5)[:20]),
        uri(b"\xff\xd8\xff\xe1"),
        uri(b"\xff\xd8" + b"\0" * 20),
        uri(jpeg(640, 480, 60_000) * 9)[: MAX_BASE64_LENGTH // 9],
        uri(webp(5, 5, "????")),
        uri(b"<svg/>"),
    ],
)
def test_a_size_that_cannot_be_seen_is_that_of_a_square(url: object) -> None:
    assert read_image_size(url) is None
    assert count_image_tokens(url) == count_image_tokens({"url": url}) == 765


@given(
    st.binary(),
    st.sampled_from(
        [b"", b"\x89PNG", b"GIF8", b"\xff\xd8\xff\xe1", b"RIFF\0\0\0\0WEBPVP8X", b"RIFF\0\0\0\0WEBPVP8 "]
    ),
)
def test_no_picture_is_too_odd_to_cost_something(data: bytes, start: bytes) -> None:
    assert count_image_tokens(uri(start + data)) >= 255
