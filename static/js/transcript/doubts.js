// Doubtful words one after the other, from where the recording stands; and ticking off what is right as it is.

import { allow } from "../focus.js";

// A word is heard with what comes right before it.
const LEAD_S = 0.5;

export function openDoubts(words, player) {
  const buttons = ["next-doubt", "right"].map((id) => document.getElementById(id));
  let last = null;

  const doubtful = (segment) => [...segment.querySelectorAll(".text > .doubtful")];

  // Doubtful words, and the first word of a doubtful segment that has none.
  function places() {
    return words.all().filter((span) => span.classList.contains("doubtful") || isWholeInDoubt(span));
  }

  function isWholeInDoubt(span) {
    const segment = span.closest(".segment.is-doubtful");
    return segment && span === span.parentElement.firstElementChild && !doubtful(segment).length;
  }

  function refresh() {
    const isOver = places().length === 0;
    for (const button of buttons) allow(button, !isOver);
  }

  function go(step) {
    const found = places();
    if (!found.length) return;
    const here = last?.isConnected ? found.indexOf(last) : found.findIndex((span) => Number(span.dataset.t) >= player.at()) - step;
    show(found.at((here + step + found.length) % found.length));
  }

  function show(span) {
    last = span;
    last.closest(".segment").scrollIntoView({ block: "center" });
    player.seek(Number(last.dataset.t) - LEAD_S);
  }

  // The word that was shown last is right, or else the doubtful segment that is playing; then on to the next. With the last
  // doubtful word of a segment the whole segment is.
  async function right(check) {
    const found = places();
    const span = found.includes(last) ? last : found.find((one) => one.closest(".segment") === words.segmentNow());
    if (!span) return;
    const segment = span.closest(".segment");
    const isWhole = doubtful(segment).every((one) => one === span) && segment.classList.contains("is-doubtful");
    const place = [...span.parentElement.querySelectorAll(":scope > span")].indexOf(span);
    const following = found[found.indexOf(span) + 1];
    const time = following ? Number(following.dataset.t) : NaN;
    await check(segment, isWhole ? undefined : place);
    const next = places().find((one) => Number(one.dataset.t) === time);
    if (next) show(next);
  }

  refresh();
  return { go, refresh, right };
}
