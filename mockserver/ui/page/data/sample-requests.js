// Sample requests of the playground: prompts to click, and the tool and the JSON schema that a request can offer.

/** @import { PlaygroundForm } from "./request-builder.js" */

const WEATHER_PARAMETERS = {
  type: "object",
  properties: { city: { type: "string" }, unit: { type: "string", enum: ["celsius", "fahrenheit"] } },
  required: ["city", "unit"],
  additionalProperties: false,
};
const REVIEW_SCHEMA = {
  type: "object",
  properties: {
    sentiment: { type: "string", enum: ["positive", "neutral", "negative"] },
    score: { type: "number", minimum: 0, maximum: 1 },
    keywords: { type: "array", items: { type: "string" }, minItems: 1, maxItems: 3 },
  },
  required: ["sentiment", "score", "keywords"],
  additionalProperties: false,
};

/** Values of the field "With", and their texts. */
export const ATTACHMENT_OPTIONS = [["", "nothing else"], ["tool", "a tool to call"], ["schema", "a JSON schema"]];

/**
 * Prompts to click, each with the values of the form that it sets.
 * @type {{title: string, values: Pick<PlaygroundForm, "user" | "attachment">}[]}
 */
export const SAMPLES = [
  { title: "mock 429", values: { user: "mock 429", attachment: "" } },
  { title: "mock words", values: { user: "mock words", attachment: "" } },
  { title: "a tool", values: { user: "What is the weather in Paris, in celsius?", attachment: "tool" } },
  { title: "a JSON schema", values: { user: "Review: the trains were late, but the food was good.", attachment: "schema" } },
];

/**
 * Return the fields that a tool or a schema adds to the body of a request.
 * @param {string} attachment
 * @param {boolean} isResponses whether the request is for the Responses API
 * @returns {Record<string, any>}
 */
export function attachmentFields(attachment, isResponses) {
  if (attachment === "tool") {
    const tool = { name: "get_weather", description: "The weather in a city.", parameters: WEATHER_PARAMETERS };
    const tools = isResponses ? [{ type: "function", ...tool, strict: true }] : [{ type: "function", function: tool }];
    return { tools, tool_choice: "required" };
  }
  if (attachment === "schema") {
    const format = { name: "review", schema: REVIEW_SCHEMA, strict: true };
    return isResponses
      ? { text: { format: { type: "json_schema", ...format } } }
      : { response_format: { type: "json_schema", json_schema: format } };
  }
  return {};
}
