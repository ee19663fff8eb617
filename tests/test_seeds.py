"""The samples of the vendors' own pages run as they stand there, but for the host, and hear what is printed there."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
from typing import Any

import pytest

from mockserver.testing import MockServer

# Python, from the pages.

AIMLAPI = """
import requests

response = requests.post(
    "https://api.aimlapi.com/v1/chat/completions",
    headers={
        "Content-Type":"application/json", 

        # Insert your AIML API Key instead of <YOUR_AIMLAPI_KEY>:
        "Authorization":"Bearer <YOUR_AIMLAPI_KEY>",
        "Content-Type":"application/json"
    },
    json={
        "model":"o1-preview",
        "messages":[
            {
                "role":"user",

                # Insert your question for the model here, instead of Hello:
                "content":"Hello"
            }
        ]
    }
)

data = response.json()
print(data)
"""  # noqa: W291

SEGMIND = """
import requests

url = "https://api.segmind.com/v1/o1-preview"

headers = {
 "Authorization": "Bearer YOUR_API_KEY",
 "Content-Type": "application/json"
}

data = {
 "messages": [
 {
 "role": "user",
 "content": [
 {
 "type": "text",
 "text": "What's in this image?"
 },
 {
 "type": "image_url",
 "image_url": {
 "url": "https://example.com/image.jpg"
 }
 }
 ]
 }
 ]
}

response = requests.post(url, json=data, headers=headers)
print(response.json())
"""

OMIXA = """
import requests
response = requests.post(
'http://omixa.cloud/api/v1/chat/completions',
headers={'Authorization': 'Bearer omx_live_xxx', 'Content-Type': 'application/json'},
json={
"model": "o1-preview",
"messages": [
{
"role": "system",
"content": "You are a concise API assistant."
},
{
"role": "user",
"content": "Explain this model in three practical bullet points."
}
],
"stream": False,
"max_tokens": 2048,
"reasoning_effort": "low",
"show_thinking": True,
"service_tier": "priority",
"tools": [
{
"type": "function",
"function": {
"name": "lookup_order",
"description": "Return order status by ID.",
"parameters": {
"type": "object",
"properties": {
"order_id": {
"type": "string"
}
},
"required": [
"order_id"
]
}
}
}
],
"tool_choice": "auto"
}
)
print(response.json())
"""

# A shell's, from Omixa's page.
CURL = r"""
curl -X POST http://omixa.cloud/api/v1/chat/completions \
-H "Authorization: Bearer omx_live_xxx" \
-H "Content-Type: application/json" \
-d '{
"model": "o1-preview",
"messages": [
{
"role": "system",
"content": "You are a concise API assistant."
},
{
"role": "user",
"content": "Explain this model in three practical bullet points."
}
],
"stream": false,
"max_tokens": 2048,
"reasoning_effort": "low",
"show_thinking": true,
"service_tier": "priority",
"tools": [
{
"type": "function",
"function": {
"name": "lookup_order",
"description": "Return order status by ID.",
"parameters": {
"type": "object",
"properties": {
"order_id": {
"type": "string"
}
},
"required": [
"order_id"
]
}
}
}
],
"tool_choice": "auto"
}'
"""

# The answers, as the pages print them.

O1_PREVIEW = {
    "id": "chatcmpl-BKKpI0JfeT6hYQhatlgyijpt72Pjl",
    "object": "chat.completion",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {
                "role": "assistant",
                "content": "Hello! How can I assist you today?",
                "refusal": None,
                "annotations": [],
            },
        }
    ],
    "created": 1744186316,
    "model": "o1-preview-2024-09-12",
    "usage": {
        "prompt_tokens": 284,
        "completion_tokens": 51786,
        "total_tokens": 52070,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 384,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    },
    "system_fingerprint": "fp_c85cae2a90",
}
O1_MINI = {
    "id": "chatcmpl-BKKnquKIY17xB6bAmtOLHdcyaGX8t",
    "object": "chat.completion",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {
                "role": "assistant",
                "content": "Hello! 😊 How can I help you today?",
                "refusal": None,
                "annotations": [],
            },
        }
    ],
    "created": 1744186226,
    "model": "o1-mini-2024-09-12",
    "usage": {
        "prompt_tokens": 57,
        "completion_tokens": 2167,
        "total_tokens": 2224,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 64,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    },
    "system_fingerprint": "fp_e8044cf94c",
}
O3_MINI = {
    "id": "chatcmpl-BKKqDz4BBMnR8lWHTwwUiInJtdup0",
    "object": "chat.completion",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {
                "role": "assistant",
                "content": "Hello there! How can I help you today?",
                "refusal": None,
                "annotations": [],
            },
        }
    ],
    "created": 1744186373,
    "model": "o3-mini-2025-01-31",
    "usage": {
        "prompt_tokens": 16,
        "completion_tokens": 2559,
        "total_tokens": 2575,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 256,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    },
    "system_fingerprint": "fp_617f206dd9",
}
# Of another page of the same day; not one of the seeds.
O1 = {
    "id": "chatcmpl-BKKmwhCaUyWjRrBdZLw0CjOwJq9wo",
    "object": "chat.completion",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "logprobs": None,
            "message": {
                "role": "assistant",
                "content": "Hello there! How can I help you today?",
                "refusal": None,
                "annotations": [],
            },
        }
    ],
    "created": 1744186170,
    "model": "o1-2024-12-17",
    "usage": {
        "prompt_tokens": 221,
        "completion_tokens": 2646,
        "total_tokens": 2867,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    },
    "system_fingerprint": "fp_688960522e",
}

SUNSET = """
{
"id": "chat_abc123",
"object": "chat.completion",
"created": 1677652288,
"model": "o1-preview",
"choices": [
{
"index": 0,
"message": {
"role": "assistant",
"content": "I can see a beautiful sunset over the ocean with vibrant orange and pink hues in the sky."
},
"finish_reason": "stop"
}
],
"usage": {
"prompt_tokens": 56,
"completion_tokens": 31,
"total_tokens": 87
}
}
"""

BULLETS = """
{
"object": "chat.completion",
"choices": [
{
"message": {
"role": "assistant",
"content": "..."
}
}
],
"usage": {
"prompt_tokens": 123,
"completion_tokens": 45,
"total_tokens": 168
}
}
"""

LOCAL = "127.0.0.1,localhost"


@pytest.mark.parametrize(
    ("model", "status", "printed"),
    [("o1-preview", 201, O1_PREVIEW), ("o1-mini", 201, O1_MINI), ("o3-mini", 200, O3_MINI), ("o1", 200, O1)],
)
def test_aimlapis_samples_hear_what_is_printed_key_by_key_in_order(
    server: MockServer, model: str, status: int, printed: dict[str, Any]
) -> None:
    heard, response = run(
        AIMLAPI.replace("o1-preview", model), "https://api.aimlapi.com", f"{server.url}/aimlapi"
    )
    assert heard == repr(printed) + "\n"
    assert response.status_code == status


def test_segminds_sample_hears_what_is_printed_key_by_key_in_order(server: MockServer) -> None:
    heard, response = run(SEGMIND, "https://api.segmind.com", f"{server.url}/segmind")
    assert heard == repr(json.loads(SUNSET)) + "\n"
    assert response.status_code == 200


def test_omixas_sample_hears_what_is_printed_and_what_sdks_need_besides(server: MockServer) -> None:
    heard, response = run(OMIXA, "http://omixa.cloud", f"{server.url}/omixa")
    assert response.status_code == 200
    assert heard == repr(response.json()) + "\n"
    assert_bullets(response.json())


@pytest.mark.parametrize("sample", [AIMLAPI, SEGMIND, OMIXA], ids=["aimlapi", "segmind", "omixa"])
def test_a_sample_needs_no_vendors_prefix_because_its_path_says_who_is_asked(
    server: MockServer, sample: str
) -> None:
    hosts = ("https://api.aimlapi.com", "https://api.segmind.com", "http://omixa.cloud")
    host = next(host for host in hosts if host in sample)
    _, response = run(sample, host, server.url)
    assert response.headers["x-mock-fixture"] in ("hello%20o1-preview", "sunset", "three%20bullet%20points")


@pytest.mark.skipif(
    shutil.which("curl") is None and os.environ.get("CI") != "true",
    reason="curl is not installed: Omixa's shell sample cannot run (in CI it must)",
)
def test_omixas_shell_sample_hears_what_is_printed_and_what_sdks_need_besides(server: MockServer) -> None:
    command = CURL.replace("http://omixa.cloud", f"{server.url}/omixa").strip()
    ran = subprocess.run(
        ["sh", "-c", command],
        capture_output=True,
        check=True,
        timeout=20,
        env={**os.environ, "NO_PROXY": LOCAL},
    )
    assert_bullets(json.loads(ran.stdout))


def assert_bullets(heard: dict[str, Any]) -> None:
    """Everything that Omixa prints is there with its value; the keys it does not print are these."""
    printed = json.loads(BULLETS)
    assert {key: heard[key] for key in printed} | {"choices": printed["choices"]} == printed
    assert list(heard) == ["id", "object", "created", "model", "choices", "usage"]
    assert [one["message"] for one in heard["choices"]] == [one["message"] for one in printed["choices"]]
    assert [list(one) for one in heard["choices"]] == [["index", "message", "finish_reason"]]
    assert list(heard["usage"]) == list(printed["usage"])


def run(sample: str, host: str, url: str) -> tuple[str, Any]:
    """What a sample prints with another host, and the response it was given."""
    assert host in sample
    names: dict[str, Any] = {}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(sample.replace(host, url), names)
    return printed.getvalue(), names["response"]
