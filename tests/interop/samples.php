<?php
// The PHP sample of Omixa's page, with only the host changed.
$ch = curl_init(getenv('MOCKSERVER_URL') . '/api/v1/chat/completions');
curl_setopt_array($ch, [
CURLOPT_POST => true,
CURLOPT_HTTPHEADER => ['Authorization: Bearer omx_live_xxx', 'Content-Type: application/json'],
CURLOPT_POSTFIELDS => '{
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
}',
CURLOPT_RETURNTRANSFER => true,
]);
$response = curl_exec($ch);

$status = curl_getinfo($ch, CURLINFO_RESPONSE_CODE);
$message = json_decode($response, true)['choices'][0]['message'] ?? null;
if ($status !== 200 || $message !== ['role' => 'assistant', 'content' => '...']) {
    fwrite(STDERR, "$status $response" . curl_error($ch) . "\n");
    exit(1);
}
echo 'php ', PHP_VERSION, ', curl ', curl_version()['version'], "\n";
