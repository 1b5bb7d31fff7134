// How fast bytes went lately and how long the rest will take. Only the last seconds count: a network changes.
const WINDOW_MS = 10_000;

export class Pace {
  #seen = [];

  note(sentBytes, nowMs = performance.now()) {
    this.#seen.push([nowMs, sentBytes]);
    while (this.#seen.length > 2 && this.#seen[0][0] < nowMs - WINDOW_MS) this.#seen.shift();
  }

  forget() {
    this.#seen = [];
  }

  // 0 while it is not known.
  get bytesPerSecond() {
    const [first, last] = [this.#seen[0], this.#seen.at(-1)];
    return first && last[0] > first[0] ? Math.max(0, (1000 * (last[1] - first[1])) / (last[0] - first[0])) : 0;
  }

  // null while it is not known.
  secondsFor(bytes) {
    return this.bytesPerSecond > 0 ? bytes / this.bytesPerSecond : null;
  }
}
