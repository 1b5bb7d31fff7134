// The newest word of every tab about the files it sends, and what is left of tabs that have ended.
export class Board {
  #tabs = new Map();
  // Files that nobody sends any more, as `left.js` describes them.
  left = [];

  // Answers whether this tab was not known, or counted as ended.
  hear({ tab, files, name }) {
    const before = this.#tabs.get(tab);
    this.#tabs.set(tab, { files, name, hasEnded: false });
    return !before || before.hasEnded;
  }

  // Answers whether it was known, and not ended.
  end(tab) {
    const found = this.#tabs.get(tab);
    if (!found || found.hasEnded) return false;
    found.hasEnded = true;
    return true;
  }

  // `left` are the files that nobody sends now. Of ended tabs stay what they sent, and what they never began.
  settle(left) {
    for (const found of [...this.#tabs.values()].filter((one) => one.hasEnded)) {
      const files = found.files.filter((one) => one.state === "done" || !(one.id || one.waits));
      found.files = files.map((one) => (one.state === "done" ? one : { ...one, state: "lost" }));
    }
    this.left = left;
  }

  // The numbers, and keys of what has none yet, of what living tabs send or hold.
  get held() {
    return [...this.#tabs.values()].filter((one) => !one.hasEnded).flatMap((one) => one.files.flatMap(({ id, waits }) => [id, waits])).filter(Boolean);
  }

  // All of it, each with a `key` of its own. What one tab took over from another one stands there once.
  get files() {
    const { held } = this;
    const all = [...this.#tabs].flatMap(([tab, { files, name, hasEnded }]) => {
      const kept = files.filter((one) => !hasEnded || !held.includes(one.id || one.waits));
      return kept.map((one) => ({ ...one, tab, tabName: name, hasEnded, key: `${tab} ${one.number}` }));
    });
    const left = this.left.filter((one) => !held.includes(one.id || one.key) && !all.some(({ id }) => id && id === one.id));
    return [...all, ...left.map((one) => ({ ...one, key: one.id || one.key, hasEnded: true }))];
  }
}
