// The default constructors of the Vercel AI SDK and of OpenAI's client for Node, which use the Responses API.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, stepCountIs, streamText, tool } from "ai";
import OpenAI from "openai";
import { z } from "zod";

const WORDS = "One word at a time.";
const WEATHER = "It is 21 °C in Paris.";

for (const path of ["/aimlapi/v1", "/openai/v1"]) {
  const baseURL = process.env.MOCKSERVER_URL + path;
  const headers = { "X-Mock-Session": `responses-${randomUUID()}` };

  const client = new OpenAI({ baseURL, apiKey: "any key", defaultHeaders: headers });
  assert.equal((await client.responses.create({ model: "o3-mini", input: "mock words" })).output_text, WORDS);
  const stream = client.responses.stream({ model: "o3-mini", input: "mock words" });
  assert.equal((await stream.finalResponse()).output_text, WORDS);

  // AI/ML API stores nothing unless it is asked to, so the items of earlier steps are sent again.
  const providerOptions = { openai: { store: path.startsWith("/openai") } };
  const model = createOpenAI({ baseURL, apiKey: "any key", headers })("o3-mini");
  assert.equal((await generateText({ model, prompt: "mock words" })).text, WORDS);
  const parts = [];
  for await (const part of streamText({ model, prompt: "mock words" }).textStream) parts.push(part);
  assert.equal(parts.join(""), WORDS);
  assert.ok(parts.length > 1);

  const called = [];
  const tools = {
    get_weather: tool({
      inputSchema: z.object({ city: z.string(), unit: z.string() }),
      execute: async ({ city }) => (called.push(city), "21"),
    }),
  };
  const steps = { model, prompt: "mock tools", tools, stopWhen: stepCountIs(3), providerOptions };
  assert.equal((await generateText(steps)).text, WEATHER);
  assert.equal(await streamText(steps).text, WEATHER);
  assert.deepEqual(called, ["Paris", "Paris"]);

  await assert.rejects(generateText({ model, prompt: "mock 429", maxRetries: 0 }), { statusCode: 429 });
}

const version = (name) =>
  JSON.parse(readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url))).version;
console.log(["ai", "@ai-sdk/openai", "openai"].map((name) => `${name} ${version(name)}`).join(", "));
