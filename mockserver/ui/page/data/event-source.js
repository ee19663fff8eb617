// What happens on the server, as it happens. An EventSource cannot carry the token, so the stream is read by fetch.

import { fetchApi } from "../lib/api.js";
import { createSseParser } from "../lib/sse-parser.js";

const PATIENCE = [500, 1000, 2000, 5000]; // milliseconds before the next try to come back

/**
 * Follows for as long as the page lives. `begun` is called whenever the stream has begun or events were lost, that is
 * when what is known should be read anew; `told(type, data)` for each event; `state` with `live` or `lost`.
 */
export async function followEvents({ begun, told, state }) {
  let last = "";
  for (let failed = 0; ; failed += 1) {
    try {
      const headers = last ? { "last-event-id": last } : {};
      const response = await fetchApi("GET", "/events", { headers });
      if (!response.ok) throw new Error(`the feed says ${response.status}`);
      state("live");
      if (!last) begun();
      for await (const event of events(response.body)) {
        failed = 0;
        last = event.id;
        if (event.type === "lost") begun();
        else told(event.type, JSON.parse(event.data));
      }
    } catch (error) {
      console.info(`mockserver: ${error.message}`); // no error of the page: a server may stop
    }
    state("lost");
    await rested(PATIENCE[Math.min(failed, PATIENCE.length - 1)]);
  }
}

async function* events(body) {
  const read = createSseParser();
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) yield* read(part.value);
}

function rested(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds));
}
