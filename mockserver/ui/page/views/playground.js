// The playground: a form for a request, sent as any client would send it, and its response as it arrives.

import { createDemoPanel } from "../components/demo-panel.js";
import { createResponsePanel } from "../components/response-panel.js";
import { curlCommand, openaiSnippet, requestsSnippet } from "../data/code-snippets.js";
import { DEFAULT_FORM, buildRequest, mockHeaders } from "../data/request-builder.js";
import { completeBroken, streamRequest } from "../data/stream-reader.js";
import { requestJson, resolveUrl } from "../lib/api.js";
import { createCopyButton } from "../lib/copy-button.js";
import { h, setOptions, setText } from "../lib/dom.js";
import { createField, createSelect, createSuggestInput } from "../lib/form-field.js";

/** @import { Explanation } from "../components/response-panel.js" */
/** @import { AppContext } from "../data/app-context.js" */
/** @import { BuiltRequest, PlaygroundForm, VendorView } from "../data/request-builder.js" */
/** @import { StoredRequest } from "../data/request-store.js" */
/** @import { LiveResponse } from "../data/stream-reader.js" */

const STATUSES = ["400", "401", "402", "403", "404", "408", "429", "500", "502", "503", "504"];
const RETRY_AFTER_OPTIONS = [["", "not sent"], ["1s", "1 s"], ["5s", "5 s"], ["30s", "30 s"], ["2m", "2 min"]];
const DELAY_OPTIONS = [["", "none"], ["1s", "1 s"], ["5s", "5 s"], ["30s", "30 s"]];
const FAULT_POINT_OPTIONS = [
  ["", "at once"],
  ["@0", "after the headers"],
  ["@1", "after 1 chunk"],
  ["@3", "after 3 chunks"],
  ["@100b", "after 100 bytes"],
  ["@1s", "after 1 s"],
  ["@finish", "before the finish reason"],
  ["@done", "before [DONE]"],
  ["@end", "at the end"],
];

/** @param {AppContext} context */
export function createPlaygroundView(context) {
  /** @type {Record<string, VendorView>} */
  let vendors = {};
  let vendorName = "";
  /** @type {LiveResponse | null} */
  let response = null;
  /** @type {Explanation | null} */
  let explanation = null; // of the last request
  let isExplaining = false;
  let abortController = new AbortController();
  let newestBefore = 0; // number of the newest request before the last one was sent
  let language = "python";

  const form = createForm();
  const responsePanel = createResponsePanel();
  const codePanel = createCodePanel();
  const demoPanel = createDemoPanel(context);
  const element = h(
    "section",
    { class: "playground panels", "aria-label": "Playground" },
    form.element,
    responsePanel.element,
    codePanel.element,
    demoPanel.element,
  );

  function createForm() {
    const vendor = h("select", { name: "vendor", onchange: (event) => selectVendor(event.target.value) });
    const model = createSuggestInput({ name: "model", required: true });
    const key = createSuggestInput({ name: "key" });
    const session = h("input", { name: "session", pattern: "[A-Za-z0-9._\\-]{0,64}", autocomplete: "off", spellcheck: "false" });
    const stream = h("input", { type: "checkbox", name: "stream", checked: true });
    const system = h("textarea", { name: "system", rows: "2" });
    const user = h("textarea", { name: "user", rows: "4", required: true });
    const error = h("select", { name: "error" });
    const retryAfter = createSelect({ name: "retry-after" }, RETRY_AFTER_OPTIONS);
    const delay = createSelect({ name: "delay" }, DELAY_OPTIONS);
    const fault = h("select", { name: "fault" });
    const faultPoint = createSelect({ name: "fault-point" }, FAULT_POINT_OPTIONS);
    const send = h("button", { class: "primary", disabled: true }, "Send");
    const stop = h("button", { type: "button", disabled: true, onclick: () => abortController.abort() }, "Stop");
    const formElement = h(
      "form",
      { class: "panel", "aria-label": "Request", oninput: () => context.requestRender(), onsubmit: onSubmit, onkeydown: onKeydown },
      h(
        "div",
        { class: "fields" },
        sized("half", "Vendor", vendor),
        sized("half", "Model", model.element),
        sized("half", "API key", key.element),
        sized("half", "Session", session),
        createField("System", system),
        createField("User", user),
        h(
          "fieldset",
          { class: "fields" },
          h("legend", {}, "Inject an error or a fault"),
          sized("third", "Error", error),
          sized("third", "Retry-After", retryAfter),
          sized("third", "Delay", delay),
          sized("half", "Fault", fault),
          sized("half", "Fault point", faultPoint),
        ),
        h("div", { class: "buttons" }, h("label", {}, stream, "stream"), send, stop),
      ),
    );
    const controls = { model: model.input, key: key.input, session, system, user, error, retryAfter, delay, fault, faultPoint };
    for (const name of formNames()) controls[name].value = DEFAULT_FORM[name];
    return { element: formElement, vendor, model, key, stream, controls, send, stop };
  }

  function createCodePanel() {
    const text = h("pre", { class: "code", tabindex: "0", role: "group", "aria-label": "This request as code" });
    /**
     * @param {string} name
     * @param {string} title
     */
    const createButton = (name, title) => h("button", { type: "button", "data-language": name, onclick: () => selectLanguage(name) }, title);
    const buttons = [createButton("python", "Python"), createButton("curl", "curl")];
    const codeElement = h(
      "article",
      { class: "panel", "aria-label": "Code" },
      h(
        "header",
        {},
        h("h3", {}, "This request as code"),
        h(
          "div",
          { class: "align-end" },
          createCopyButton(context.announce, text),
          h("span", { class: "switch", role: "group", "aria-label": "Language" }, buttons),
        ),
      ),
      text,
    );
    return { element: codeElement, text, buttons };
  }

  /** @param {string} name */
  function selectLanguage(name) {
    language = name;
    context.requestRender();
  }

  async function onShow() {
    const index = await requestJson("GET", "");
    vendors = index.vendors;
    const vendorOptions = Object.entries(vendors).map(([name, { title }]) => [name, title]);
    const wanted = vendorName || context.filter.vendor;
    setOptions(form.vendor, vendorOptions, wanted in vendors ? wanted : vendorOptions[0][0]);
    const statuses = STATUSES.map((status) => [status, status, "by status"]);
    /** @type {string[][]} */
    const kinds = index.errors.map((/** @type {string} */ kind) => [kind, kind.replaceAll("_", " "), "by kind"]);
    /** @type {string[][]} */
    const faults = index.faults.map((/** @type {string} */ fault) => [fault, fault.replaceAll("_", " ")]);
    replaceOptions(form.controls.error, [["", "none"], ...statuses, ...kinds]);
    replaceOptions(form.controls.fault, [["", "none"], ...faults]);
    if (!vendorName) selectVendor(form.vendor.value);
    context.requestRender();
  }

  /**
   * Change the vendor, and with it model and key, unless the user has changed them.
   * @param {string} name
   */
  function selectVendor(name) {
    const previous = vendors[vendorName];
    vendorName = name in vendors ? name : Object.keys(vendors)[0];
    const vendor = vendors[vendorName];
    const { model, key } = form.controls;
    if (model.value === (previous?.sample_model ?? DEFAULT_FORM.model)) model.value = vendor.sample_model;
    if (key.value === (previous?.sample_key ?? DEFAULT_FORM.key)) key.value = vendor.sample_key;
    form.model.suggest(vendor.models);
    form.key.suggest([vendor.sample_key, "mock-401", "mock-402", "mock-429"]);
    form.vendor.value = vendorName;
  }

  function readForm() {
    /** @type {PlaygroundForm & {stream: boolean}} */
    const values = { ...DEFAULT_FORM, stream: form.stream.checked };
    for (const name of formNames()) values[name] = form.controls[name].value.trim();
    return values;
  }

  /** @param {KeyboardEvent} event */
  function onKeydown(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.element.requestSubmit();
  }

  /** @param {Event} event */
  async function onSubmit(event) {
    event.preventDefault();
    if (!vendorName || isExplaining || response?.ended === null) return;
    isExplaining = true;
    const values = readForm();
    const request = buildRequest(vendorName, vendors[vendorName], values);
    abortController = new AbortController();
    // Explained before it is sent: afterwards a sequence would be at its next response.
    explanation = await explain(request, values.session);
    newestBefore = context.store.newestNumber;
    response = streamRequest(request, abortController.signal, onResponseChange);
    isExplaining = false;
    context.requestRender();
  }

  /**
   * @param {BuiltRequest} request
   * @param {string} session
   * @returns {Promise<Explanation>}
   */
  async function explain({ path, headers, body }, session) {
    try {
      return await requestJson("POST", "/explain", { vendor: vendorName, path, headers, body, ...(session && { session }) });
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) };
    }
  }

  /** Show what was sent before the connection broke, as soon as the journal has the end of the request. */
  async function readSent() {
    const broken = response;
    if (broken?.ended !== "dropped" || broken.sent !== null) return;
    const id = new Map(broken.headers).get("x-mock-request-id");
    const isOwn = (/** @type {StoredRequest} */ { number, by_hand }) => by_hand && number > newestBefore;
    const request = context.store.requests.findLast((candidate) => (id ? candidate.id === id : isOwn(candidate)));
    if (!request?.ended) return;
    broken.sent = broken.events; // so that it is read only once
    completeBroken(broken, await requestJson("GET", `/requests/${request.id}`));
    context.requestRender();
  }

  function onResponseChange() {
    readSent();
    if (response?.ended) {
      const status = response.status ? String(response.status) : "no status";
      context.announce([status, response.choices[0]?.content, ...response.notes].filter(Boolean).join(". "));
    }
    context.requestRender();
  }

  function render() {
    demoPanel.render();
    if (!vendorName) return false;
    form.stop.disabled = response?.ended !== null;
    form.send.disabled = !form.stop.disabled;
    form.controls.retryAfter.disabled = !form.controls.error.value;
    form.controls.faultPoint.disabled = !form.controls.fault.value;
    renderCode();
    responsePanel.render(response, explanation, vendors[vendorName]);
    return false;
  }

  function renderCode() {
    const values = readForm();
    const vendor = vendors[vendorName];
    const request = buildRequest(vendorName, vendor, values);
    const toPython = () => {
      if (!vendor.openai) return requestsSnippet({ ...request, method: "POST" });
      const baseUrl = resolveUrl(`${vendorName}${vendor.openai}`);
      return openaiSnippet({ baseUrl, key: values.key, body: request.body, headers: mockHeaders(values) });
    };
    setText(codePanel.text, language === "curl" ? curlCommand(request) : toPython());
    for (const button of codePanel.buttons) button.setAttribute("aria-pressed", String(button.dataset.language === language));
  }

  return { element, render, onShow, onChange: readSent };
}

/** Return the names of the form's texts. */
function formNames() {
  return /** @type {(keyof PlaygroundForm)[]} */ (Object.keys(DEFAULT_FORM));
}

/**
 * Create a field that takes a part of the form's width.
 * @param {"half" | "third"} size
 * @param {string} label
 * @param {HTMLElement} control
 */
function sized(size, label, control) {
  const field = createField(label, control);
  field.classList.add(size);
  return field;
}

/**
 * Replace the options of a select and keep its value.
 * @param {HTMLSelectElement} select
 * @param {string[][]} options
 */
function replaceOptions(select, options) {
  const { value } = select;
  select.replaceChildren(...createSelect({}, options).children);
  select.value = value;
}
