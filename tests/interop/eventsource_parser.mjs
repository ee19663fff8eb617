// What `eventsource-parser` reads of a stream: `node eventsource_parser.mjs URL HEADERS BODY` prints it as JSON.
import { createParser } from "eventsource-parser";

const [url, headers, body] = process.argv.slice(2);
const events = [];
const parser = createParser({ onEvent: ({ event, data }) => events.push([event ?? "message", data]) });
const response = await fetch(url, { method: "POST", headers: JSON.parse(headers), body });
for await (const part of response.body.pipeThrough(new TextDecoderStream())) parser.feed(part);
console.log(JSON.stringify(events));
