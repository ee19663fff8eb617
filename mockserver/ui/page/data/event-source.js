// The server's event feed. A browser's EventSource cannot send the token, so the stream is read with fetch.

import { fetchApi } from "../lib/api.js";
import { createSseParser } from "../lib/sse-parser.js";

const RECONNECT_DELAYS = [500, 1000, 2000, 5000]; // milliseconds

/**
 * @typedef {object} FeedHandlers
 * @property {() => void} onReset is called when the feed starts or has lost events: everything should be read again
 * @property {(type: string, data: any) => void} onEvent
 * @property {(state: "live" | "lost") => void} onState
 */

/**
 * Follow the event feed for as long as the page is open; reconnect when it breaks.
 * @param {FeedHandlers} handlers
 */
export async function followEvents({ onReset, onEvent, onState }) {
  let lastId = "";
  for (let failures = 0; ; failures += 1) {
    try {
      /** @type {Record<string, string>} */
      const headers = lastId ? { "last-event-id": lastId } : {};
      const response = await fetchApi("GET", "/events", { headers });
      if (!response.ok || !response.body) throw new Error(`the event feed answers ${response.status}`);
      onState("live");
      if (!lastId) onReset();
      for await (const event of readEvents(response.body)) {
        failures = 0;
        lastId = event.id;
        if (event.type === "lost") onReset();
        else onEvent(event.type, JSON.parse(event.data));
      }
    } catch (error) {
      console.info(`mockserver: ${error}`); // not an error of the page: a server may stop
    }
    onState("lost");
    await delay(RECONNECT_DELAYS[Math.min(failures, RECONNECT_DELAYS.length - 1)]);
  }
}

/** @param {ReadableStream<Uint8Array<ArrayBuffer>>} body */
async function* readEvents(body) {
  const parse = createSseParser();
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) yield* parse(part.value);
}

/** @param {number} milliseconds */
function delay(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
