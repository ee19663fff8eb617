// A form's parts: each control under its label.

import { h } from "./dom.js";

/** A control with its label above it; `hint` stands below. */
export function createField(label, control, hint) {
  return h("label", { class: "field" }, h("span", { class: "label" }, label), control, hint && h("span", { class: "hint" }, hint));
}

/** A select of `[value, text]`; a third part is the group that an option is in. */
export function createSelect(attributes, options) {
  const element = h("select", attributes);
  const groups = new Map();
  for (const [value, text, group] of options) {
    const option = h("option", { value }, text);
    if (!group) element.append(option);
    else if (groups.has(group)) groups.get(group).append(option);
    else {
      groups.set(group, h("optgroup", { label: group }, option));
      element.append(groups.get(group));
    }
  }
  return element;
}

/** An input that suggests; `suggest(words)` says what. */
export function createSuggestInput(attributes) {
  const list = h("datalist", { id: `${attributes.name}-known` });
  const input = h("input", { type: "text", autocomplete: "off", spellcheck: "false", ...attributes, list: list.id });
  const element = h("span", { class: "suggesting" }, input, list);
  const suggest = (words) => list.replaceChildren(...words.map((value) => h("option", { value })));
  return { element, input, suggest };
}
