// OpenAI's Node SDK: chat, stream, tools, documents, errors, retries, on both vendors that have a path for it.
import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { VERSION } from "openai/version";
import { z } from "zod";

const weather = {
  type: "function",
  function: {
    name: "get_weather",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};
const user = (content) => [{ role: "user", content }];
const session = () => ({ "X-Mock-Session": `node-${process.pid}-${Math.random().toString(36).slice(2)}` });

for (const [path, model] of [["/aimlapi/v1", "o3-mini"], ["/aimlapi/v1", "o1-preview"], ["/omixa/api/v1", "o1-preview"]]) {
  const plainOnly = path.startsWith("/aimlapi") && model === "o1-preview"; // it knows no tools
  const options = { baseURL: process.env.MOCKSERVER_URL + path, apiKey: "any key", defaultHeaders: session() };
  const client = new OpenAI({ ...options, maxRetries: 0 });

  const plain = await client.chat.completions.create({ model, messages: user("mock words") });
  assert.equal(plain.choices[0].message.content, "One word at a time.");
  assert.equal(plain.choices[0].finish_reason, "stop");
  assert.ok(plain._request_id);

  let text = "";
  let usage;
  const stream = await client.chat.completions.create({
    model, messages: user("mock words"), stream: true, stream_options: { include_usage: true },
  });
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? "";
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, "One word at a time.");
  assert.deepEqual(usage, plain.usage);

  const helper = client.chat.completions.stream({ model, messages: user("mock words") });
  assert.equal(await helper.finalContent(), "One word at a time.");

  // A stream that is given up does no harm to the next call.
  const left = await client.chat.completions.create({ model, messages: user("mock stream"), stream: true });
  for await (const _ of left) break;
  assert.equal((await client.chat.completions.create({ model, messages: user("mock words") })).choices.length, 1);

  if (!plainOnly) {
    const runner = client.chat.completions.runTools({
      model,
      messages: user("mock tools"),
      tools: [{ ...weather, function: { ...weather.function, function: () => "21", parse: JSON.parse } }],
    });
    assert.equal(await runner.finalContent(), "It is 21 °C in Paris.");

    const streamed = client.chat.completions.runTools({
      model,
      stream: true,
      messages: user("mock tools"),
      tools: [{ ...weather, function: { ...weather.function, function: () => "21", parse: JSON.parse } }],
    });
    assert.equal(await streamed.finalContent(), "It is 21 °C in Paris.");

    const forced = await client.chat.completions.create({
      model, messages: user("And in Rome?"), tools: [weather], tool_choice: "required",
    });
    assert.equal(typeof JSON.parse(forced.choices[0].message.tool_calls[0].function.arguments).city, "string");

    const Feeling = z.object({ sentiment: z.enum(["positive", "negative"]), score: z.number() });
    const parsed = await client.chat.completions.parse({
      model, messages: user("How do they feel?"), response_format: zodResponseFormat(Feeling, "feeling"),
    });
    assert.ok(Feeling.parse(parsed.choices[0].message.parsed));
  }

  const errors = {
    400: OpenAI.BadRequestError, 401: OpenAI.AuthenticationError, 402: OpenAI.APIError,
    403: OpenAI.PermissionDeniedError, 404: OpenAI.NotFoundError, 422: OpenAI.UnprocessableEntityError,
    429: OpenAI.RateLimitError, 500: OpenAI.InternalServerError, 504: OpenAI.InternalServerError,
  };
  for (const [status, kind] of Object.entries(errors)) {
    const headers = { ...session(), authorization: "Bearer any", "content-type": "application/json", "X-Mock-Error": status };
    const body = JSON.stringify({ model, messages: user("Hi") });
    const said = await (await fetch(`${options.baseURL}/chat/completions`, { method: "POST", headers, body })).json();
    for (const stream of [false, true]) {
      await assert.rejects(
        client.chat.completions.create({ model, messages: user("Hi"), stream }, { headers: { "X-Mock-Error": status } }),
        (error) => error.constructor === kind && error.status === Number(status) && Boolean(error.requestID)
          && error.message === `${status} ${said.error.message}`,
        `${path} ${status} ${stream}`,
      );
    }
  }
  await assert.rejects(
    new OpenAI({ ...options, timeout: 50, maxRetries: 0 }).chat.completions.create({ model, messages: user("mock delay") }),
    OpenAI.APIConnectionTimeoutError,
  );
  for (const said of ["mock retry", "mock flaky"]) {
    const patient = new OpenAI({ ...options, defaultHeaders: session(), maxRetries: 2 });
    const answer = await patient.chat.completions.create({ model, messages: user(said) });
    assert.match(answer.choices[0].message.content, /^(Third time lucky|It works)/);
  }
  // An endpoint that is not there is not taken for a model.
  await assert.rejects(client.embeddings.create({ model, input: "x" }), OpenAI.NotFoundError);
}

console.log("openai", VERSION);
