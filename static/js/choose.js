// The choice of a lesson: the list follows what is typed.
import { words } from "./api.js";

const WAIT_MS = 200;

for (const finder of document.querySelectorAll(".finder")) {
  const field = finder.querySelector("input[type=search]");
  let timer = 0;
  let asked = 0;

  async function find() {
    asked += 1;
    const number = asked;
    const query = new URLSearchParams({ part: "choice", to: finder.dataset.to, find: field.value });
    const answer = await fetch(`/lessons?${query}`, { headers: { Accept: "text/html" } }).catch(() => null);
    const text = answer?.ok ? await answer.text() : "";
    // An answer that is late says nothing of what was typed since.
    if (number !== asked) return;
    show(text);
  }

  function show(text) {
    const said = finder.querySelector("[role=status]");
    if (!text) {
      said.textContent = words.offline;
      return;
    }
    const found = new DOMParser().parseFromString(text, "text/html");
    said.textContent = found.querySelector("[role=status]").textContent;
    finder.querySelector(".picks").replaceWith(found.querySelector(".picks"));
  }

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, WAIT_MS);
  });
}
