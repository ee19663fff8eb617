// DOM elements built without parsing markup, so that nothing a client sent can become an element or a script.

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

/**
 * A function is the listener of an `on...` event; true sets an empty attribute, false and null none.
 * @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => unknown)>} Attributes
 */

/** @typedef {Node | string | false | null | undefined | Children} Child false and null are left out */
/** @typedef {{length: number, at: (index: number) => Child}} Children an array; JSDoc has no recursive type of arrays */

/**
 * Create an HTML element.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  return fillElement(document.createElement(tag), attributes, children);
}

/**
 * Create an SVG element.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svg(tag, attributes = {}, ...children) {
  return fillElement(document.createElementNS(SVG_NAMESPACE, tag), attributes, children);
}

/**
 * Set the text of an element if it differs: an unchanged text costs no layout.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Set the options of a select. The selected value stays an option, even if it is not in the list.
 * @param {HTMLSelectElement} select
 * @param {string[][]} options pairs of value and text
 * @param {string} selected
 */
export function setOptions(select, options, selected) {
  const known = options.some(([value]) => value === selected) ? options : [...options, [selected, selected]];
  const stamp = known.map(([value, text]) => `${value}\t${text}`).join("\n");
  if (select.dataset.stamp !== stamp) {
    select.dataset.stamp = stamp;
    select.replaceChildren(...known.map(([value, text]) => h("option", { value }, text)));
  }
  if (select.value !== selected) select.value = selected;
}

/**
 * Select a value, which becomes an option if it is none.
 * @param {HTMLSelectElement} select
 * @param {string} selected
 */
export function selectOption(select, selected) {
  if (select.value === selected) return;
  select.value = selected;
  if (select.value === selected) return;
  select.append(h("option", { value: selected }, selected));
  select.value = selected;
}

/** Return the element with the focus, null if there is none. */
export function focusedElement() {
  const { activeElement } = document;
  return activeElement instanceof HTMLElement || activeElement instanceof SVGElement ? activeElement : null;
}

/**
 * Move the focus to an element if it can have it.
 * @param {Element | null | undefined} element
 */
export function focusElement(element) {
  if (element instanceof HTMLElement || element instanceof SVGElement) element.focus();
}

/**
 * @template {HTMLElement | SVGElement} Target
 * @param {Target} element
 * @param {Attributes} attributes
 * @param {Child[]} children
 */
function fillElement(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...flattenChildren(children));
  return element;
}

/**
 * Flatten nested lists of children and leave out what is empty.
 * @param {Child[]} children
 * @returns {(Node | string)[]}
 */
export function flattenChildren(children) {
  return children.flatMap((child) => {
    if (child instanceof Node || typeof child === "string") return [child];
    return Array.isArray(child) ? flattenChildren(child) : [];
  });
}
