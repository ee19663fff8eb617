"""The response that is made up for a call that no fixture answers."""

from __future__ import annotations

from dataclasses import replace

import orjson

from mockserver.call import Call
from mockserver.invention.invent import Ask, Invented, invent
from mockserver.invention.voice import DEFAULT
from mockserver.reading import text_of
from mockserver.reply import tokens
from mockserver.reply.said import limit
from mockserver.shelf.response import Choice, RawUsage, Response, ToolCall

PROMPTING = ("system", "developer", "user")


def response(call: Call, seed: int, locale: str = DEFAULT, mode: str = "faker") -> Response:
    """As many choices as were asked for, the same for the same request and seed.

    A reasoning model thinks first, and what it thinks is charged to the request's limit: where that is all used up,
    the choices are empty and end for their `length`, as those of the real ones do.
    """
    ask = _ask(call)
    count = call.wanted
    choices = tuple(_choice(invent(ask, index, seed, locale, mode)) for index in range(count))
    most = limit(call.body)
    if most is None or not call.vendor.models[call.model].reasoning:
        return Response(choices=choices)
    thought = tokens.reasoning(call.body.get("reasoning_effort"))
    if thought >= most:
        silent = (Choice(text="", finish_reason="length"),) * count
        spent = count * most
        return Response(choices=silent, usage=RawUsage(completion_tokens=spent, reasoning_tokens=spent))
    return Response(choices=tuple(_within(call, choice, most - thought) for choice in choices))


def _ask(call: Call) -> Ask:
    body = call.body
    result = call.tool_result
    parallel = body.get("parallel_tool_calls")
    return Ask(
        user=call.user,
        prompts=[text_of(message) for message in call.messages if message.get("role") in PROMPTING],
        tools=call.tools,
        tool_choice=body.get("tool_choice"),
        parallel_tool_calls=parallel if isinstance(parallel, bool) else None,
        response_format=body.get("response_format"),
        tool_result=(result.name, result.text) if result else None,
        seed_parts=(call.model, orjson.dumps(call.messages).decode(), str(body.get("seed"))),
    )


def _choice(made: Invented) -> Choice:
    calls = tuple(ToolCall(name=name, arguments=arguments) for name, arguments in made.tool_calls)
    return Choice(text=made.text, tool_calls=calls or None)


def _within(call: Call, choice: Choice, most: int) -> Choice:
    """The choice with no more tokens; a call or a document is whole all the same."""
    if not choice.text or call.response_format != "text":
        return choice
    text, reason = tokens.limit(choice.text, most, tokenizer=call.vendor.tokenizer)
    return replace(choice, text=text, finish_reason=reason)
