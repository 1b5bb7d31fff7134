// Jobs in the drawer of every page, and on the page /jobs, whose list the drawer shows. Their number stands at the link.
import { during, fill, late, say, words } from "./api.js";
import { ask, follow } from "./live.js";
import { askOnce, showJob, showState } from "./progress.js";

const link = document.getElementById("jobs-link");
const drawer = document.getElementById("jobs-drawer");
const list = document.getElementById("jobs-list");
const WATCHED = ".watch[data-watch]:not([hidden])";
let known = new Map();
let uploads = { count: 0, isStuck: false };
let leave = null;

export function startDrawer() {
  if (!link) return;
  if (drawer) arm();
  // What is cancelled or tried again in the list needs no new page.
  list.addEventListener("ppi:posted", (event) => {
    event.preventDefault();
    refresh();
    listen();
  });
  if (!drawer) {
    listing();
    offerTelling();
  }
  document.addEventListener("ppi:begun", listen);
  if (!drawer || document.querySelector(WATCHED)) listen();
  else ask().then(count, () => {});
}

// The link leads to the page; with scripts it opens the drawer, as a button does.
function arm() {
  for (const [name, value] of [["role", "button"], ["aria-haspopup", "dialog"], ["aria-controls", drawer.id]]) link.setAttribute(name, value);
  link.addEventListener("keydown", (event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    link.click();
  });
  drawer.addEventListener("show.bs.offcanvas", offerTelling, { once: true });
  drawer.addEventListener("show.bs.offcanvas", () => {
    refresh();
    listen();
  });
  drawer.addEventListener("hidden.bs.offcanvas", rest);
}

const rowOf = (id) => list.querySelector(`[data-job="${CSS.escape(id)}"]`);
const isSeen = () => !drawer || drawer.matches(".show, .showing");

function listen() {
  leave ??= follow({ onJobs: count, onEnd: rest });
}

// Nobody needs to be told anything while nothing is under way, no list is shown, and the page itself watches nothing.
function rest() {
  if (isSeen() || known.size || document.querySelector(WATCHED)) return;
  leave?.();
  leave = null;
}

function count(jobs) {
  const now = new Map(jobs.map((job) => [job.job_id, job]));
  const ended = [...known.values()].filter((job) => !now.has(job.job_id));
  const isChanged = ended.length || [...now.keys()].some((id) => !known.has(id));
  known = now;
  known.forEach((job) => showState(job.job_id, job));
  for (const { job_id: id } of ended) if (document.querySelector(`.state[data-job="${id}"]`)) askOnce(id).then((last) => last && showState(id, last));
  mark();
  if (isSeen()) {
    if (isChanged) refresh({ isCalm: true });
    else known.forEach(update);
  }
  announce(ended.filter((job) => job.is_own));
  if (jobs.length) listen();
  else rest();
}

// How many files the tabs of this person send, and whether one of them cannot go on by itself.
export function countUploads(found) {
  uploads = found;
  mark();
}

function mark() {
  const badge = link.querySelector(".count");
  const count = known.size + uploads.count;
  badge.hidden = !count && !uploads.isStuck;
  badge.classList.toggle("bad", uploads.isStuck);
  badge.firstElementChild.textContent = uploads.isStuck ? "!" : count > 99 ? "99+" : count;
  const parts = [
    known.size && fill(words.jobsUnderWay, { count: known.size }), uploads.count && fill(words.uploadsUnderWay, { count: uploads.count }),
    uploads.isStuck && words.uploadStopped,
  ];
  badge.lastElementChild.textContent = parts.filter(Boolean).join(". ");
}

function update(job) {
  const row = rowOf(job.job_id);
  const bar = row?.querySelector(".progress");
  if (!bar) return;
  bar.hidden = false;
  showJob(row, job);
}

// What makes its rows comes when the list is first shown.
let isListing = false;
async function listing() {
  const found = await late(import("./joblist.js"));
  if (found && !isListing) {
    found.onNews(refresh);
    isListing = true;
  }
  return found;
}

async function refresh(how) {
  const found = await listing();
  if (!found) return drawer ? void (list.textContent = words.offline) : say(words.away);
  await found.renew(how);
  known.forEach(update);
}

async function announce(ended) {
  if (!ended.length || !document.hidden) return;
  const telling = await late(import("./notify.js"));
  if (!telling?.isWanted()) return;
  await refresh();
  for (const job of ended) {
    const row = rowOf(job.job_id);
    const state = row?.querySelector(".state")?.textContent.trim() ?? "";
    telling.tell(`${words.kinds[job.kind] ?? job.kind}: ${state}`, row?.querySelector(".title")?.textContent.trim() ?? "", job.job_id);
  }
}

async function offerTelling() {
  const button = document.getElementById("jobs-tell");
  const telling = await late(import("./notify.js"));
  if (!telling) return;
  button.hidden = !telling.canTell;
  const show = (isOn) => button.setAttribute("aria-pressed", isOn);
  show(telling.isWanted());
  button.addEventListener("click", () => during(button, async () => show(await telling.switchTelling())));
}
