// The AI SDK (`ai`) with its provider for OpenAI-compatible servers: text, streams, documents, tools, errors.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import * as ai from "ai";
import { z } from "zod";

const { APICallError, generateText, stepCountIs, streamText, tool } = ai;
const Feeling = z.object({ sentiment: z.enum(["positive", "negative"]), score: z.number(), tags: z.array(z.string()).min(1) });

for (const [path, id] of [["/aimlapi/v1", "o3-mini"], ["/omixa/api/v1", "o1-preview"]]) {
  const session = `ai-${process.pid}-${Math.random().toString(36).slice(2)}`;
  const provider = createOpenAICompatible({
    name: "mock",
    baseURL: process.env.MOCKSERVER_URL + path,
    apiKey: "any key",
    headers: { "X-Mock-Session": session },
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
  const model = provider(id);

  const plain = await generateText({ model, prompt: "mock words" });
  assert.equal(plain.text, "One word at a time.");
  assert.equal(plain.finishReason, "stop");
  assert.ok(plain.usage.outputTokens > 0);

  const stream = streamText({ model, prompt: "mock words" });
  const parts = [];
  for await (const part of stream.textStream) parts.push(part);
  assert.equal(parts.join(""), "One word at a time.");
  assert.ok(parts.length > 1);
  assert.equal((await stream.usage).outputTokens, plain.usage.outputTokens);

  const asked = { model, prompt: "How do they feel?" };
  const made = ai.generateObject
    ? (await ai.generateObject({ ...asked, schema: Feeling })).object
    : (await generateText({ ...asked, output: ai.Output.object({ schema: Feeling }) })).output;
  assert.ok(Feeling.parse(made));
  const streamed = streamText({ ...asked, output: ai.Output.object({ schema: Feeling }) });
  let last;
  for await (const partial of streamed.partialOutputStream) last = partial;
  assert.ok(Feeling.parse(last));

  const tools = {
    get_weather: tool({
      description: "The weather in a city",
      inputSchema: z.object({ city: z.string() }),
      execute: async () => ({ celsius: 21 }),
    }),
  };
  // The fixture calls the tool, and closes when it has the result.
  const talk = await generateText({ model, tools, stopWhen: stepCountIs(3), prompt: "mock tools" });
  assert.equal(talk.text, "It is 21 °C in Paris.");
  assert.equal(talk.steps[0].toolCalls[0].toolName, "get_weather");
  // No fixture speaks: the call is invented.
  const loop = await generateText({ model, tools, stopWhen: stepCountIs(5), prompt: "What is the weather in Paris and London?" });
  assert.deepEqual(loop.steps[0].toolCalls.map((call) => call.input.city), ["Paris", "London"]);
  assert.equal(loop.steps.length, 2);
  assert.match(loop.text, /21/);
  const forced = await generateText({ model, tools, toolChoice: "required", prompt: "And in Rome?" });
  assert.equal(typeof forced.toolCalls[0].input.city, "string");
  const fragments = streamText({ model, tools, toolChoice: { type: "tool", toolName: "get_weather" }, prompt: "And in Rome?" });
  assert.deepEqual((await fragments.toolCalls).map((call) => call.input), forced.toolCalls.map((call) => call.input));

  await assert.rejects(generateText({ model, maxRetries: 0, prompt: "mock 402" }), (error) => {
    return APICallError.isInstance(error) && error.statusCode === 402 && /run out of funds|wallet balance/.test(error.message);
  });
  assert.equal((await generateText({ model, maxRetries: 2, prompt: "mock retry" })).text, "Third time lucky.");
}

const version = (name) => JSON.parse(readFileSync(new URL(`${import.meta.resolve(name).split("/dist/")[0]}/package.json`))).version;
console.log("ai", version("ai"), "openai-compatible", version("@ai-sdk/openai-compatible"));
