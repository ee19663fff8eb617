#!/usr/bin/env bash
# The shell sample of Omixa's page and the raw request of AI/ML API's, with only the host changed.
set -euo pipefail

heard=$(curl -sS -w '\n%{http_code}' -X POST "$MOCKSERVER_URL/api/v1/chat/completions" \
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
}')
[ "${heard##*$'\n'}" = 200 ] || { echo "$heard"; exit 1; }
[[ $heard == *'"message":{"role":"assistant","content":"..."}'* ]] || { echo "$heard"; exit 1; }
[[ $heard == *'"usage":{"prompt_tokens":123,"completion_tokens":45,"total_tokens":168}'* ]] || { echo "$heard"; exit 1; }

heard=$(curl -sS -w '\n%{http_code}' -X POST "$MOCKSERVER_URL/v1/chat/completions" \
-H 'Authorization: Bearer <YOUR_AIMLAPI_KEY>' \
-H 'Content-Type: application/json' \
-H 'Accept: */*' \
-d '{
  "model": "o1-mini",
  "messages": [
    {
      "role": "user",
      "content": "text",
      "name": "text"
    }
  ],
  "max_completion_tokens": 512,
  "max_tokens": 512,
  "stream": false,
  "stream_options": {
    "include_usage": true
  },
  "n": 1,
  "seed": 1
}')
[ "${heard##*$'\n'}" = 201 ] || { echo "$heard"; exit 1; }
[[ $heard == *'"model":"o1-mini-2024-09-12"'* ]] || { echo "$heard"; exit 1; }

curl --version | head -n 1 | cut -d ' ' -f 1-2
