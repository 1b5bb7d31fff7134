// Somebody looks for this tab among others: it shows itself, or where the browser lets no page do that, is marked until it is found.
export const MARK = "▶";

export function markTab() {
  window.focus();
  if (!document.hidden) return;
  // The title tells how far things are, and is written anew for that: the mark is put before whatever it says.
  const put = () => {
    if (!document.title.startsWith(MARK)) document.title = `${MARK} ${document.title}`;
  };
  const watching = new MutationObserver(put);
  watching.observe(document.querySelector("title"), { childList: true });
  put();
  document.addEventListener("visibilitychange", () => {
    watching.disconnect();
    document.title = document.title.replace(`${MARK} `, "");
  }, { once: true });
}
