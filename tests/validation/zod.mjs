// What Zod 3 says of wrong values: what zod.json records, and test_issues holds ours to.
// npm i zod@3; node zod.mjs < cases > issues, where `cases` is a JSON array of request bodies.
import { readFileSync } from "node:fs";
import { z } from "zod";

const part = z.object({ type: z.string() });
const content = z.union([z.string(), z.array(part)]);
const schema = z.object({
  model: z.enum(["o3-mini", "o3-mini-2025"]),
  messages: z.array(
    z.discriminatedUnion("role", [
      z.object({ role: z.literal("user"), content }),
      z.object({ role: z.literal("tool"), content, tool_call_id: z.string() }),
    ]),
  ),
  n: z.number().int().min(1).max(128).optional(),
  max_tokens: z.number().min(1).optional(),
  stream: z.boolean().optional(),
  stop: z.union([z.string(), z.array(z.string())]).optional(),
  reasoning_effort: z.enum(["low", "medium", "high"]).optional(),
  tools: z.array(z.object({ type: z.literal("function"), function: z.object({ name: z.string() }) })).optional(),
  tool_choice: z.union([z.enum(["none", "auto"]), z.object({ type: z.literal("function") })]).optional(),
  response_format: z
    .discriminatedUnion("type", [
      z.object({ type: z.literal("text") }),
      z.object({ type: z.literal("json_schema"), json_schema: z.object({ name: z.string() }) }),
    ])
    .optional(),
});

const said = JSON.parse(readFileSync(0)).map((body) => {
  const result = schema.safeParse(body);
  return { body, issues: result.success ? [] : result.error.issues };
});
console.log("[\n" + said.map((one) => JSON.stringify(one)).join(",\n") + "\n]");
