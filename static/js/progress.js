// Boxes that show a job while it is under way.
import { call, during, fill, words } from "./api.js";
import { follow } from "./live.js";
import { rememberDone, tellPercent } from "./title.js";

const ENDED = ["completed", "error", "cancelled"];
const AGAIN_MS = 1000;
const inSeconds = new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit: "second" });

export function watchAll() {
  for (const box of document.querySelectorAll(".watch[data-watch]:not([data-watch=''])")) watch(box, box.dataset.watch);
}

export function watch(box, id) {
  box.hidden = false;
  const cancel = box.querySelector(".watch-cancel");
  cancel.onclick = () => during(cancel, () => call("POST", `/api/jobs/${id}/cancel`));
  let isOver = false;
  const end = (found) => {
    if (isOver) return;
    isOver = true;
    leave();
    ended(box, found);
  };
  const show = (found) => {
    showJob(box, found, { isInTitle: true });
    sayQuarter(box, found);
  };
  const leave = follow({
    onJobs: (jobs) => {
      const found = jobs.find((job) => job.job_id === id);
      if (found) show(found);
      else askOnce(id).then((last) => last && !isOver && (ENDED.includes(last.status) ? end(last) : showJob(box, last)));
    },
    onAway: () => { for (const one of box.querySelectorAll(".watch-message, .watch-said")) one.textContent = words.offline; },
    onEnd: (error) => end({ status: "error", message: error.message }),
  });
}

// Beside a lesson's name or below the steps: what its job is doing.
export function showState(id, found) {
  const text = [words.statuses[found.status] || found.status, !ENDED.includes(found.status) && found.progress && `${found.progress} %`];
  for (const mark of document.querySelectorAll(`.state[data-job="${id}"]`)) mark.textContent = text.filter(Boolean).join(" ");
}

const asked = new Map();
// The state of a job that is not under way, or not in the list yet; one question at a time, null when there is no answer.
export function askOnce(id) {
  if (!asked.has(id)) {
    const answer = call("GET", `/api/status/${id}`).catch((error) => {
      return error.status && error.status < 500 ? { status: "error", message: error.message } : null;
    });
    asked.set(id, answer.finally(() => asked.delete(id)));
  }
  return asked.get(id);
}

export function showJob(box, found, { isInTitle = false } = {}) {
  const status = words.statuses[found.status] || found.status;
  box.querySelector(".watch-status").textContent = status;
  box.querySelector(".watch-percent").textContent = `${found.progress} %`;
  const place = found.position ? fill(words.position, { position: found.position }) : "";
  const told = found.message === status ? "" : found.message || place;
  const message = [told, remaining(found) || found.how_long].filter(Boolean).join("\u00a0· ");
  const line = box.querySelector(".watch-message");
  if (line.textContent !== message) line.textContent = message;
  setBar(box.querySelector(".progress"), found.progress);
  if (isInTitle) tellPercent(found.progress);
}

// A screen reader says how it stands, and again at every quarter of the way: not each percent, nor the seconds that are left.
export function sayQuarter(box, found) {
  const line = box.querySelector(".watch-said");
  const standing = `${found.status} ${Math.floor(found.progress / 25)}`;
  if (line.dataset.standing === standing && line.textContent !== words.offline) return;
  line.dataset.standing = standing;
  const percent = found.progress ? `${found.progress} %` : "";
  line.textContent = [words.statuses[found.status] || found.status, found.message, percent].filter(Boolean).join(". ");
}

export function setBar(bar, percent) {
  bar.setAttribute("aria-valuenow", Math.round(percent));
  bar.firstElementChild.style.width = `${percent}%`;
}

function remaining(found) {
  if (found.remaining_s !== undefined) return fill(words.left, { time: clock(found.remaining_s) });
  if (!found.started || found.progress < 5 || found.progress > 98) return "";
  // Both by the server's clock: that of this computer may be another.
  const gone = (Date.parse(found.timestamp) - Date.parse(found.started)) / 1000;
  return gone > 4 ? fill(words.left, { time: clock((gone * (100 - found.progress)) / found.progress) }) : "";
}

// A time that is left, as 1:05 or 2:01:05, and less than a minute in seconds.
export function clock(seconds) {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 60) return inSeconds.format(whole).replace(" ", "\u00a0");
  const minutes = Math.floor(whole / 60) % 60;
  const parts = whole < 3600 ? [minutes] : [Math.floor(whole / 3600), String(minutes).padStart(2, "0")];
  return [...parts, String(whole % 60).padStart(2, "0")].join(":");
}

// The page is loaded again for what came of it, but never under somebody who writes: who refuses the event is asked again.
function ended(box, found) {
  if (!box.dataset.reload || !box.isConnected) return;
  if (!dispatchEvent(new Event("before-renewal", { cancelable: true }))) {
    setTimeout(() => ended(box, found), AGAIN_MS);
    return;
  }
  rememberDone();
  if (box.dataset.reload === "publish" && found.status === "completed") location.assign(`/publish?lesson=${found.lesson_id}`);
  else location.reload();
}
