// The rows of a long table, of which only those in sight are in the document: a new row costs the same in any list.
//
// While rows are inserted above, the rows in sight stay where they are, unless the list is at its top and the focus is
// elsewhere. While a pointer is pressed on a row, nothing moves, so that a click hits the row that was pressed.

import { focusedElement, h } from "../lib/dom.js";

/**
 * @template Item
 * @typedef {{element: HTMLTableRowElement, link: HTMLAnchorElement, update: (item: Item) => void}} VirtualRow
 */

const OVERSCAN = 8; // rows above and below those in sight
const ESTIMATED_HEIGHT = 30; // pixels of a row, until one is measured

/**
 * Create the body of a table whose rows all have the same height. `render` shows items.
 * @template {{id: string}} Item
 * @param {() => HTMLElement | null} getScroller returns the element that scrolls the table
 * @param {() => VirtualRow<Item>} createRow
 * @param {() => void} requestRender
 */
export function createVirtualRows(getScroller, createRow, requestRender) {
  const above = createSpacer();
  const below = createSpacer();
  const body = h("tbody", { onpointerdown: hold, onkeydown: onKeydown });
  /** @type {Map<string, VirtualRow<Item>>} */
  const rows = new Map(); // by the item's id
  /** @type {Item[]} */
  let items = [];
  let height = ESTIMATED_HEIGHT;
  let anchor = ""; // the id of the first row in sight
  let anchorIndex = 0;
  let isHeld = false;

  for (const name of ["pointerup", "pointercancel", "dragend"]) addEventListener(name, release);

  function hold() {
    isHeld = true;
  }

  function release() {
    if (!isHeld) return;
    // After the click, which follows at once.
    setTimeout(() => {
      isHeld = false;
      requestRender();
    });
  }

  /** @param {Item[]} current */
  function render(current) {
    const scroller = getScroller();
    if (!scroller) return;
    if (!isHeld) items = current;
    const top = body.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
    const isAnchored = top < 0 || body.contains(document.activeElement);
    const moved = anchor && isAnchored ? items.findIndex((item) => item.id === anchor) - anchorIndex : 0;
    const shift = anchorIndex + moved >= 0 ? moved * height : 0;
    const first = Math.max(Math.floor((shift - top) / height), 0);
    const from = Math.max(first - OVERSCAN, 0);
    const to = Math.min(first + Math.ceil(scroller.clientHeight / height) + OVERSCAN, items.length);
    renderRows(items.slice(from, to));
    if (above.setHeight(from * height)) body.prepend(above.element);
    if (below.setHeight((items.length - to) * height)) body.append(below.element);
    for (const [index, item] of items.slice(from, to).entries()) rows.get(item.id)?.element.setAttribute("aria-rowindex", String(from + index + 2));
    if (shift) scroller.scrollTop += shift;
    anchorIndex = Math.min(first, items.length - 1);
    anchor = items[anchorIndex]?.id ?? "";
    measure();
  }

  function measure() {
    const [row] = rows.values();
    const measured = row?.element.getBoundingClientRect().height;
    if (!measured || measured === height) return;
    height = measured;
    requestRender();
  }

  /**
   * Bring the rows in order; elements of items that are still in sight are kept.
   * @param {Item[]} shown
   */
  function renderRows(shown) {
    const ids = new Set(shown.map((item) => item.id));
    for (const [id, row] of rows) {
      if (ids.has(id)) continue;
      row.element.remove();
      rows.delete(id);
    }
    let next = above.element.isConnected ? above.element.nextElementSibling : body.firstElementChild;
    for (const item of shown) {
      const row = rows.get(item.id) ?? createRow();
      rows.set(item.id, row);
      if (row.element === next) next = next.nextElementSibling;
      else body.insertBefore(row.element, next);
      row.update(item);
    }
  }

  /** @param {KeyboardEvent} event */
  function onKeydown(event) {
    const id = focusedElement()?.closest("tr")?.dataset.id;
    const index = items.findIndex((item) => item.id === id);
    const page = Math.floor((getScroller()?.clientHeight ?? 0) / height) - 2;
    /** @type {Record<string, number>} */
    const targets = { ArrowDown: index + 1, ArrowUp: index - 1, PageDown: index + page, PageUp: index - page, Home: 0, End: items.length - 1 };
    if (index < 0 || !(event.key in targets) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    focusRow(Math.min(Math.max(targets[event.key], 0), items.length - 1));
  }

  /** @param {number} index */
  function focusRow(index) {
    const scroller = getScroller();
    if (!scroller) return;
    const margin = 3 * height; // for the sticky toolbar and heading
    const offset = body.getBoundingClientRect().top - scroller.getBoundingClientRect().top + index * height;
    if (offset < margin) scroller.scrollTop += offset - margin;
    else if (offset + height > scroller.clientHeight) scroller.scrollTop += offset + height - scroller.clientHeight;
    anchor = ""; // the user has scrolled
    render(items);
    rows.get(items[index].id)?.link.focus({ preventScroll: true });
  }

  return { body, render };
}

/** Create the row in place of the rows that are out of sight. */
function createSpacer() {
  const cell = h("td");
  const element = h("tr", { class: "spacer", "aria-hidden": "true" }, cell);
  /**
   * Return whether the spacer is to be added.
   * @param {number} pixels
   */
  function setHeight(pixels) {
    cell.style.height = `${pixels}px`;
    if (pixels <= 0) element.remove();
    return pixels > 0 && !element.isConnected;
  }
  return { element, setHeight };
}
