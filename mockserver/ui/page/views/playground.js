// The playground: a request chosen in a form and sent as any client would send it; what is heard, as it comes.

import { resolveUrl, requestJson } from "../lib/api.js";
import { createResponsePanel } from "../components/response-panel.js";
import { DEFAULT_FORM, mockHeaders, buildRequest } from "../data/request-builder.js";
import { createCopyButton } from "../lib/copy-button.js";
import { setOptions, h, setText } from "../lib/dom.js";
import { createField, createSelect, createSuggestInput } from "../lib/form-field.js";
import { streamRequest } from "../data/stream-reader.js";
import * as snippet from "../data/code-snippets.js";

const STATUSES = ["400", "401", "402", "403", "404", "408", "429", "500", "502", "503", "504"];
const AFTER = [["", "not sent"], ["1s", "1 s"], ["5s", "5 s"], ["30s", "30 s"], ["2m", "2 min"]];
const DELAYS = [["", "none"], ["1s", "1 s"], ["5s", "5 s"], ["30s", "30 s"]];
const WHERE = [
  ["", "at once"],
  ["@0", "after the headers"],
  ["@1", "after 1 chunk"],
  ["@3", "after 3 chunks"],
  ["@100b", "after 100 bytes"],
  ["@1s", "after 1 s"],
];

export function createPlaygroundView(context) {
  let vendors = {};
  let name = "";
  let answer = null; // of the last request
  let told = null; // what `explain` says of it
  let asking = false;
  let stopping = new AbortController();
  let language = "python";

  const form = made();
  const result = createResponsePanel();
  const same = code();
  const element = h(
    "section",
    { class: "playground panels", "aria-label": "Playground" },
    form.element,
    result.element,
    same.element,
  );

  function made() {
    const vendor = h("select", { name: "vendor", onchange: () => pick(vendor.value) });
    const model = createSuggestInput({ name: "model", required: true });
    const key = createSuggestInput({ name: "key" });
    const session = h("input", { name: "session", pattern: "[A-Za-z0-9._\\-]{0,64}", autocomplete: "off", spellcheck: "false" });
    const stream = h("input", { type: "checkbox", name: "stream", checked: true });
    const system = h("textarea", { name: "system", rows: "2" });
    const user = h("textarea", { name: "user", rows: "4", required: true });
    const error = h("select", { name: "error" });
    const after = createSelect({ name: "after" }, AFTER);
    const delay = createSelect({ name: "delay" }, DELAYS);
    const fault = h("select", { name: "fault" });
    const where = createSelect({ name: "where" }, WHERE);
    const send = h("button", { class: "main", disabled: true }, "Send");
    const stop = h("button", { type: "button", disabled: true, onclick: () => stopping.abort() }, "Stop");
    const third = (label, control) => classed("third", createField(label, control));
    const half = (label, control) => classed("half", createField(label, control));
    const element = h(
      "form",
      { class: "panel", "aria-label": "Request", oninput: () => context.ask(), onsubmit: go, onkeydown: shortcut },
      h(
        "div",
        { class: "fields" },
        half("Vendor", vendor),
        half("Model", model.element),
        half("API key", key.element),
        half("Session", session),
        createField("System", system),
        createField("User", user),
        h(
          "fieldset",
          { class: "fields" },
          h("legend", {}, "Make it go wrong"),
          third("Error", error),
          third("Retry-After", after),
          third("Delay", delay),
          half("Fault", fault),
          half("Where it strikes", where),
        ),
        h("div", { class: "go" }, send, stop, h("label", { class: "ends" }, stream, "stream")),
      ),
    );
    const controls = { model: model.input, key: key.input, session, system, user, error, after, delay, fault, where };
    for (const [key, control] of Object.entries(controls)) control.value = DEFAULT_FORM[key];
    return { element, vendor, model, key, stream, controls, error, fault, send, stop };
  }

  function code() {
    const text = h("pre", { class: "code", tabindex: "0", "aria-label": "The same request as code" });
    const choice = (which, title) =>
      h("button", { type: "button", "data-is": which, onclick: () => ((language = which), context.ask()) }, title);
    const buttons = [choice("python", "Python"), choice("curl", "curl")];
    const element = h(
      "article",
      { class: "panel", "aria-label": "Code" },
      h(
        "header",
        {},
        h("h3", {}, "The same as code"),
        h("div", { class: "ends" }, createCopyButton(context, text), h("span", { class: "switch", role: "group", "aria-label": "Language" }, buttons)),
      ),
      text,
    );
    return { element, text, buttons };
  }

  async function shown() {
    const index = await requestJson("GET", "");
    vendors = index.vendors;
    setOptions(form.vendor, Object.entries(vendors).map(([key, { title }]) => [key, title]), name || context.filter.vendor || "");
    const kinds = index.errors.map((kind) => [kind, kind.replaceAll("_", " "), "as the vendor has it"]);
    const statuses = STATUSES.map((status) => [status, status, "a status"]);
    refill(form.error, [["", "none"], ...statuses, ...kinds]);
    refill(form.fault, [["", "none"], ...index.faults.map((fault) => [fault, fault.replaceAll("_", " ")])]);
    if (!name) pick(form.vendor.value);
    context.ask();
  }

  /** Another vendor: its own model and key, unless they are somebody's own. */
  function pick(chosen) {
    const before = vendors[name];
    const vendor = vendors[chosen] ?? Object.values(vendors)[0];
    const { model, key } = form.controls;
    if (model.value === (before?.sample_model ?? DEFAULT_FORM.model)) model.value = vendor.sample_model;
    if (key.value === (before?.sample_key ?? DEFAULT_FORM.key)) key.value = vendor.sample_key;
    form.model.suggest(vendor.models);
    form.key.suggest([vendor.sample_key, "mock-401", "mock-402", "mock-429"]);
    name = Object.keys(vendors).find((one) => vendors[one] === vendor);
    form.vendor.value = name;
  }

  function values() {
    const texts = Object.entries(form.controls).map(([key, control]) => [key, control.value.trim()]);
    return { ...Object.fromEntries(texts), stream: form.stream.checked };
  }

  function shortcut(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.element.requestSubmit();
  }

  async function go(event) {
    event.preventDefault();
    if (!name || asking || answer?.ended === null) return;
    asking = true;
    const asked = buildRequest(name, vendors[name], values());
    stopping = new AbortController();
    // Before it is sent, because afterwards the next one in a sequence would be explained.
    told = await foretold(asked, values().session);
    answer = streamRequest(asked, stopping.signal, news);
    asking = false;
    context.ask();
  }

  async function foretold({ path, headers, body }, session) {
    try {
      return await requestJson("POST", "/explain", { vendor: name, path, headers, body, ...(session ? { session } : {}) });
    } catch (error) {
      return { refused: error.message };
    }
  }

  function news() {
    if (answer?.ended) {
      context.say([answer.status || "no status", answer.texts[0]?.text, ...answer.notes].filter(Boolean).join(". "));
    }
    context.ask();
  }

  function draw() {
    if (!name) return false;
    form.stop.disabled = !answer || answer.ended !== null;
    form.send.disabled = !form.stop.disabled;
    form.controls.after.disabled = !form.controls.error.value;
    form.controls.where.disabled = !form.controls.fault.value;
    drawCode();
    result.draw(answer, told, vendors[name]);
    return false;
  }

  function drawCode() {
    const form = values();
    const vendor = vendors[name];
    const asked = buildRequest(name, vendor, form);
    const inPython = vendor.openai
      ? () => snippet.openaiSnippet({ base: resolveUrl(`${name}${vendor.openai}`), key: form.key, body: asked.body, more: mockHeaders(form) })
      : () => snippet.requestsSnippet(asked);
    setText(same.text, language === "curl" ? snippet.curlCommand(asked) : inPython());
    for (const button of same.buttons) button.setAttribute("aria-pressed", String(button.dataset.is === language));
  }

  return { element, draw, shown };
}

function classed(name, element) {
  element.classList.add(name);
  return element;
}

function refill(select_, options) {
  const { value } = select_;
  const fresh = createSelect({}, options);
  select_.replaceChildren(...fresh.children);
  select_.value = value || "";
}
