// Where somebody with a keyboard is, kept over what would lose it: dialogs, parts made anew, buttons that shut, the page loaded again.
// Who asked the same page for something else, such as the next part of a list, is led to the answer.
const KEY = "focus-at";
const CONTROLS = "a[href], button, input, select, textarea, summary, [tabindex]";
const HEADINGS = "h1, h2, h3";
let last = null;
// What opened the dialog that was opened last.
let opener = null;

// Who uses a mouse is somewhere only as long as the browser says so.
document.addEventListener("focusin", (event) => { last = event.target; });
document.addEventListener("pointerdown", () => { last = null; }, true);

const isLost = () => document.activeElement === document.body || document.activeElement.disabled || !document.activeElement.checkVisibility();
const wordsOf = (one) => one.getAttribute("aria-label") || one.textContent.trim();
const signOf = (one) => [one.tagName, one.id, one.name, one.name && one.type !== "text" ? one.value : "", wordsOf(one)].join("|");
const canTake = (one) => one.isConnected && !one.disabled && one.checkVisibility();

function placeOf(one) {
  let part = one;
  while (part && !part.matches(HEADINGS) && !part.querySelector(HEADINGS)) part = part.parentElement;
  const heading = part?.matches(HEADINGS) ? part : part?.querySelector(HEADINGS);
  return { sign: signOf(one), heading: heading?.textContent.trim() };
}

// The same control, the summary of what hides it, or else the heading it stood under.
function goTo({ sign, heading }) {
  const same = [...document.querySelectorAll(CONTROLS)].find((one) => signOf(one) === sign);
  const shut = same?.closest("details:not([open])");
  const control = shut ? shut.querySelector("summary") : same;
  if (control && canTake(control)) return control.focus();
  const title = heading && [...document.querySelectorAll(HEADINGS)].find((one) => one.textContent.trim() === heading);
  if (title) title.tabIndex = -1;
  return (title || document.getElementById("main")).focus();
}

// Replace a part of the page; who was in it stays there.
export function keepFocus(part, replace) {
  const place = last && part.contains(last) ? placeOf(last) : null;
  replace();
  if (place && isLost()) goTo(place);
}

// Who pressed this button, which could not be pressed for a while, stands on it again.
export function backTo(button) {
  if (last === button && isLost() && canTake(button)) button.focus();
}

// Let a button be pressed or not; who stands on one that shuts goes to its neighbour.
export function allow(button, isAllowed) {
  const isHere = document.activeElement === button;
  button.disabled = !isAllowed;
  if (!isHere || isAllowed) return;
  const open = [...button.parentElement.children].filter((one) => one.matches("button") && canTake(one));
  (open.findLast((one) => one.compareDocumentPosition(button) & Node.DOCUMENT_POSITION_FOLLOWING) ?? open[0])?.focus();
}

// A dialog that a script opened gives the focus back as one that a button opened does.
function watchDialogs() {
  document.addEventListener("show.bs.modal", () => { if (!last?.closest(".modal")) opener = last; });
  document.addEventListener("hidden.bs.modal", () => {
    if (!document.querySelector(".modal.show") && isLost() && opener && canTake(opener)) opener.focus();
  });
}

// A menu that somebody left with the tab key lies over what comes next no more.
function watchMenus() {
  document.addEventListener("focusout", (event) => {
    const menu = event.target.closest("details.menu[open]");
    if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });
}

// The place in the address, or what the page marks as the answer to a search, a filter or a list that was turned.
function goToAnswer() {
  const asked = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const answer = asked ? asked.querySelector(`${HEADINGS}, summary`) ?? asked : document.querySelector("[data-answer]");
  if (!answer) return;
  if (!answer.matches(CONTROLS)) answer.tabIndex = -1;
  answer.focus();
}

// What a page says first has the focus by itself (`autofocus`).
function watchPages() {
  addEventListener("pagehide", () => {
    // Who answered a question stands where it was asked.
    const here = last?.closest(".modal") ? opener : last;
    const isSeen = here && (here !== last || here.disabled || !here.isConnected || here.matches(":focus-visible"));
    if (isSeen) sessionStorage.setItem(KEY, JSON.stringify({ at: location.href, place: placeOf(here) }));
    else sessionStorage.removeItem(KEY);
  });
  const { at, place } = JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
  sessionStorage.removeItem(KEY);
  if (!at || document.querySelector("[autofocus]") || !isLost()) return;
  const go = at === location.href ? () => goTo(place) : new URL(at).pathname === location.pathname ? goToAnswer : null;
  if (!go) return;
  go();
  // Where the address names a place the browser goes there with the first picture, and takes the focus away.
  const again = () => requestAnimationFrame(() => requestAnimationFrame(() => isLost() && go()));
  if (location.hash) addEventListener("load", again, { once: true });
}

// The address stays as it is: with a place in it a page that is loaded again would go there.
function watchSkip() {
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById("main").focus();
  });
}

export function startFocus() {
  watchSkip();
  watchDialogs();
  watchMenus();
  watchPages();
}
