// When to draw: once for any number of changes, in the browser's own rhythm, and never so often that the page freezes.

const SHARE = 4; // after drawing, so many times as long as it took belongs to everybody else

/** Returns a function that asks for a drawing; `draw` says whether it wants to be called again, because time passes. */
export function createRenderScheduler(draw) {
  let asked = false;
  let rested = 0;

  function frame(now) {
    if (now < rested) {
      requestAnimationFrame(frame);
      return;
    }
    asked = false;
    const began = performance.now();
    const again = draw();
    rested = performance.now() + (performance.now() - began) * SHARE;
    if (again) ask();
  }

  function ask() {
    if (asked) return;
    asked = true;
    requestAnimationFrame(frame);
  }
  return ask;
}
