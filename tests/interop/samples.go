// The Go sample of Omixa's page, with only the host changed.
package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"runtime"
)

func main() {
	payload := []byte(`{
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
}`)
	req, _ := http.NewRequest("POST", os.Getenv("MOCKSERVER_URL")+"/api/v1/chat/completions", bytes.NewReader(payload))
	req.Header.Set("Authorization", "Bearer omx_live_xxx")
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)

	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	if resp.StatusCode != 200 || !bytes.Contains(body, []byte(`"message":{"role":"assistant","content":"..."}`)) {
		log.Fatalf("%s %s", resp.Status, body)
	}
	fmt.Println(runtime.Version())
}
