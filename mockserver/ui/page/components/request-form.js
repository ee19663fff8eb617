// The playground's form: vendor, model, prompt and what to inject, with samples to click.

import { DEFAULT_FORM } from "../data/request-builder.js";
import { ATTACHMENT_OPTIONS, SAMPLES } from "../data/sample-requests.js";
import { h } from "../lib/dom.js";
import { createField, createSelect, createSuggestInput } from "../lib/form-field.js";

/** @import { PlaygroundForm, VendorView } from "../data/request-builder.js" */

const STATUSES = ["400", "401", "402", "403", "404", "408", "429", "500", "502", "503", "504"];
const API_OPTIONS = [["chat", "chat completions"], ["responses", "Responses"]];
const RETRY_AFTER_OPTIONS = [["", "not sent"], ["1s", "1 s"], ["5s", "5 s"], ["30s", "30 s"], ["2m", "2 min"]];
const DELAY_OPTIONS = [["", "none"], ["1s", "1 s"], ["5s", "5 s"], ["30s", "30 s"]];
const PACE_OPTIONS = [
  ["", "as written"],
  ["10000", "10,000 bytes/s"],
  ["3000", "3,000 bytes/s"],
  ["1000", "1,000 bytes/s"],
  ["300", "300 bytes/s"],
];
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
const SLOW = "slow"; // a fault that the field Pace sets
export const REPETITIONS = 10;

/** @typedef {{onInput: () => void, onVendor: (name: string) => void, onSend: (count: number) => void, onStop: () => void}} FormListeners */

/**
 * Create the form.
 * @param {FormListeners} listeners
 */
export function createRequestForm({ onInput, onVendor, onSend, onStop }) {
  const vendor = h("select", { name: "vendor", onchange: (event) => onVendor(event.target.value) });
  const api = createSelect({ name: "api", onchange: () => onVendor(vendor.value) }, API_OPTIONS);
  const model = createSuggestInput({ name: "model", required: true });
  const key = createSuggestInput({ name: "key" });
  const session = h("input", { name: "session", pattern: "[A-Za-z0-9._\\-]{0,64}", autocomplete: "off", spellcheck: "false" });
  const stream = h("input", { type: "checkbox", name: "stream", checked: true });
  const system = h("textarea", { name: "system", rows: "2" });
  const user = h("textarea", { name: "user", rows: "3", required: true });
  const attachment = createSelect({ name: "attachment" }, ATTACHMENT_OPTIONS);
  const error = h("select", { name: "error" });
  const retryAfter = createSelect({ name: "retry-after" }, RETRY_AFTER_OPTIONS);
  const delay = createSelect({ name: "delay" }, DELAY_OPTIONS);
  const pace = createSelect({ name: "pace" }, PACE_OPTIONS);
  const fault = h("select", { name: "fault" });
  const faultPoint = createSelect({ name: "fault-point" }, FAULT_POINT_OPTIONS);
  const send = h("button", { class: "primary", disabled: true }, "Send");
  const repeat = h("button", { type: "button", disabled: true, onclick: repeatRequest }, `Repeat ${REPETITIONS} times`);
  const stop = h("button", { type: "button", disabled: true, onclick: onStop }, "Stop");
  const controls = { api, model: model.input, key: key.input, session, system, user, attachment, error, retryAfter, delay, pace, fault, faultPoint };
  for (const name of formNames()) controls[name].value = DEFAULT_FORM[name];
  const samples = SAMPLES.map(({ title, values }) =>
    h("button", { type: "button", class: "sample", onclick: () => fillIn(values) }, title),
  );
  const element = h(
    "form",
    { class: "panel", "aria-label": "Request", oninput: onInput, onsubmit: onSubmit, onkeydown: onKeydown },
    h(
      "div",
      { class: "fields" },
      sized("half", "Vendor", vendor),
      sized("half", "API", api),
      sized("half", "Model", model.element),
      sized("half", "API key", key.element),
      sized("half", "Session", session),
      sized("half", "With", attachment),
      createField("System", system),
      createField("User", user),
      h("div", { class: "samples", role: "group", "aria-label": "Samples" }, h("span", { class: "muted" }, "Try: "), samples),
      h(
        "fieldset",
        { class: "fields" },
        h("legend", {}, "Inject an error or a fault"),
        sized("third", "Error", error),
        sized("third", "Retry-After", retryAfter),
        sized("third", "Delay", delay),
        sized("third", "Fault", fault),
        sized("third", "Fault point", faultPoint),
        sized("third", "Pace", pace),
      ),
      h("div", { class: "buttons" }, h("label", {}, stream, "stream"), send, repeat, stop),
    ),
  );

  /** @param {Event} event */
  function onSubmit(event) {
    event.preventDefault();
    onSend(1);
  }

  function repeatRequest() {
    if (element.reportValidity()) onSend(REPETITIONS);
  }

  /** @param {KeyboardEvent} event */
  function onKeydown(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) element.requestSubmit();
  }

  /** @param {Partial<PlaygroundForm>} values */
  function fillIn(values) {
    for (const name of formNames()) controls[name].value = values[name] ?? controls[name].value;
    send.focus();
    onInput();
  }

  function read() {
    /** @type {PlaygroundForm & {stream: boolean}} */
    const values = { ...DEFAULT_FORM, stream: stream.checked };
    for (const name of formNames()) values[name] = controls[name].value.trim();
    return { ...values, pace: stream.checked ? values.pace : "" };
  }

  /**
   * Set the errors and faults that can be injected.
   * @param {{errors: string[], faults: string[]}} index
   */
  function offer({ errors, faults }) {
    const statuses = STATUSES.map((status) => [status, status, "by status"]);
    const kinds = errors.map((kind) => [kind, kind.replaceAll("_", " "), "by kind"]);
    replaceOptions(error, [["", "none"], ...statuses, ...kinds]);
    replaceOptions(fault, [["", "none"], ...faults.filter((name) => name !== SLOW).map((name) => [name, name.replaceAll("_", " ")])]);
  }

  /**
   * Change the vendor or the api, and with them model and key, unless the user has changed these.
   * @param {VendorView | undefined} previous
   * @param {VendorView} current
   */
  function showVendor(previous, current) {
    api.disabled = current.responses === null;
    if (api.disabled) api.value = "chat";
    const models = api.value === "responses" ? current.responses_models : current.models;
    if (controls.model.value === (previous?.sample_model ?? DEFAULT_FORM.model)) controls.model.value = current.sample_model;
    const isUnserved = current.models.includes(controls.model.value) && !models.includes(controls.model.value);
    if (isUnserved) controls.model.value = models[0] ?? controls.model.value;
    if (controls.key.value === (previous?.sample_key ?? DEFAULT_FORM.key)) controls.key.value = current.sample_key;
    model.suggest(models);
    key.suggest([current.sample_key, "mock-401", "mock-402", "mock-429"]);
  }

  /** @param {boolean} isBusy whether a request is open */
  function render(isBusy) {
    stop.disabled = !isBusy;
    send.disabled = isBusy;
    repeat.disabled = isBusy;
    retryAfter.disabled = !error.value;
    faultPoint.disabled = !fault.value;
    pace.disabled = Boolean(fault.value) || !stream.checked; // the header has one fault
  }

  return { element, vendor, read, offer, showVendor, render };
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
