"""Nothing that is secret or personal is written to disk, and a replay gives the live values back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from mockserver.data_masking.masking_rules import BUILT_IN_RULES
from mockserver.data_masking.stream_texts import StreamTexts, mask_joined
from mockserver.data_masking.value_masker import ValueMasker
from mockserver.matching.fixture_set import find_first_match
from mockserver.matching.loader import load_fixture_set
from mockserver.recording.exchange import Exchange, build_exchange_request
from mockserver.recording.exchange_mask import ExchangeMask, build_exchange_mask
from mockserver.recording.fixture_writer import NoFixtureError
from mockserver.recording.recorder import Recorder
from mockserver.recording.restored_values import restore_values
from mockserver.rendering.templated_response import fill_response_template
from mockserver.schema.yaml_document import load_document
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.sse import DONE_EVENT, encode_sse_comment, encode_sse_event
from tests.recording.test_recorder import ROUTER
from tests.recording.test_recorder import make_exchange as make_plain_exchange

JSON_TYPE = (("content-type", "application/json"),)
SSE_TYPE = (("content-type", "text/event-stream"),)
# Keys are made of two parts, so that no scanner of code takes them for real ones.
SECRETS = [
    "jane.doe@example.com", "jörg@müller.de", "o'neill+x@mail.example.co.uk",
    "+49 170 1234567", "(555) 123-4567", "0171/2345678", "212-555-1234",
    "4111 1111 1111 1111", "5500005555555559", "3782 822463 10005",
    "sk-" + "proj-AbCdEf0123456789", "sk-" + "ant-api03-AbCdEf0123456789", "AKIA" + "IOSFODNN7EXAMPLE",
    "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345", "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY",
    "AIza" + "SyA0123456789abcdefghijklmnopqrstu", "xoxb-" + "123456789012-abcdef",
    "hf_" + "abcdefghijklmnopqrst12345678901234", "glpat-" + "abcdefghij0123456789",
    "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4f",
    "SG." + "abcdefghij0123456789ab.abcdefghij0123456789abc",
    "-----BEGIN PRIVATE KEY-----\nMIIEow\nAB+c=\n-----END PRIVATE KEY-----",
    "Zx3kQ9vLr2TnW8yBc5Mp", "q7Kd-Zx3kQ9vLr2TnW8yBc5MpTfH-4g", "8fJ2kLmN5pQrS7tUvWxY3zAb",
    "/home/jane", "/Users/jdoe", "C:\\Users\\jdoe",
    "cust-77120", "hunter2-in-the-cookie",
]  # fmt: skip
HEADERS = (
    *JSON_TYPE,
    ("authorization", "Bearer hunter2-in-the-header"),
    ("cookie", "a=1"),
    ("cookie", "sid=hunter2-in-the-cookie"),
    ("x-mail", "jane.doe@example.com"),
)
MASK = build_exchange_mask((r"cust-\d+",))


def make_exchange(said: Any, user: str = "Hi", *more: Any, **body: Any) -> Exchange:
    """Return an exchange of a request with secrets in its head, answered by a response in the words of fixtures."""
    messages = [{"role": "user", "content": user}, *more]
    exchange = make_plain_exchange(said, messages=messages, **body)
    return replace(exchange, query="api_key=hunter2-in-the-query", headers=HEADERS)


def stream(deltas: list[Any]) -> Answer:
    """Return the answer of a stream, its bytes in frames that do not end with an event."""
    chunks = [
        {"id": "chatcmpl-1", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        for delta in deltas
    ]
    chunks.append({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    data = b"".join(encode_sse_event(orjson.dumps(chunk)) for chunk in chunks) + DONE_EVENT
    frames = [Frame(data[start : start + 50], 0.001) for start in range(0, len(data), 50)]
    return Answer(200, SSE_TYPE, tuple(frames), 0.2, streamed=True)


def split(text: str) -> list[str]:
    """Return a text in pieces of three letters, which no secret survives."""
    return [text[start : start + 3] for start in range(0, len(text), 3)]


def plant(text: str) -> Iterator[Exchange]:
    """Yield exchanges with a text wherever a request, an answer, a stream or an error can have one."""
    quoted = orjson.dumps({"note": f"1\n{text}"}).decode()
    call = {"id": "call_1", "type": "function", "function": {"name": "note", "arguments": quoted}}
    tool = {"type": "function", "function": {"name": "note", "description": text, "parameters": {}}}
    yield make_exchange({"text": text}, text)
    yield make_exchange(
        {"tool_calls": [{"name": "note", "arguments": {text: [text]}}]}, "Call.", tools=[tool]
    )
    turn = (
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": text},
    )
    yield make_exchange({"text": quoted, "reasoning": text}, "Called.", *turn, metadata={"note": text})
    yield make_exchange({"refusal": text}, "Refuse.", {"role": "system", "content": text})
    yield make_exchange({"chunks": split(text)}, "Stream.", stream=True)
    yield make_exchange(
        {"tool_calls": [{"name": "note", "arguments": quoted}]}, "Stream a call.", stream=True
    )
    pieces = [{"index": 0, "function": {"arguments": piece}} for piece in split(quoted)]
    yield make_exchange(stream([{"tool_calls": [one]} for one in pieces]), "Stream an odd call.", stream=True)
    extra = [{"content": piece, "vendor": {"x": 1}} for piece in split(text)]
    yield make_exchange(stream(extra), "Stream with extras.", stream=True)
    plain = b"".join(encode_sse_event(piece.encode()) for piece in split(text)) + encode_sse_comment(text)
    words = Answer(200, SSE_TYPE, (Frame(plain + text.encode()),), streamed=True)
    yield make_exchange(words, "Stream words.", stream=True)
    error = {"error": {"message": text, "type": "invalid_request_error", "code": "x", "param": None}}
    yield make_exchange(
        {"error": 429, "message": text, "headers": {"x-note": text.replace("\n", " ")}}, "Fail."
    )
    for status, body in ((400, orjson.dumps(error)), (502, text.encode()), (500, text.encode("utf-16"))):
        headers = (
            *JSON_TYPE,
            ("x-note", text.replace("\n", " ")),
            ("set-cookie", "sid=hunter2-in-the-cookie"),
        )
        yield make_exchange(Answer(status, headers, (Frame(body),)), f"Fail with {status}.")


def test_thirty_secrets_are_planted_and_none_is_found_on_disk(tmp_path: Path) -> None:
    assert len(set(SECRETS)) == 30
    recorder = Recorder(ROUTER, MASK)
    for exchange in plant("".join(f"It is {secret}, indeed. " for secret in SECRETS)):
        recorder.record(exchange, tmp_path)
    texts = [path.name + path.read_text() for path in tmp_path.iterdir()]
    assert len(texts) == 13
    for secret in (*SECRETS, "hunter2"):
        forms = [secret, orjson.dumps(secret).decode()[1:-1], secret.replace("'", "''"), ascii(secret)[1:-1]]
        assert not [text for text in texts for form in forms if form in text], secret
    for values in recorder.masked_values.values():
        assert len(values) >= 29


def replay(folder: Path, exchange: Exchange) -> Any:
    """Return the response that answers the request of an exchange from the files of a folder."""
    request = build_exchange_request(exchange, ROUTER)
    found = find_first_match(request, load_fixture_set([folder]), {})
    assert found is not None
    if not found.response.template:
        return found.response
    return fill_response_template(request, found.fixture, found.response, 0)


def test_a_replay_gives_the_values_of_its_request_back(tmp_path: Path) -> None:
    said = "Mail {{jane@x.de}} or {jane@x.de} {% if %}, not bob@x.de.\r\n"
    recorder = Recorder(ROUTER)
    recorder.record(make_exchange({"text": said}, "I am jane@x.de."), tmp_path)
    (path,) = tmp_path.iterdir()
    assert path.name == "i-am-email-1.yaml"
    document: Any = load_document(path).value
    assert document["masked"] == list(BUILT_IN_RULES.labels)
    assert document["fixtures"][0]["match"]["user"] == {"equals": "I am <email-1>."}
    assert recorder.masked_values == {path: {"jane@x.de", "bob@x.de"}}
    answer = replay(tmp_path, make_exchange("Hi", "I am ann@y.org.")).all_choices[0].content
    assert answer == said.replace("jane@x.de", "ann@y.org").replace("bob@x.de", "<email-2>")


def test_a_conversation_replays_with_the_placeholders_of_its_answers(tmp_path: Path) -> None:
    recorder = Recorder(ROUTER)
    first = make_exchange({"text": "Ask bob@x.de."}, "I am jane@x.de.")
    recorder.record(first, tmp_path)
    history = {"role": "assistant", "content": "Ask bob@x.de."}, {"role": "user", "content": "And ann@x.de?"}
    recorder.record(make_exchange({"text": "Or ann@x.de."}, "I am jane@x.de.", *history), tmp_path)
    answer = replay(tmp_path, first).all_choices[0].content
    assert answer == "Ask <email-2>."
    again = {"role": "assistant", "content": answer}, {"role": "user", "content": "And eve@x.de?"}
    second = make_exchange("Hi", "I am jane@x.de.", *again)
    assert replay(tmp_path, second).all_choices[0].content == "Or eve@x.de."


def test_streams_calls_and_choices_give_values_back(tmp_path: Path) -> None:
    recordings: list[tuple[str, Any, dict[str, Any]]] = [
        (
            "Call jane@x.de.",
            {"tool_calls": [{"name": "note", "arguments": {"to": ["jane@x.de"], "n": 1}}]},
            {},
        ),
        ("Choose jane@x.de.", {"choices": ["0 jane@x.de", {"text": "1 jane@x.de"}]}, {"n": 2}),
        ("Stream jane@x.de.", {"chunks": ["To ja", "ne@x", ".de", " now"]}, {"stream": True}),
        ("JSON of jane@x.de.", {"json": {"to": "jane@x.de"}}, {}),
    ]
    recorder = Recorder(ROUTER)
    for prompt, said, fields in recordings:
        recorder.record(make_exchange(said, prompt, **fields), tmp_path)
    called, chosen, streamed, as_json = (
        replay(tmp_path, make_exchange("Hi", prompt.replace("jane", "ann"), **fields))
        for prompt, _, fields in recordings
    )
    assert called.choices[0].tool_calls[0].arguments == {"to": ["ann@x.de"], "n": 1}
    assert [one.text for one in chosen.choices] == ["0 ann@x.de", "1 ann@x.de"]
    assert streamed.choices[0].content == "To ann@x.de now"
    assert as_json.choices[0].json == {"to": "ann@x.de"}


def test_raw_responses_give_values_back_as_json_quotes_them(tmp_path: Path) -> None:
    user, home = (
        "I am jane@x.de in C:\\Users\\jane.",
        '{"from": "jane@x.de",\n  "home": "C:\\\\Users\\\\jane", "other": "{{x}}"}',
    )
    raw = Answer(200, JSON_TYPE, (Frame(home[:20].encode(), 0.1), Frame(home[20:].encode(), 0.2)))
    Recorder(ROUTER).record(make_exchange(raw, user), tmp_path)
    response = replay(tmp_path, make_exchange(raw, user.replace("jane", "ann")))
    assert orjson.loads(response.raw.body) == {"from": "ann@x.de", "home": "C:\\Users\\ann", "other": "{{x}}"}
    assert "\n  " in response.raw.body


def test_a_response_with_very_many_texts_keeps_its_placeholders() -> None:
    response = {"raw": {"status": 200, "sse": ["x", {"delay": "10ms"}, "<email-1>"]}}
    assert restore_values(response, {"email-1"}) == {
        "raw": {"status": 200, "sse": ["x", {"delay": "10ms"}, "{{ mask['email-1'] }}"]},
        "template": True,
    }
    assert restore_values(response, {"email-2"}) == response
    response["raw"]["sse"] = ["<email-1>"] * 501
    assert restore_values(response, {"email-1"}) == response


def test_without_masking_only_the_secrets_of_the_head_are_removed(tmp_path: Path) -> None:
    recorder = Recorder(ROUTER, build_exchange_mask(is_off=True))
    recorder.record(make_exchange({"text": "No: hunter2-in-the-header"}, "I am jane@x.de."), tmp_path)
    document: Any = load_document(tmp_path / "i-am-jane-x-de.yaml").value
    assert "masked" not in document
    assert document["fixtures"][0]["response"]["text"] == "No: <key-1>"


def test_a_slow_expression_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockserver.recording.exchange_mask._REGEX_SECONDS", 0.05)
    recorder = Recorder(ROUTER, build_exchange_mask((r"(?:(a|b|ab)*c)|!",)))
    with pytest.raises(NoFixtureError, match="cannot be masked: the regular expression"):
        recorder.record(make_exchange("Hi", "ab" * 200), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_body_that_is_no_json_is_masked_as_a_text() -> None:
    exchange = replace(make_exchange("Hi"), body=b"I am jane@x.de \xff")
    assert ExchangeMask().mask(exchange).exchange.body == b"I am <email-1> \xff"


def test_what_has_no_value_stays_as_it_is() -> None:
    answer = stream([{"content": "Hello"}])
    exchange = replace(make_exchange(answer), headers=JSON_TYPE)
    masked = ExchangeMask().mask(exchange).exchange
    assert masked.body == exchange.body
    assert b"".join(frame.data for frame in masked.answer.frames) == b"".join(
        frame.data for frame in answer.frames
    )
    assert sum(frame.wait for frame in masked.answer.frames) == pytest.approx(
        sum(frame.wait for frame in answer.frames)
    )


@pytest.mark.parametrize(
    ("pieces", "masked"),
    [
        (["To a@", "x.de", ""], ["To <email-1>", "", ""]),
        (["", "a@x.de", " b", "@x.de!"], ["", "<email-1>", " <email-2>", "!"]),
        (["plain", " text"], ["plain", " text"]),
        (["a@x.de b@x.de"], ["<email-1> <email-2>"]),
    ],
)
def test_a_value_in_pieces_becomes_one_placeholder(pieces: list[str], masked: list[str]) -> None:
    assert mask_joined(ValueMasker(BUILT_IN_RULES), pieces) == masked


def test_log_probabilities_of_a_masked_text_are_left_out() -> None:
    def add(content: str) -> Any:
        texts = StreamTexts(ValueMasker(BUILT_IN_RULES))
        event = {
            "choices": [{"delta": {"content": content}, "logprobs": {"content": [{"token": content[:3]}]}}]
        }
        copied = texts.add_json(event)
        texts.mask_pieces()
        return copied["choices"][0]["logprobs"]

    assert add("Hello") == {"content": [{"token": "Hel"}]}
    assert add("a@x.de") is None


def test_the_pieces_of_other_apis_are_joined_by_their_indexes() -> None:
    texts = StreamTexts(ValueMasker(BUILT_IN_RULES))
    name = "response.output_text.delta"
    events = [
        texts.add_json(
            {"type": name, "output_index": index, "delta": delta, "obfuscation": "Zx3kQ9vLr2TnW8yBc5Mp"}
        )
        for index, delta in ((0, "a@"), (1, "b@"), (0, "x.de"), (1, "x.de"))
    ]
    texts.mask_pieces()
    assert [event["delta"] for event in events] == ["<email-1>", "<email-2>", "", ""]
    assert events[0]["obfuscation"] == "Zx3kQ9vLr2TnW8yBc5Mp"
    deep: Any = "a@x.de"
    for _ in range(40):
        deep = {"delta": deep}
    assert "<email-1>" in orjson.dumps(texts.add_json(deep)).decode()
