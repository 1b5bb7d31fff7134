// Calls to the server: JSON in and out, the page's security token, and messages for people.
import { backTo } from "./focus.js";

export const words = JSON.parse(document.getElementById("words").textContent);

const toasts = document.getElementById("toasts");
const GOES_MS = 9000;
// What does something of its own at Escape.
const ESCAPES = "input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable], details.menu[open], video";

// What went wrong stays until somebody closes it, by its button or by Escape; other news goes by itself.
export function say(text, kind = "bad") {
  for (const same of [...toasts.children].filter((one) => one.firstElementChild.textContent === text)) same.remove();
  const note = document.createElement("div");
  const line = document.createElement("span");
  note.className = `notice ${kind}`;
  line.textContent = text;
  note.append(line);
  if (kind === "bad") note.append(closing(note));
  else setTimeout(() => note.remove(), GOES_MS);
  // Above those that are there: they stay where somebody reads them.
  toasts.prepend(note);
}

function closing(note) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "btn-close", ariaLabel: words.close, onclick: () => close(note) });
  return button;
}

function close(note) {
  const wasHere = note.contains(document.activeElement);
  note.remove();
  if (wasHere) (toasts.querySelector(".btn-close") ?? document.getElementById("main")).focus();
}

// Escape closes the newest, unless it belongs to what somebody is in: a field, a menu, a dialog. Asked before these shut.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !toasts.firstElementChild) return;
  if (!event.target.closest(ESCAPES) && !document.querySelector(".modal.show, .offcanvas.show")) close(toasts.firstElementChild);
}, true);

// A module that comes when it is first needed; null while the server cannot be reached. The next time it is asked for again.
export function late(loading) {
  return loading.catch((fault) => {
    if (!(fault instanceof TypeError)) throw fault;
    return null;
  });
}

export async function call(method, path, body) {
  const headers = { "X-CSRFToken": document.querySelector("meta[name=csrf-token]").content, Accept: "application/json" };
  const isForm = body instanceof FormData;
  if (body !== undefined && !isForm) headers["Content-Type"] = "application/json";
  const sent = isForm || body === undefined ? body : JSON.stringify(body);
  const answer = await fetch(path, { method, headers, body: sent }).catch(() => Promise.reject(new Error(words.away)));
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok || found.success === false) {
    throw Object.assign(new Error(found.error || words.failed), { code: found.code, status: answer.status });
  }
  return found;
}

// Run an action for a button: it cannot be pressed twice, and failures are said.
export async function during(button, action) {
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    return await action();
  } catch (error) {
    say(error.message);
    return null;
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
    backTo(button);
  }
}

export function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
