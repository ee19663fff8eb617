// One call for each cell on stdin, `[base_url, headers, stream]`, through a client with its own settings:
// `node broken_calls.mjs openai|ai` prints the version of the client.
import { readFileSync } from "node:fs";

const TIMEOUT = 2000; // milliseconds, for the head of an answer
const PATIENCE = 15_000; // milliseconds, for a call: no client here has a timeout for the body
const QUESTION = [{ role: "user", content: "words" }];

async function callOpenai([baseURL, headers, stream]) {
  const { default: OpenAI } = await import("openai");
  const client = new OpenAI({ baseURL, apiKey: "any key", timeout: TIMEOUT, defaultHeaders: headers });
  const answer = await client.chat.completions.create({ model: "o3-mini", messages: QUESTION, stream }, { signal: AbortSignal.timeout(PATIENCE) });
  if (stream) for await (const _ of answer);
}

async function callAi([baseURL, headers, stream]) {
  const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
  const { generateText, streamText } = await import("ai");
  const model = createOpenAICompatible({ name: "mock", baseURL, apiKey: "any key", headers })("o3-mini");
  const options = { model, prompt: "words", abortSignal: AbortSignal.timeout(PATIENCE) };
  if (!stream) return generateText(options);
  const { textStream } = streamText({ ...options, onError: () => {} });
  for await (const _ of textStream);
}

const [name, call] = process.argv[2] === "openai" ? ["openai", callOpenai] : ["ai", callAi];
const cells = JSON.parse(readFileSync(0, "utf8"));
const waiting = [...cells];
process.on("unhandledRejection", () => {});
await Promise.all(
  Array.from({ length: 16 }, async () => {
    for (let cell = waiting.shift(); cell; cell = waiting.shift()) await call(cell).catch(() => {});
  }),
);
const { version } = JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), "utf8"));
console.log(`${name} ${version}`);
process.exit(0);
