"""The generated response to a request that no fixture matches."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b

import orjson

from mockserver.fixtures.response_spec import ChoiceSpec, ResponseSpec, ToolCallSpec, UsageSpec
from mockserver.generation.faker_text import DEFAULT_LOCALE, generate_text, stable_hash
from mockserver.generation.generate import GeneratedReply, GenerationRequest, ReplyGenerator
from mockserver.rendering.choices import get_token_limit
from mockserver.request.chat_request import ChatRequest
from mockserver.request.request_body import get_message_text
from mockserver.tokens.token_count import count_tokens, estimate_reasoning_tokens, truncate_completion

PROMPT_ROLES = ("system", "developer", "user")
_REASONING_LENGTH = "2 sentences"  # as a request would say it


def generate_response(
    request: ChatRequest, seed: int, locale: str = DEFAULT_LOCALE, mode: str = "faker"
) -> ResponseSpec:
    """Generate the choices of a response, the same for the same request and seed.

    The reasoning of a reasoning model counts towards the request's token limit. If it uses up the limit, the
    choices are empty and their finish reason is `length`, as with the real models.
    """
    generator = ReplyGenerator(_generation_request(request), seed, locale, mode)
    count = request.parsed.choice_count
    thoughts = _generate_reasoning(request, seed, locale) if _is_reasoning_requested(request) else None
    choices = tuple(_choice_spec(generator.generate(index), thoughts) for index in range(count))
    limit = get_token_limit(request.parsed.chat_body)
    if limit is None or not request.vendor.models[request.model].reasoning:
        return ResponseSpec(choices=choices)
    if thoughts is None:
        reasoning = estimate_reasoning_tokens(request.parsed.chat_body.get("reasoning_effort"))
    else:
        reasoning = count_tokens(thoughts, request.vendor.tokenizer)
    if reasoning >= limit:
        text, _ = truncate_completion(thoughts or "", limit, tokenizer=request.vendor.tokenizer)
        empty = (ChoiceSpec(text="", reasoning=text or None, finish_reason="length"),) * count
        used = count * limit
        return ResponseSpec(choices=empty, usage=UsageSpec(completion_tokens=used, reasoning_tokens=used))
    return ResponseSpec(
        choices=tuple(_truncate_choice(request, choice, limit - reasoning) for choice in choices)
    )


def _is_reasoning_requested(request: ChatRequest) -> bool:
    """Return whether the request asks for reasoning, and the vendor sends it."""
    if request.route.api == "responses":
        return request.vendor.models[request.model].reasoning and request.is_reasoning_sent
    return request.vendor.profile.thinking is not None and request.is_reasoning_sent


def _generate_reasoning(request: ChatRequest, seed: int, locale: str) -> str:
    """Return the generated reasoning of a request, the same for all choices."""
    messages = orjson.dumps(request.parsed.messages).decode()
    return generate_text(
        _REASONING_LENGTH, stable_hash(seed, messages, str(request.parsed.body.get("seed"))), locale
    )


def _generation_request(request: ChatRequest) -> GenerationRequest:
    body = request.parsed.chat_body
    result = request.parsed.tool_result
    parallel = body.get("parallel_tool_calls")
    messages = orjson.dumps(request.parsed.messages)
    return GenerationRequest(
        user_text=request.parsed.last_user_text,
        prompts=[
            get_message_text(message)
            for message in request.parsed.messages
            if message.get("role") in PROMPT_ROLES
        ],
        tools=request.parsed.tools,
        tool_choice=body.get("tool_choice"),
        parallel_tool_calls=parallel if isinstance(parallel, bool) else None,
        response_format=body.get("response_format"),
        tool_result=(result.name, result.text) if result else None,
        # Hashing large messages lets other threads run, unlike decoding and quoting them.
        seed_parts=(
            request.model,
            blake2b(messages).hexdigest() if request.is_large else messages.decode(),
            str(body.get("seed")),
        ),
    )


def _choice_spec(reply: GeneratedReply, reasoning: str | None) -> ChoiceSpec:
    calls = tuple(ToolCallSpec(name=name, arguments=arguments) for name, arguments in reply.tool_calls)
    return ChoiceSpec(text=reply.text, tool_calls=calls or None, reasoning=reasoning)


def _truncate_choice(request: ChatRequest, choice: ChoiceSpec, max_tokens: int) -> ChoiceSpec:
    """Truncate the text of a choice; tool calls and documents are never truncated."""
    if not choice.text or request.parsed.response_format != "text":
        return choice
    text, reason = truncate_completion(choice.text, max_tokens, tokenizer=request.vendor.tokenizer)
    return replace(choice, text=text, finish_reason=reason)
