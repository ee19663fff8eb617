"""The Python samples of the vendors' pages, with only the host changed, and what the pages print."""

import os

import requests

HOST = os.environ["MOCKSERVER_URL"]

for model, status, text in [
    ("o1-preview", 201, "Hello! How can I assist you today?"),
    ("o1-mini", 201, "Hello! 😊 How can I help you today?"),
    ("o3-mini", 200, "Hello there! How can I help you today?"),
]:
    response = requests.post(  # noqa: S113 as the page has it
        f"{HOST}/v1/chat/completions",
        headers={
            # Insert your AIML API Key instead of <YOUR_AIMLAPI_KEY>:
            "Authorization": "Bearer <YOUR_AIMLAPI_KEY>",
            "Content-Type": "application/json",
        },
        json={
            "model": model,
            "messages": [
                {
                    "role": "user",
                    # Insert your question for the model here, instead of Hello:
                    "content": "Hello",
                }
            ],
        },
    )
    data = response.json()
    assert response.status_code == status, response.text
    assert data["choices"][0]["message"]["content"] == text, data

url = f"{HOST}/v1/o1-preview"
headers = {"Authorization": "Bearer YOUR_API_KEY", "Content-Type": "application/json"}
data = {
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What's in this image?"},
                {"type": "image_url", "image_url": {"url": "https://example.com/image.jpg"}},
            ],
        }
    ]
}
response = requests.post(url, json=data, headers=headers)  # noqa: S113 as the page has it
assert response.status_code == 200, response.text
sunset = "I can see a beautiful sunset over the ocean with vibrant orange and pink hues in the sky."
assert response.json()["choices"][0]["message"]["content"] == sunset, response.json()

response = requests.post(  # noqa: S113 as the page has it
    f"{HOST}/api/v1/chat/completions",
    headers={"Authorization": "Bearer omx_live_xxx", "Content-Type": "application/json"},
    json={
        "model": "o1-preview",
        "messages": [
            {"role": "system", "content": "You are a concise API assistant."},
            {"role": "user", "content": "Explain this model in three practical bullet points."},
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
                        "properties": {"order_id": {"type": "string"}},
                        "required": ["order_id"],
                    },
                },
            }
        ],
        "tool_choice": "auto",
    },
)
assert response.status_code == 200, response.text
assert response.json()["choices"][0]["message"] == {"role": "assistant", "content": "..."}, response.json()
assert response.json()["usage"] == {"prompt_tokens": 123, "completion_tokens": 45, "total_tokens": 168}

print("requests", requests.__version__)  # noqa: T201
