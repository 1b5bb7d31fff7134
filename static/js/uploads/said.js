// What is said of a file on its way, from the facts of its transfer.
import { fill, words } from "../api.js";
import { clock } from "../progress.js";
import { shownSpeed } from "../sizes.js";

const MAIN_WORDS = { connecting: "pause", sending: "pause", away: "pause", waits: "pause", paused: "resume", failed: "tryAgain", left: "resume" };

// What its one button says; nothing where there is none.
export const mainWord = (state) => words[MAIN_WORDS[state]] ?? "";

export function note({ state, percent, speed, left_s, reason }) {
  if (state === "sending") {
    const parts = [`${Math.floor(percent)} %`];
    if (left_s !== null) parts.push(shownSpeed(speed), fill(words.left, { time: clock(left_s) }));
    return parts.join("\u00a0· ");
  }
  if (state === "away") return reason || words.noNetwork;
  if (state === "failed") return fill(words.notSent, { reason });
  const said = { waits: words.waits, connecting: words.connecting, paused: words.paused, done: words.sent, left: words.tabClosed, lost: words.notBegun };
  return said[state] ?? "";
}

// What a screen reader should say of files, once each for what came to the same: beginnings and ends, not every percent.
export function turns(files) {
  const names = new Map();
  for (const { name, state, reason } of files) {
    const said = {
      sending: words.uploading, paused: words.paused, away: words.noNetwork, done: words.sent, failed: reason, left: words.tabClosed,
      lost: words.notBegun,
    }[state];
    if (said) names.set(said, [...(names.get(said) ?? []), name]);
  }
  return [...names].map(([said, all]) => `${all.join(", ")}: ${said}`);
}
