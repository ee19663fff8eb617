"""Segmind's own SDK: chat by messages and by prompt, jobs, an image, a document, and the error for each status."""

import os
from importlib.metadata import version

from segmind import SegmindClient
from segmind.chat import image_url
from segmind.exceptions import SegmindError
from segmind.v2 import InferenceFailed


def client(key: str = "SG_0123456789abcdef") -> SegmindClient:
    return SegmindClient(api_key=key, base_url=os.environ["MOCKSERVER_URL"] + "/segmind/v1")


picture = [{"type": "text", "text": "What's in this image?"}, image_url("https://example.com/image.jpg")]
seen = client().chat_sync("o1-preview", messages=[{"role": "user", "content": picture}])
assert (
    seen.text == "I can see a beautiful sunset over the ocean with vibrant orange and pink hues in the sky."
)
assert seen.usage == {"prompt_tokens": 56, "completion_tokens": 31, "total_tokens": 87}
assert seen.finish_reason == "stop"
assert seen.raw["id"] == "chat_abc123"

said = client().chat_sync("o1-preview", messages=[{"role": "user", "content": "mock words"}])
assert said.text == client().chat_sync("o1-preview", prompt="mock words").text == "One word at a time."
assert client().run_sync("o1-preview", prompt="mock words").json()["choices"]
assert client().chat_sync("o1-preview", prompt="mock json").json() == {"sentiment": "positive", "score": 0.93}
# By default the SDK submits a job and polls it.
assert client().chat("o1-preview", prompt="mock words").text == "One word at a time."
assert (
    client().chat("o1-preview", messages=[{"role": "user", "content": "mock words"}]).finish_reason == "stop"
)
result = client().run("o1-preview", prompt="mock words")
assert (result["status"], list(result)) == ("COMPLETED", ["status", "request_id", "output", "metrics"])
job = client().submit_async("o1-preview", prompt="mock words")
assert (job.submit_response["status"], job.status()["status"]) == ("QUEUED", "COMPLETED")
try:
    client().chat("o1-preview", prompt="mock busy")
except InferenceFailed as error:
    assert error.detail == "Service unavailable"  # noqa: PT017
else:
    raise AssertionError("the job did not fail")

made = client().chat_sync(
    "o1-preview", prompt="A JSON object, please.", response_format={"type": "json_object"}
)
assert isinstance(made.json(), dict)

for status in (400, 401, 402, 403, 404, 406, 410, 429, 500, 502, 504):
    try:
        client(f"SG_mock-{status}").chat_sync("o1-preview", prompt="Hi")
    except SegmindError as error:
        assert error.status == status  # noqa: PT017
        assert error.detail  # noqa: PT017 the top-level `error`, which is a text
    else:
        raise AssertionError(f"{status} was no error")
try:
    client("SG_mock-insufficient_credits").chat_sync("o1-preview", prompt="Hi")
except SegmindError as error:
    assert error.status == 406  # noqa: PT017

print("segmind", version("segmind"))  # noqa: T201
