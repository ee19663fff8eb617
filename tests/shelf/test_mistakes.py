"""Whoever writes a fixture wrong is told what was found, what was expected and what to write, and where."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import document
from mockserver.errors import InputError
from mockserver.record import sayings
from mockserver.shelf import library
from mockserver.shelf.fixture import Defaults, File, Written
from mockserver.shelf.library import Book
from mockserver.shelf.match import LOOKS
from mockserver.shelf.operators import OPERATORS
from mockserver.shelf.response import Pace, Response
from mockserver.wire import faults

FAULTS = ", ".join(faults.FAULTS)
MISTAKES = [
    pytest.param(
        "- {match: {}, response: hi}\n",
        "1:1: found a list, expected a mapping: write `fixtures:` above a list of them",
        id="a list at the top",
    ),
    pytest.param(
        "hello\n",
        "1:1: found text 'hello', expected a mapping: write `fixtures:` above a list of them",
        id="a text at the top",
    ),
    pytest.param(
        "fixture: []\n",
        "1:1: fixture: unknown key 'fixture', did you mean 'fixtures'?",
        id="an unknown key at the top",
    ),
    pytest.param(
        "fixturs: []\ndefault: {}\n",
        [
            "1:1: fixturs: unknown key 'fixturs', did you mean 'fixtures'?",
            "2:1: default: unknown key 'default', did you mean 'defaults'?",
        ],
        id="two unknown keys at once",
    ),
    pytest.param(
        "fixtures: {a: 1}\n",
        "1:1: fixtures: found a mapping, expected a list",
        id="fixtures that are no list",
    ),
    pytest.param(
        "fixtures: []\nfixtures: []\n",
        "2:1: duplicate key 'fixtures', which stands on line 1 already",
        id="a duplicate key",
    ),
    pytest.param(
        "fixtures:\n\t- {match: {}}\n",
        "2:1: found character that cannot start any token; indent with spaces, not with tabs",
        id="a tab",
    ),
    pytest.param(
        "fixtures:\n  - {match: {}, response: hi\n",
        "3:1: did not find expected ',' or '}'; the { on line 2 is not closed before this",
        id="an open bracket",
    ),
    pytest.param(
        "fixtures:\n  - {match: {}, response: 'hi}\n",
        "2:27: found unexpected end of stream; the quote that opens here is never closed",
        id="an open quote",
    ),
    pytest.param(
        "fixtures:\n  - match: {}\n    response: Sum: 4\n",
        "3:18: mapping values are not allowed in this context; quote the text that has a colon, and "
        "look at the indentation",
        id="a colon in a text",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: Hello, world}}\n",
        "2:50: fixtures[0].response.world: 'world' is a key of its own here: quote the text that has a "
        "comma: text: 'Hello, world'",
        id="a comma in a flow mapping",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {user: Hello, world}, response: hi}\n",
        "2:36: fixtures[0].match.world: 'world' is a key of its own here: quote the text that has a "
        "comma: user: 'Hello, world'",
        id="a comma in a match",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {user: {contains: Yes, no}}, response: hi}\n",
        "2:45: fixtures[0].match.user.no: 'no' is a key of its own here: "
        "quote the text that has a comma: contains: 'Yes, no'",
        id="a comma in an operator",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: Yes, no, maybe}}\n",
        [
            (
                "2:48: fixtures[0].response.no: 'no' is a key of its own here: quote the text that has a "
                "comma: text: 'Yes, no'"
            ),
            (
                "2:52: fixtures[0].response.maybe: 'maybe' is a key of its own here: quote the text that has a "
                "comma: text: 'Yes, no, maybe'"
            ),
        ],
        id="two commas",
    ),
    pytest.param(
        'fixtures:\n  - {name: a, match: {user: {regex: "\\d+"}}, response: hi}\n',
        "2:38: found unknown escape character; in double quotes \\ starts an escape, single quotes "
        "take it as it is",
        id="an escape in double quotes",
    ),
    pytest.param(
        'fixtures:\n  - {name: a, match: {user: {regex: "\\bfoo"}}, response: hi}\n',
        "2:30: fixtures[0].match.user.regex: found the control character '\\x08' in a regular "
        "expression: in double quotes YAML reads \\b as a backspace; write the expression in single "
        "quotes",
        id="a backspace in a regex",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {model: *mini}, response: hi}\n",
        "2:30: found undefined alias; quote the text that starts with * or &",
        id="a star without quotes",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: %hi}\n",
        "2:36: found character that cannot start any token; quote the text that starts with this character",
        id="a percent sign",
    ),
    pytest.param(
        "fixtures:\n  - {match: {}, response: {{ user }}}\n",
        "2:28: found a list or a mapping as a key, expected text; a text that starts with { needs quotes",
        id="a mapping as key",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: !important}\n",
        "2:46: did not find expected whitespace or line break",
        id="a tag",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, response: hi}\n",
        "2:5: fixtures[0]: the key 'match' is missing, expected a mapping of conditions ({} is any request)",
        id="no match",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: , response: hi}\n",
        "2:15: fixtures[0].match: found nothing, expected a mapping of conditions ({} is any request); "
        "quote the text that has a comma: name: 'a, match'",
        id="an empty match",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}}\n",
        "2:5: fixtures[0]: it has no answer; write response, or responses for one after the other",
        id="no response",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: a, responses: [b]}\n",
        "2:39: fixtures[0].responses: found both response and responses, expected one of them",
        id="both responses",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, responses: []}\n",
        "2:26: fixtures[0].responses: found a list of 0, expected a list of at least 1",
        id="no responses in the list",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: a, then: cycle}\n",
        "2:39: fixtures[0].then: then says what follows the last of `responses`, and there is no such "
        "list here",
        id="then without responses",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, responses: [a], then: repeat}\n",
        "2:42: fixtures[0].then: found text 'repeat', expected repeat_last, cycle or no_match, did you "
        "mean 'repeat_last'?",
        id="a wrong then",
    ),
    pytest.param(
        "fixtures:\n  - {name: '', match: {}, response: hi}\n",
        "2:6: fixtures[0].name: found an empty name; write one, or leave the key out",
        id="an empty name",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: hi}\n  - {name: a, match: {}, response: hi}\n",
        "3:6: fixtures[1].name: the name 'a' is taken by the fixture at f.yaml:2",
        id="a name that is taken",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {usr: hello}, response: hi}\n",
        "2:23: fixtures[0].match.usr: unknown key 'usr', did you mean 'user'?",
        id="an unknown field",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {temperature: 1}, response: hi}\n",
        "2:23: fixtures[0].match.temperature: unknown field 'temperature', expected one of vendor, "
        "model, key, session, user, system, any_message, header, body, tools, tool_result, image, "
        "stream, response_format, turn, attempt; what is in the JSON body is asked by `body: "
        "{temperature: ...}`",
        id="an unknown field like none",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {user: {matches: x}}, response: hi}\n",
        "2:30: fixtures[0].match.user.matches: unknown operator 'matches', expected equals, contains, "
        "regex, glob, gt, gte, lt, lte, exists, any, all or not",
        id="an unknown operator",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {user: {contain: x}}, response: hi}\n",
        "2:30: fixtures[0].match.user.contain: unknown operator 'contain', did you mean 'contains'?",
        id="an operator misspelt",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {body: {stream_options: {include_usage: true}}}, response: hi}\n",
        "2:47: fixtures[0].match.body.stream_options.include_usage: unknown operator 'include_usage'; "
        "to look inside 'stream_options', write stream_options.include_usage as its key",
        id="a mapping inside body",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {user: {}}, response: hi}\n",
        "2:23: fixtures[0].match.user: found an empty mapping, expected operators: equals, contains, "
        "regex, glob, gt, gte, lt, lte, exists, any, all or not",
        id="no operators",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {user: []}, response: hi}\n",
        "2:23: fixtures[0].match.user: found an empty list, expected at least one condition",
        id="an empty list",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {user: }, response: hi}\n",
        "2:23: fixtures[0].match.user: found nothing, expected text, a list of them, or operators",
        id="nothing to match",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {user: ''}, response: hi}\n",
        "2:23: fixtures[0].match.user: found an empty text, which every text contains; write {exists: "
        "true} for any text",
        id="an empty text",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {user: {any: x}}, response: hi}\n",
        "2:30: fixtures[0].match.user.any: found text 'x', expected a list of conditions",
        id="any without a list",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {user: {regex: '('}}, response: hi}\n",
        "2:30: fixtures[0].match.user.regex: found '(', expected a regular expression as Python has "
        "them: missing ), unterminated subpattern at position 0",
        id="a broken regex",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {user: {regex: [a]}}, response: hi}\n",
        "2:30: fixtures[0].match.user.regex: found a list, expected text",
        id="a list for a regex",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {turn: {gt: two}}, response: hi}\n",
        "2:30: fixtures[0].match.turn.gt: found text 'two', expected a number",
        id="a text to compare",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {turn: '2'}, response: hi}\n",
        "2:23: fixtures[0].match.turn: found text '2', expected a whole number of at least 0",
        id="a turn in quotes",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {turn: 1.5}, response: hi}\n",
        "2:23: fixtures[0].match.turn: found the number 1.5, expected a whole number of at least 0",
        id="half a turn",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {stream: yes}, response: hi}\n",
        "2:23: fixtures[0].match.stream: found text 'yes', expected true or false; write true",
        id="yes for true",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {body: {n: {exists: on}}}, response: hi}\n",
        "2:34: fixtures[0].match.body.n.exists: found text 'on', expected true or false; write true",
        id="on for true",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {response_format: json}, response: hi}\n",
        "2:23: fixtures[0].match.response_format: found text 'json', expected text, json_object or "
        "json_schema",
        id="an unknown format",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {tools: []}, response: hi}\n",
        "2:23: fixtures[0].match.tools: found a list of 0, expected a list of at least 1",
        id="no tools in the list",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {tool_result: {tool: x}}, response: hi}\n",
        "2:37: fixtures[0].match.tool_result.tool: unknown key 'tool', expected name, contains or regex",
        id="an unknown part of a result",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {header: [x-a]}, response: hi}\n",
        "2:23: fixtures[0].match.header: found a list, expected a mapping",
        id="a list of headers",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {}}\n",
        "2:26: fixtures[0].response: it says nothing, expected one of text, chunks, json, choices, "
        "error, raw, tool_calls, refusal",
        id="nothing said",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: }\n",
        "2:26: fixtures[0].response: found nothing, expected text, a number or a mapping",
        id="an empty response",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: [a, b]}\n",
        "2:26: fixtures[0].response: found a list, expected text, a number or a mapping",
        id="a list for a response",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {txt: hi}}\n",
        "2:37: fixtures[0].response.txt: unknown key 'txt', did you mean 'text'?",
        id="an unknown response key",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: a, json: {}}}\n",
        "2:46: fixtures[0].response.json: found text and json in one response, expected one; only "
        "tool_calls go with text",
        id="two texts",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: a, error: 429}}\n",
        "2:46: fixtures[0].response.error: found text and error in one response, expected one; only "
        "tool_calls go with text",
        id="text and error",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: a, refusal: b}}\n",
        "2:46: fixtures[0].response.refusal: found text and refusal in one response, expected one; "
        "only tool_calls go with text",
        id="text and refusal",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {error: 429, usage: {prompt_tokens: 3}}}\n",
        "2:49: fixtures[0].response.usage: usage means nothing beside error; leave it out",
        id="usage beside an error",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {raw: {body: x}, status: 201}}\n",
        "2:53: fixtures[0].response.status: status means nothing beside raw; write it into raw, or "
        "leave it out",
        id="a status beside raw",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {choices: [a], finish_reason: stop}}\n",
        "2:51: fixtures[0].response.finish_reason: finish_reason means nothing beside choices; write "
        "it into the choices",
        id="a reason beside choices",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: 200}\n",
        "2:26: fixtures[0].response: found the number 200, expected 400 to 599 or a kind",
        id="a success as an error",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {error: rate_limit}}\n",
        "2:37: fixtures[0].response.error: found 'rate_limit', expected a number 400 to 599 or a kind, "
        "did you mean 'rate_limited'?",
        id="an unknown kind",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: a, message: b}}\n",
        "2:46: fixtures[0].response.message: message goes with an error, and there is none here",
        id="a message without an error",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: a, retry_after: 1s}}\n",
        "2:46: fixtures[0].response.retry_after: retry_after goes with an error, and there is none here",
        id="retry_after without an error",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: a, delay: 30}}\n",
        "2:46: fixtures[0].response.delay: a duration needs a unit, write 30ms or 30s",
        id="a bare number for a duration",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: a, delay: 30 sec}}\n",
        "2:46: fixtures[0].response.delay: found text '30 sec', expected a duration like 30ms or 1.5s",
        id="a word for a duration",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: a, delay: -1s}}\n",
        "2:46: fixtures[0].response.delay: found -1s, a duration cannot be negative",
        id="a negative duration",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: a, delay: {median: 2s, p95: 1s}}}\n",
        "2:66: fixtures[0].response.delay.p95: found a time shorter than the median, expected a longer one",
        id="p95 below the median",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: a, delay: {median: 2s}}}\n",
        "2:46: fixtures[0].response.delay: the key 'p95' is missing, expected a duration like 30ms or 1.5s",
        id="no p95",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {chunks: [a, {delay: 5}]}}\n",
        "2:50: fixtures[0].response.chunks[1].delay: a duration needs a unit, write 5ms or 5s",
        id="a pause without a unit",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {chunks: []}}\n",
        "2:37: fixtures[0].response.chunks: found a list of 0, expected a list of at least 1",
        id="no chunks",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: a, stream: {chunk: words}}}\n",
        "2:55: fixtures[0].response.stream.chunk: found text 'words', expected token, word, char or "
        "whole, did you mean 'word'?",
        id="an unknown chunk",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: a, stream: {jitter: 120%}}}\n",
        "2:55: fixtures[0].response.stream.jitter: found text '120%', expected a share like 20%, or a "
        "number from 0 to 1",
        id="a jitter beyond",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: a, stream: {tps: 0}}}\n",
        "2:55: fixtures[0].response.stream.tps: found the number 0, expected a number of at least 0.001",
        id="no speed",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {tool_calls: [{arguments: {}}]}}\n",
        "2:50: fixtures[0].response.tool_calls[0]: the key 'name' is missing, expected text",
        id="a call without a name",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {tool_calls: [get_weather]}}\n",
        "2:50: fixtures[0].response.tool_calls[0]: found text 'get_weather', expected a mapping",
        id="a call that is a text",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: a, usage: {prompt_tokens: -1}}}\n",
        "2:54: fixtures[0].response.usage.prompt_tokens: found the number -1, expected a whole number "
        "of at least 0",
        id="negative tokens",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: a, headers: {x a: b}}}\n",
        "2:46: fixtures[0].response.headers: found the header name 'x a', expected letters, digits and '-'",
        id="a header of two words",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {json: {n: 123456789012345678901234567890}}}\n",
        "2:37: fixtures[0].response.json: found a value that cannot be sent as JSON: Integer exceeds "
        "64-bit range",
        id="a number beyond JSON",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {json: .nan}}\n",
        "2:37: fixtures[0].response.json: found the number .nan, expected a value that JSON can hold",
        id="no number",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: a, status: 100}}\n",
        "2:46: fixtures[0].response.status: found the number 100, expected a whole number from 200 to 599",
        id="a status too low",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: a, times: 0}}\n",
        "2:46: fixtures[0].response.times: found the number 0, expected a whole number of at least 1",
        id="no times",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {raw: {body: a, sse: [b]}}}\n",
        "2:52: fixtures[0].response.raw.sse: found both body and sse, expected one of them",
        id="body and sse",
    ),
    pytest.param(
        "defaults: {sream: {tps: 3}}\nfixtures: []\n",
        "1:12: defaults.sream: unknown key 'sream', did you mean 'stream'?",
        id="an unknown default",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {template: true, text: 'Hi {{ user'}}\n",
        "2:53: fixtures[0].response.text: no valid template: unexpected end of template, expected 'end "
        "of print statement'",
        id="a template left open",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {template: true, text: '{{ usr }}'}}\n",
        "2:53: fixtures[0].response.text: unknown name 'usr' in the template, did you mean 'user'?",
        id="an unknown name",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {template: true, text: '{{ user | uper }}'}}\n",
        "2:53: fixtures[0].response.text: unknown filter 'uper' in the template, did you mean 'upper'?",
        id="an unknown filter",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {template: true, text: '{{ user is evn }}'}}\n",
        "2:53: fixtures[0].response.text: unknown test 'evn' in the template, did you mean 'even'?",
        id="an unknown test",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {user: {regex: '(?P<name>x)'}}, response: {template: true, "
        "text: '{{ match.nam }}'}}\n",
        "2:81: fixtures[0].response.text: unknown group 'nam' of match, expected name",
        id="an unknown group",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {template: true, text: '{{ match.name }}'}}\n",
        "2:53: fixtures[0].response.text: unknown group 'name' of match, no regular expression of this "
        "fixture names a group",
        id="no group",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {template: true, json: {a: ['{{ "
        "fake.frist_name() }}']}}}\n",
        "2:64: fixtures[0].response.json.a[0]: unknown name 'frist_name' of fake, did you mean 'first_name'?",
        id="an unknown fake",
    ),
    pytest.param(
        "fixtures:\n  - match: {}\n    responses:\n      - plain\n      - template: true\n        "
        "text: |\n          one\n          {% for x in user %}\n",
        "6:9: fixtures[0].responses[1].text: no valid template: Unexpected end of template. Jinja was "
        "looking for the following tags: 'endfor' or 'else'. The innermost block that needs to be "
        "closed is 'for' (line 2 of the text)",
        id="a broken statement",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: b, fault: rest@3}}\n",
        f"2:46: fixtures[0].response.fault: found fault 'rest', expected one of {FAULTS}, did you mean 'reset'?",
        id="a fault misspelt",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: b, fault: reset@soon}}\n",
        "2:46: fixtures[0].response.fault: found point 'soon', expected chunks like 3, bytes like 100b or time like 2s",
        id="a point that is none",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: b, fault: [reset]}}\n",
        "2:46: fixtures[0].response.fault: found a list, expected text or a mapping",
        id="faults in a list",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: b, fault: {resett: {}}}}\n",
        f"2:54: fixtures[0].response.fault.resett: found fault 'resett', expected one of {FAULTS}, "
        "did you mean 'reset'?",
        id="a long fault misspelt",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: b, fault: {zzz: {}}}}\n",
        f"2:54: fixtures[0].response.fault.zzz: found fault 'zzz', expected one of {FAULTS}",
        id="a fault unknown",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: b, fault: {reset: {}, close: {}}}}\n",
        "2:46: fixtures[0].response.fault: found 2 keys, expected one fault, "
        "a mapping like {reset: {after: {chunks: 3}}}",
        id="two faults",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: b, fault: {reset: {afetr: 3}}}}\n",
        "2:62: fixtures[0].response.fault.reset.afetr: unknown key 'afetr', did you mean 'after'?",
        id="an option misspelt",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: b, fault: {reset: {bytes_per_second: 3}}}}\n",
        "2:62: fixtures[0].response.fault.reset.bytes_per_second: unknown key 'bytes_per_second', expected after",
        id="a rate of a reset",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: b, fault: {reset: {after: {chunk: 3}}}}}\n",
        "2:70: fixtures[0].response.fault.reset.after.chunk: unknown key 'chunk', did you mean 'chunks'?",
        id="a unit misspelt",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: b, fault: {reset: {after: {}}}}}\n",
        "2:62: fixtures[0].response.fault.reset.after: found nothing, expected one of chunks, bytes or time",
        id="no unit",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: b, fault: {reset: {after: {chunks: 3, bytes: 3}}}}}\n",
        "2:62: fixtures[0].response.fault.reset.after: found chunks and bytes, expected one of chunks, bytes or time",
        id="two units",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: b, fault: {reset: {after: {time: 2}}}}}\n",
        "2:70: fixtures[0].response.fault.reset.after.time: a duration needs a unit, write 2ms or 2s",
        id="a time without a unit",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: b, fault: {slow: {bytes_per_second: 0}}}}\n",
        "2:61: fixtures[0].response.fault.slow.bytes_per_second: found the number 0, "
        "expected a number of at least 0.001",
        id="no rate",
    ),
    pytest.param(
        "fixtures:\n  - {name: a, match: {}, response: {text: b, fault: 3}}\n",
        f"2:46: fixtures[0].response.fault: found fault '3', expected one of {FAULTS}",
        id="a point alone",
    ),
]


def told(folder: Path, **files: str) -> list[str]:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, "utf-8")
    with pytest.raises(InputError) as caught:
        library.load([folder])
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


@pytest.mark.parametrize(("text", "expected"), MISTAKES)
def test_a_mistake_is_told_with_its_place_and_a_way_out(
    text: str, expected: str | list[str], tmp_path: Path
) -> None:
    messages = [expected] if isinstance(expected, str) else expected
    assert told(tmp_path, f=text) == [f"f.yaml:{message}" for message in messages]


def test_the_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    messages = told(tmp_path, a="fixtures: 3\n", b="fixtures: [{match: {}}]\n", c="fixtures: []\n")
    assert [message.partition(": ")[0] for message in messages] == ["a.yaml:1:1", "b.yaml:1:12"]


def test_a_name_is_unique_among_all_files(tmp_path: Path) -> None:
    fixture = "fixtures:\n- name: twin\n  match: {}\n  response: hi\n"
    assert told(tmp_path, a=fixture, b=fixture) == [
        "b.yaml:2:3: fixtures[0].name: the name 'twin' is taken by the fixture at a.yaml:2"
    ]


def test_what_yaml_would_turn_into_something_else_stays_as_it_was_written() -> None:
    texts = ["on", "no", "12:30", "2024-01-01", "017", "391", "1.50", "true", "1e3", "~x", "0x1F"]
    written = "\n".join(f"- {{match: {{user: {text}}}, response: {{text: {text}}}}}" for text in texts)
    fixtures = library.of(document.parse(f"fixtures:\n{written}\n", "f.yaml")).fixtures
    assert [fixture.responses[0].text for fixture in fixtures] == texts
    assert [fixture.terms[0].condition.part for fixture in fixtures] == [text.casefold() for text in texts]


# --- nothing that can be written is anything but a shelf or a list of problems

WORDS = [
    *(name for cls in (File, Defaults, Written, Response, Pace) for name in sayings(cls)),
    *LOOKS,
    *OPERATORS,
    *("header", "body", "any", "all", "not", "name", "arguments", "chars", "median", "p95", "sse"),
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        [
            *WORDS,
            "30ms",
            "10%",
            "reset@3",
            "(",
            "[[a]",
            "a{99999999999}",
            "{{ user }}",
            "{{ x",
            "{% if %}",
            "\b",
        ]
    ),
)
KEYS = st.sampled_from(WORDS) | st.text(max_size=4)


def _larger(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inside, max_size=3) | st.dictionaries(KEYS, inside, max_size=4)


VALUES = st.recursive(SCALARS, _larger, max_leaves=12)
FIXTURES = st.fixed_dictionaries(
    {"match": st.dictionaries(st.sampled_from([*LOOKS, "header", "body"]), VALUES, max_size=3)},
    optional={
        "name": SCALARS,
        "response": VALUES | st.dictionaries(st.sampled_from([*sayings(Response)]), VALUES, max_size=4),
        "responses": st.lists(VALUES, max_size=2),
        "then": SCALARS,
    },
)
FILES = VALUES | st.fixed_dictionaries(
    {"fixtures": st.lists(FIXTURES, max_size=3)}, optional={"defaults": VALUES}
)


@given(FILES)
def test_any_structure_gives_fixtures_or_problems(value: Any) -> None:
    with suppress(InputError):
        assert isinstance(library.of(document.of(value, "f.yaml")), Book)


@given(st.text() | st.text(alphabet="{}[],:'\"-#&*!|>%@` \n\tab0\\~<=?"))
def test_any_text_gives_fixtures_or_problems(text: str) -> None:
    with suppress(InputError):
        assert isinstance(library.of(document.parse(text, "f.yaml")), Book)
