// What the server is asked again whenever it may have changed: one question at a time, and the last answer is the newest.

const GAP = 250; // milliseconds at least between two
const SHARE = 4; // and so many times as long as the answer took

/** Returns a function that asks again. `read` may fail, as when the server stops; it is asked anew when it is back. */
export function createPoller(read) {
  let asking = false;
  let again = false;
  return async () => {
    again = true;
    if (asking) return;
    asking = true;
    while (again) {
      again = false;
      const began = performance.now();
      await read().catch((error) => console.info(`mockserver: ${error.message}`));
      const pause = Math.max(GAP, (performance.now() - began) * SHARE);
      if (again) await new Promise((done) => setTimeout(done, pause));
    }
    asking = false;
  };
}
