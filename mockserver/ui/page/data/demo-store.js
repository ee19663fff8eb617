// The demo on the server: whether it runs, read again whenever it has changed.

import { requestJson } from "../lib/api.js";
import { createPoller } from "../lib/poller.js";

/**
 * The demo as the admin API shows it.
 * @typedef {{available: boolean, running: boolean, rounds: number, sessions: {name: string, description: string}[]}} DemoView
 */

/** Store of the demo. */
export class DemoStore {
  /** @param {() => void} onChange is called whenever there is something new to render */
  constructor(onChange) {
    /** @type {DemoView} */
    this.view = { available: false, running: false, rounds: 0, sessions: [] };
    this.onChange = onChange;
    this.refresh = createPoller(async () => this.show(await requestJson("GET", "/demo")));
  }

  /**
   * Read the demo again if an event of the feed says that it has changed.
   * @param {string} type
   * @param {any} data
   */
  handleEvent(type, data) {
    if (type === "change" && data.what === "demo") this.refresh();
  }

  /** Start the demo. Throws ApiError. */
  async start() {
    this.show(await requestJson("POST", "/demo"));
  }

  /** Stop the demo. Throws ApiError. */
  async stop() {
    this.show(await requestJson("DELETE", "/demo"));
  }

  /** @param {DemoView} view */
  show(view) {
    this.view = view;
    this.onChange();
  }
}
