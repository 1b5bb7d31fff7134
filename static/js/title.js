// The page's title tells whoever looks at another tab how far things are.
const title = document.title;
let mark = "";
let told = title;

function write(text) {
  told = text;
  document.title = mark + text;
}

export function tellPercent(percent) {
  write(`${Math.floor(percent)} % · ${title}`);
}

export function tellNothing() {
  write(title);
}

// Somebody looks for this tab among others: it shows itself, or where the browser lets no page do that, is marked until it is found.
export const MARK = "▶";
export function markTab() {
  window.focus();
  if (!document.hidden) return;
  mark = `${MARK} `;
  write(told);
  document.addEventListener("visibilitychange", () => {
    mark = "";
    write(told);
  }, { once: true });
}

// To be told once the page that is loaded next is there; only where nobody looks now.
export function rememberDone() {
  if (document.hidden) sessionStorage.setItem("ended", "1");
}

export function tellDone() {
  if (!sessionStorage.getItem("ended")) return;
  sessionStorage.removeItem("ended");
  showDone();
}

export function tellDoneHere() {
  if (document.hidden) showDone();
}

function showDone() {
  write(`✓ ${title}`);
  document.addEventListener("visibilitychange", tellNothing, { once: true });
}
