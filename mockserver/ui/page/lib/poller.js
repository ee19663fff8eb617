// Reading again from the server after changes: one request at a time, and the last response is the newest.

const MIN_PAUSE = 250; // milliseconds between two reads
const IDLE_FACTOR = 4; // and at least this many times as long as the last response took

/**
 * Return a function that reads again, at once or as soon as the current read is done.
 * @param {() => Promise<void>} read may fail, as when the server stops; the next call tries again
 * @param {number} [minPause] milliseconds between two reads
 */
export function createPoller(read, minPause = MIN_PAUSE) {
  let isReading = false;
  let isStale = false;
  return async () => {
    isStale = true;
    if (isReading) return;
    isReading = true;
    while (isStale) {
      isStale = false;
      const began = performance.now();
      await read().catch((error) => console.info(`mockserver: ${error.message}`));
      const pause = Math.max(minPause, (performance.now() - began) * IDLE_FACTOR);
      if (isStale) await new Promise((resolve) => setTimeout(resolve, pause));
    }
    isReading = false;
  };
}
