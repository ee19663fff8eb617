// DOM, made by hand: nothing is ever parsed from a text, so nothing that a client sent can become markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element. `on...` are listeners, `style` sets properties, true and false are an attribute with or without. */
export function h(tag, attributes = {}, ...children) {
  return made(document.createElement(tag), attributes, children);
}

/** The same for a drawing. */
export function svg(tag, attributes = {}, ...children) {
  return made(document.createElementNS(SVG, tag), attributes, children);
}

/** Sets the text only where it differs: untouched text costs no layout. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The choices of a select, the chosen one kept even where it is not (or no longer) among them. */
export function setOptions(select, options, chosen) {
  const known = options.some(([value]) => value === chosen) ? options : [...options, [chosen, chosen]];
  const stamp = known.map(([value, text]) => `${value}\t${text}`).join("\n");
  if (select.dataset.stamp !== stamp) {
    select.dataset.stamp = stamp;
    select.replaceChildren(...known.map(([value, text]) => h("option", { value }, text)));
  }
  if (select.value !== chosen) select.value = chosen;
}

function made(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return element;
}
