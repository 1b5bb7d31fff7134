// The page's title tells whoever looks at another tab how far things are.
const title = document.title;

export function tellPercent(percent) {
  document.title = `${Math.floor(percent)} % · ${title}`;
}

export function tellNothing() {
  document.title = title;
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
  document.title = `✓ ${title}`;
  document.addEventListener("visibilitychange", tellNothing, { once: true });
}
