// The size of text and drawings: normal, or large for a projector, as chosen in this browser.

const STORAGE_KEY = "mockserver-size";
const LARGE_UNIT = 16 / 11; // the small text of a drawing has 11 pixels, and 16 if it is large

/**
 * Apply the chosen size, and let the button change it.
 * @param {HTMLButtonElement} button
 * @param {() => void} onChange
 */
export function initSize(button, onChange) {
  function apply() {
    const isLarge = localStorage.getItem(STORAGE_KEY) === "large";
    document.documentElement.dataset.size = isLarge ? "large" : "";
    button.setAttribute("aria-pressed", String(isLarge));
  }

  apply();
  button.addEventListener("click", () => {
    localStorage.setItem(STORAGE_KEY, document.documentElement.dataset.size === "large" ? "" : "large");
    apply();
    onChange();
  });
}

/** Return the factor of all lengths in a drawing. */
export function drawingUnit() {
  return document.documentElement.dataset.size === "large" ? LARGE_UNIT : 1;
}
