// The rows of jobs on the page /jobs and in the drawer: made anew, or renewed where they stand, so that nothing moves under somebody.
import { fill, say, words } from "./api.js";
import { setBar } from "./progress.js";

const list = document.getElementById("jobs-list");
const news = document.getElementById("jobs-news");
const drawer = document.getElementById("jobs-drawer");

const rowOf = (id) => list.querySelector(`[data-job="${CSS.escape(id)}"]`);
const rows = (part) => [...part.querySelectorAll("[data-job]")];
const idOf = (row) => row.dataset.job;
const isActive = (row) => Boolean(row.querySelector(".jobs-bar:not(.over)"));
// What a row lets people do tells whether it waits, runs, failed or is done.
const buttonsOf = (row) => [...row.querySelectorAll("[data-post]")].map((one) => one.dataset.post).join() + isActive(row);

// The page is read; the drawer is opened for a moment, to see what happens now, and rests only under a pointer or the focus.
const isRead = () => !document.hidden && (!drawer || list.matches(":hover, :focus-within"));

// Fetch the list. `isCalm`: nobody asked for it, so that rows somebody reads stay where they are and new ones wait behind a line.
export async function renew({ isCalm = false } = {}) {
  const answer = await fetch("/jobs?part=list", { headers: { Accept: "text/html" } }).catch(() => null);
  const staysPut = isCalm && rows(list).length && isRead();
  if (!answer?.ok) return staysPut ? say(words.offline) : void (list.textContent = words.offline);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
  return staysPut ? renewInPlace(fresh) : fillAnew(fresh);
}

function fillAnew(fresh) {
  news.hidden = true;
  const opened = [...list.querySelectorAll("details[open]")].map((one) => idOf(one.closest("[data-job]")));
  const focused = list.contains(document.activeElement) && document.activeElement.closest("[data-job]")?.dataset.job;
  list.replaceChildren(...fresh.childNodes);
  for (const id of opened) rowOf(id)?.querySelector("details")?.setAttribute("open", "");
  // Who pressed a button that is gone now stays where they were.
  if (focused) goTo(rowOf(focused));
}

const goTo = (row) => (row?.querySelector("button:not([hidden]), a, summary") ?? drawer ?? document.getElementById("jobs-link")).focus();

function renewInPlace(fresh) {
  const found = rows(fresh);
  const lastKnown = found.findLastIndex((row) => rowOf(idOf(row)));
  // What stands below all that is known is no news: it ended before them.
  const fresher = found.filter((row, place) => !rowOf(idOf(row)) && (isActive(row) || place < lastKnown));
  for (const row of found) {
    const old = rowOf(idOf(row));
    if (old && buttonsOf(old) !== buttonsOf(row)) replace(old, row);
  }
  news.hidden = !fresher.length;
  news.textContent = fill(words.newJobs, { count: fresher.length });
}

function replace(old, row) {
  const hadFocus = old.contains(document.activeElement);
  const bar = old.querySelector(".jobs-bar");
  const heights = KEPT.map((part) => old.querySelector(part).offsetHeight);
  row.querySelector("details").open = old.querySelector("details").open;
  row.style.minHeight = `${old.offsetHeight}px`;
  old.replaceWith(row);
  if (bar && !isActive(row)) stay(row, bar, heights);
  if (hadFocus) goTo(row);
}

// A job that ends while somebody looks keeps its row's room, and fills it: its bar stays where it got to, what is said has the lines
// that its messages had, and so has its story where that is open. So nothing below moves; who asks for all of it gets it.
const KEPT = [".jobs-said", ".trail"];

function stay(row, bar, heights) {
  row.classList.add("stays");
  bar.classList.add("over");
  bar.setAttribute("aria-hidden", "true");
  bar.querySelector(".progress").hidden = false;
  if (row.querySelector(".state.good")) {
    setBar(bar.querySelector(".progress"), 100);
    bar.querySelector(".watch-percent").textContent = "100 %";
  }
  row.querySelector(".jobs-head").after(bar);
  const [said, trail] = KEPT.map((part) => row.querySelector(part));
  said.style.height = `${heights[0]}px`;
  if (row.querySelector("details").open) scroll(trail, heights[1]);
  const all = said.querySelector(".jobs-all");
  if (!all || said.scrollHeight <= said.clientHeight) return;
  all.hidden = false;
  all.onclick = () => {
    said.style.height = "";
    all.hidden = true;
    said.querySelector(".jobs-error").focus();
  };
}

// The story is scrolled, to its newest line, until somebody closes it.
function scroll(trail, height) {
  trail.style.height = `${height}px`;
  if (trail.scrollHeight <= trail.clientHeight) return;
  trail.tabIndex = 0;
  trail.scrollTop = trail.scrollHeight;
  trail.previousElementSibling.addEventListener("click", () => free(trail), { once: true });
}

function free(part) {
  part.style.height = part.style.minHeight = "";
  part.removeAttribute("tabindex");
}

// Who comes back finds the rows as a new page has them.
function rest(row) {
  row.classList.remove("stays");
  [row, ...row.querySelectorAll(KEPT)].forEach(free);
  row.querySelector(".jobs-bar.over")?.remove();
  for (const all of row.querySelectorAll(".jobs-all")) all.hidden = true;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden && list) rows(list).forEach(rest);
});

// `act` makes the list anew when somebody asks for what is new; then they stand on the first row that was not there.
export function onNews(act) {
  news.addEventListener("click", async () => {
    const before = rows(list).map(idOf);
    await act();
    goTo(rows(list).find((row) => !before.includes(idOf(row))));
  });
}
