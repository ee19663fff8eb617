// Rendering in animation frames: one render for any number of changes, with time left for everything else.

const IDLE_FACTOR = 4; // after a render, the next one waits this many times as long as it took

/**
 * Return a function that requests a render.
 * @param {() => boolean} render returns true to be called again because its output depends on the time
 */
export function createRenderScheduler(render) {
  let isRequested = false;
  let earliest = 0;

  /** @param {number} now */
  function onFrame(now) {
    if (now < earliest) {
      requestAnimationFrame(onFrame);
      return;
    }
    isRequested = false;
    const began = performance.now();
    const isMoving = render();
    earliest = performance.now() + (performance.now() - began) * IDLE_FACTOR;
    if (isMoving) requestRender();
  }

  function requestRender() {
    if (isRequested) return;
    isRequested = true;
    requestAnimationFrame(onFrame);
  }

  return requestRender;
}
