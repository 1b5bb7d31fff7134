// The choice of lessons: the list follows what is typed, and is turned page by page where several can be chosen.
import { words } from "./api.js";

const WAIT_MS = 200;

for (const finder of document.querySelectorAll(".finder")) {
  const field = finder.querySelector("input[type=search]");
  let timer = 0;
  let asked = 0;

  async function find(page) {
    clearTimeout(timer);
    asked += 1;
    const number = asked;
    const query = new URLSearchParams({ part: "choice", to: finder.dataset.to, find: field.value, page });
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
    const list = finder.querySelector(".found-lessons");
    const pressed = list.contains(document.activeElement) ? document.activeElement.textContent : null;
    list.replaceWith(found.querySelector(".found-lessons"));
    if (pressed !== null) stayAt(pressed);
    finder.dispatchEvent(new CustomEvent("found"));
  }

  // Who turns the list stays at the button, or at the other one where it ends.
  function stayAt(text) {
    const buttons = [...finder.querySelectorAll(".turn button")];
    (buttons.find((one) => one.textContent === text) ?? buttons[0])?.focus();
  }

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => find("1"), WAIT_MS);
  });
  finder.addEventListener("click", (event) => {
    const button = event.target.closest("button[name=page]");
    if (!button) return;
    event.preventDefault();
    find(button.value);
  });
}
