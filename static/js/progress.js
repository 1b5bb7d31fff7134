// Watches jobs by /api/status and shows what they say.
import { call, during, fill, words } from "./api.js";

const EVERY_MS = 700;
const AGAIN_MS = 3000;
const title = document.title;

export function watchAll() {
  for (const box of document.querySelectorAll(".watch[data-watch]:not([data-watch=''])")) watch(box, box.dataset.watch);
}

export function watch(box, id, onEnd = ended) {
  box.hidden = false;
  const cancel = box.querySelector(".watch-cancel");
  cancel.onclick = () => during(cancel, () => call("POST", `/api/jobs/${id}/cancel`));
  const look = async () => {
    let found;
    try {
      found = await call("GET", `/api/status/${id}`);
    } catch (error) {
      if (error.status && error.status < 500) return onEnd(box, { status: "error", message: error.message });
      box.querySelector(".watch-message").textContent = words.offline;
      return setTimeout(look, AGAIN_MS);
    }
    show(box, found);
    if (["completed", "error", "cancelled"].includes(found.status)) onEnd(box, found);
    else setTimeout(look, EVERY_MS);
  };
  look();
}

function show(box, found) {
  box.querySelector(".watch-status").textContent = words.statuses[found.status] || found.status;
  box.querySelector(".watch-percent").textContent = `${found.progress} %`;
  const place = found.position > 1 ? fill(words.position, { position: found.position }) : "";
  box.querySelector(".watch-message").textContent = [found.message || place, remaining(found)].filter(Boolean).join(" · ");
  setBar(box.querySelector(".progress"), found.progress);
  document.title = `${found.progress} % · ${title}`;
}

export function setBar(bar, percent) {
  bar.setAttribute("aria-valuenow", Math.round(percent));
  bar.firstElementChild.style.width = `${percent}%`;
}

function remaining(found) {
  if (found.remaining_s !== undefined) return fill(words.left, { time: clock(found.remaining_s) });
  if (!found.started || found.progress < 5 || found.progress > 98) return "";
  const gone = (Date.now() - Date.parse(found.started)) / 1000;
  return gone > 4 ? fill(words.left, { time: clock((gone * (100 - found.progress)) / found.progress) }) : "";
}

export function clock(seconds) {
  const whole = Math.max(1, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

// Whoever looks at another tab meanwhile sees in this one's title that it is done.
export function tellDone() {
  if (!sessionStorage.getItem("ended")) return;
  sessionStorage.removeItem("ended");
  document.title = `✓ ${title}`;
  document.addEventListener("visibilitychange", () => { document.title = title; }, { once: true });
}

function ended(box, found) {
  if (document.hidden && box.dataset.reload) sessionStorage.setItem("ended", "1");
  if (box.dataset.reload === "publish" && found.status === "completed") {
    location.assign(`/publish?lesson=${found.lesson_id}`);
  } else if (box.dataset.reload) {
    location.reload();
  }
}
