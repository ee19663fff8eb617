// Reading again from the server after changes: one request at a time, and the last response is the newest.

const MIN_PAUSE = 250; // milliseconds between two reads
const IDLE_FACTOR = 4; // and at least this many times as long as the last response took

/**
 * Return a function that reads again: at once if the last read was long enough ago, else as soon as it is. If it is
 * called with true, as after a click, it does not wait.
 * @param {() => Promise<void>} read may fail, as when the server stops; the next call tries again
 * @param {number} [minPause] milliseconds between two reads
 */
export function createPoller(read, minPause = MIN_PAUSE) {
  let isReading = false;
  let isStale = false;
  let isUrgent = false;
  let earliest = 0; // when the next read may begin
  let endPause = () => {};
  return async (mayNotWait = false) => {
    isStale = true;
    isUrgent ||= mayNotWait;
    if (isUrgent) endPause();
    if (isReading) return;
    isReading = true;
    while (isStale) {
      await new Promise((resolve) => {
        endPause = () => resolve(null);
        setTimeout(resolve, isUrgent ? 0 : earliest - performance.now());
      });
      isStale = false;
      isUrgent = false;
      const began = performance.now();
      await read().catch((error) => console.info(`mockserver: ${error.message}`));
      const ended = performance.now();
      earliest = ended + Math.max(minPause, (ended - began) * IDLE_FACTOR);
    }
    isReading = false;
  };
}
