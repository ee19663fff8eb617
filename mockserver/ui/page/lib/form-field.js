// Form controls with labels.

import { h } from "./dom.js";

/** @import { Attributes, Child } from "./dom.js" */

/**
 * Create a label with its control below.
 * @param {string} label
 * @param {Child} control
 */
export function createField(label, control) {
  return h("label", { class: "field" }, h("span", { class: "label" }, label), control);
}

/**
 * Create a select.
 * @param {Attributes} attributes
 * @param {string[][]} options each with its value, its text and, if it is in a group, the group's label
 */
export function createSelect(attributes, options) {
  const element = h("select", attributes);
  /** @type {Map<string, HTMLOptGroupElement>} */
  const groups = new Map();
  for (const [value, text, label] of options) {
    const option = h("option", { value }, text);
    const group = groups.get(label);
    if (!label) element.append(option);
    else if (group) group.append(option);
    else {
      const first = h("optgroup", { label }, option);
      groups.set(label, first);
      element.append(first);
    }
  }
  return element;
}

/**
 * Create a text input with suggestions; `suggest` sets them.
 * @param {Attributes & {name: string}} attributes
 */
export function createSuggestInput(attributes) {
  const list = h("datalist", { id: `${attributes.name}-suggestions` });
  const input = h("input", { type: "text", autocomplete: "off", spellcheck: "false", ...attributes, list: list.id });
  const element = h("span", { class: "suggest-input" }, input, list);
  /** @param {string[]} values */
  const suggest = (values) => list.replaceChildren(...values.map((value) => h("option", { value })));
  return { element, input, suggest };
}
