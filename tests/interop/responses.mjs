// The Responses API in the Vercel AI SDK (its default model) and in OpenAI's client for Node: each flow without and with
// a fixture. Without one, any text will do that is the same each time.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, Output, stepCountIs, streamText, tool } from "ai";
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

const WORDS = "One word at a time.";
const WEATHER = "It is 21 °C in Paris.";
const Feeling = z.object({ sentiment: z.string(), score: z.number() });
const Place = z.object({ city: z.string(), unit: z.string() });
const TEXTS = [["Tell me about Rome."], ["mock words", WORDS]];
const LOOPS = [["What is the weather in Rome?"], ["mock tools", WEATHER]];
const DOCUMENTS = [["How do they feel?"], ["mock json", { sentiment: "positive", score: 0.93 }]];
const ERRORS = [["mock 429", 429], ["mock busy", 503]];
const broken = { "X-Mock-Error": "503", "X-Mock-Retry-After": "20ms" };

async function checkClient(client) {
  const model = "o3-mini";
  for (const [input, expected] of TEXTS) {
    const text = (await client.responses.create({ model, input })).output_text;
    assert.ok(text);
    assert.equal(text, expected ?? text);
    const parts = [];
    for await (const event of await client.responses.create({ model, input, stream: true }))
      if (event.type === "response.output_text.delta") parts.push(event.delta);
    assert.equal(parts.join(""), text);
    assert.ok(parts.length > 1);
    assert.equal((await client.responses.stream({ model, input }).finalResponse()).output_text, text);
  }

  const parameters = {
    type: "object",
    properties: { city: { type: "string" }, unit: { type: "string" } },
    required: ["city", "unit"],
    additionalProperties: false,
  };
  const tools = [{ type: "function", name: "get_weather", parameters, strict: true }];
  for (const [content, expected] of LOOPS) {
    const input = [{ role: "user", content }];
    const { output } = await client.responses.create({ model, input, tools });
    const call = output.find((item) => item.type === "function_call");
    Place.parse(JSON.parse(call.arguments));
    const streamed = await client.responses.stream({ model, input, tools }).finalResponse();
    Place.parse(JSON.parse(streamed.output.find((item) => item.type === "function_call").arguments));
    input.push(...output, { type: "function_call_output", call_id: call.call_id, output: "21" });
    const text = (await client.responses.create({ model, input, tools })).output_text;
    assert.ok(text);
    assert.equal(text, expected ?? text);
  }

  for (const [input, expected] of DOCUMENTS) {
    const asked = { model, input, text: { format: zodTextFormat(Feeling, "feeling") } };
    const parsed = (await client.responses.parse(asked)).output_parsed;
    assert.deepEqual(parsed, expected ?? Feeling.parse(parsed));
    const streamed = (await client.responses.stream(asked).finalResponse()).output_parsed;
    assert.deepEqual(streamed, expected ?? Feeling.parse(streamed));
  }

  for (const [input, status] of ERRORS)
    for (const stream of [false, true])
      await assert.rejects(client.responses.create({ model, input, stream }, { maxRetries: 0 }), { status });
  assert.equal((await client.responses.create({ model, input: "mock retry" })).output_text, "Third time lucky.");
}

async function checkRetries(options) {
  const counts = [];
  const counted = (url, init) => (counts.push(new Headers(init.headers).get("x-stainless-retry-count")), fetch(url, init));
  const client = new OpenAI({ ...options, fetch: counted });
  const asked = client.responses.create({ model: "o3-mini", input: "Hello" }, { headers: broken });
  await assert.rejects(asked, { status: 503 });
  assert.deepEqual(counts, ["0", "1", "2"]);
}

async function checkVercel(model, providerOptions) {
  for (const [prompt, expected] of TEXTS) {
    const { text, finishReason } = await generateText({ model, prompt });
    assert.ok(text);
    assert.equal(text, expected ?? text);
    assert.equal(finishReason, "stop");
    const parts = [];
    for await (const part of streamText({ model, prompt }).textStream) parts.push(part);
    assert.equal(parts.join(""), text);
    assert.ok(parts.length > 1);
  }

  for (const [prompt, expected] of LOOPS) {
    const called = [];
    const execute = async (place) => (called.push(Place.parse(place)), "21");
    const tools = { get_weather: tool({ inputSchema: Place, execute }) };
    const steps = { model, prompt, tools, stopWhen: stepCountIs(3), providerOptions };
    const { text } = await generateText(steps);
    assert.ok(text);
    assert.equal(text, expected ?? text);
    const streamed = await streamText(steps).text;
    assert.ok(streamed);
    assert.equal(streamed, expected ?? streamed);
    assert.equal(called.length, 2);
  }

  for (const [prompt, expected] of DOCUMENTS) {
    const asked = { model, prompt, output: Output.object({ schema: Feeling }) };
    const { output } = await generateText(asked);
    assert.deepEqual(output, expected ?? Feeling.parse(output));
    const streamed = streamText(asked);
    let last;
    for await (const partial of streamed.partialOutputStream) last = partial;
    assert.deepEqual(last, expected ?? Feeling.parse(last));
  }

  for (const [prompt, statusCode] of ERRORS)
    await assert.rejects(generateText({ model, prompt, maxRetries: 0 }), { statusCode });
  assert.equal((await generateText({ model, prompt: "mock retry", maxRetries: 2 })).text, "Third time lucky.");
  await assert.rejects(generateText({ model, prompt: "Hello", maxRetries: 2, headers: broken }), (error) => {
    assert.deepEqual(error.errors.map((one) => one.statusCode), [503, 503, 503]);
    return true;
  });
}

for (const path of ["/aimlapi/v1", "/openai/v1"]) {
  const options = () => ({
    baseURL: process.env.MOCKSERVER_URL + path,
    apiKey: "any key",
    defaultHeaders: { "X-Mock-Session": `responses-${randomUUID()}` },
  });
  await checkClient(new OpenAI(options()));
  await checkRetries(options());
  const { defaultHeaders: headers, ...rest } = options();
  // AI/ML API stores nothing unless it is asked to, so the items of earlier steps are sent again.
  const providerOptions = { openai: { store: path.startsWith("/openai") } };
  await checkVercel(createOpenAI({ ...rest, headers })("o3-mini"), providerOptions);
}

const version = (name) =>
  JSON.parse(readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url))).version;
console.log(["ai", "@ai-sdk/openai", "openai"].map((name) => `${name} ${version(name)}`).join(", "));
