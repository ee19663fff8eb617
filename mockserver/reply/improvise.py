"""The response that is made up for a call that no fixture answers."""

from __future__ import annotations

import orjson

from mockserver.call import Call
from mockserver.invention.invent import Ask, Invented, invent
from mockserver.shelf.response import Choice, Response, ToolCall


def response(call: Call, seed: int) -> Response:
    """As many choices as were asked for, the same for the same request and seed."""
    body = call.body
    result = call.tool_result
    parallel = body.get("parallel_tool_calls")
    ask = Ask(
        user=call.user,
        tools=call.tools,
        tool_choice=body.get("tool_choice"),
        parallel_tool_calls=parallel if isinstance(parallel, bool) else None,
        response_format=body.get("response_format"),
        tool_result=(result.name, result.text) if result else None,
        seed_parts=(call.model, orjson.dumps(call.messages).decode(), str(body.get("seed"))),
    )
    return Response(choices=tuple(_choice(invent(ask, index, seed)) for index in range(body.get("n") or 1)))


def _choice(made: Invented) -> Choice:
    calls = tuple(ToolCall(name=name, arguments=arguments) for name, arguments in made.tool_calls)
    return Choice(text=made.text, tool_calls=calls or None)
