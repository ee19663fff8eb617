// The playground: a form for a request, sent as any client would send it, and its response as it arrives.

import { createDemoPanel } from "../components/demo-panel.js";
import { createRepeatResults } from "../components/repeat-results.js";
import { createRequestForm } from "../components/request-form.js";
import { createResponsePanel } from "../components/response-panel.js";
import { curlCommand, openaiSnippet, requestsSnippet } from "../data/code-snippets.js";
import { buildRequest, mockHeaders } from "../data/request-builder.js";
import { completeBroken, streamRequest } from "../data/stream-reader.js";
import { requestJson, resolveUrl } from "../lib/api.js";
import { createCopyButton } from "../lib/copy-button.js";
import { h, setOptions, setText } from "../lib/dom.js";

/** @import { Explanation } from "../components/response-panel.js" */
/** @import { AppContext } from "../data/app-context.js" */
/** @import { BuiltRequest, VendorView } from "../data/request-builder.js" */
/** @import { StoredRequest } from "../data/request-store.js" */
/** @import { LiveResponse } from "../data/stream-reader.js" */

/** @param {AppContext} context */
export function createPlaygroundView(context) {
  /** @type {Record<string, VendorView>} */
  let vendors = {};
  let vendorName = "";
  /** @type {LiveResponse | null} */
  let response = null;
  /** @type {Explanation | null} */
  let explanation = null; // of the last request
  let isSending = false; // from the first request to the end of the last one
  let abortController = new AbortController();
  let newestBefore = 0; // number of the newest request before the last one was sent
  let language = "python";

  const form = createRequestForm({
    onInput: () => context.requestRender(),
    onVendor: selectVendor,
    onSend: send,
    onStop: () => abortController.abort(),
  });
  const results = createRepeatResults();
  const responsePanel = createResponsePanel(results.element);
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
    form.offer(index);
    if (!vendorName) selectVendor(form.vendor.value);
    context.requestRender();
  }

  /** @param {string} name */
  function selectVendor(name) {
    const previous = vendors[vendorName];
    vendorName = name in vendors ? name : Object.keys(vendors)[0];
    form.showVendor(previous, vendors[vendorName]);
    form.vendor.value = vendorName;
    context.requestRender();
  }

  /**
   * Send the request of the form, one after the other, until one is stopped.
   * @param {number} count
   */
  async function send(count) {
    if (!vendorName || isSending) return;
    isSending = true;
    abortController = new AbortController();
    const { signal } = abortController;
    results.begin(count);
    const values = form.read();
    const request = buildRequest(vendorName, vendors[vendorName], values);
    for (let sent = 0; sent < count && !signal.aborted; sent += 1) {
      // Explained before it is sent: afterwards a sequence would be at its next response.
      explanation = await explain(request, values.session);
      newestBefore = context.store.newestNumber;
      const { response: started, ended } = streamRequest(request, signal, onResponseChange);
      response = started;
      context.requestRender();
      await ended;
      if (count > 1) results.add(started);
    }
    isSending = false;
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
    form.render(isSending);
    renderCode();
    responsePanel.render(response, explanation, vendors[vendorName]);
    return false;
  }

  function renderCode() {
    const values = form.read();
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
