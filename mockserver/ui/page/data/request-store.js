// The requests that the page knows of: the newest few hundred, each as it was told last.

const MOST = 1000; // requests; the server's journal has more

export class RequestStore {
  constructor(most = MOST) {
    this.most = most;
    this.known = new Map(); // by id, in the order of arrival
    this.version = 0; // another one whenever anything has changed
    this.listed = -1; // the version that `list` is of
    this.list = [];
    this.ahead = 0; // milliseconds by which the server's clock is ahead of ours, as far as that is known
  }

  /** A moment of a request, as the feed tells it. What has ended does not open again. */
  put(told, live = false) {
    const before = this.known.get(told.id);
    if (before && before.ended !== null && told.ended === null) return;
    const at = Date.parse(told.arrived);
    if (live && !before) this.ahead = at - Date.now();
    this.known.set(told.id, { ...told, at, end: told.total_ms === null ? null : at + told.total_ms });
    this.version += 1;
    if (this.known.size > this.most) this.known.delete(this.known.keys().next().value);
  }

  /** The journal, the newest first, as the server lists it. */
  fill(requests) {
    for (const one of requests.toReversed()) this.put(one);
    this.known = new Map([...this.known].sort(([, one], [, other]) => one.number - other.number));
    this.version += 1;
  }

  forget(session) {
    for (const [id, one] of this.known) if (!session || one.session === session) this.known.delete(id);
    this.version += 1;
  }

  /** In the order of arrival; the same list for as long as nothing has changed. */
  get requests() {
    if (this.listed !== this.version) {
      this.list = [...this.known.values()];
      this.listed = this.version;
    }
    return this.list;
  }

  /** The server's time, in milliseconds since 1970. */
  now() {
    return Date.now() + this.ahead;
  }
}
