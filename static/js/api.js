// Calls to the server: JSON in and out, the page's security token, and messages for people.
import { backTo } from "./focus.js";

export const words = JSON.parse(document.getElementById("words").textContent);

export function say(text, kind = "bad") {
  const note = document.createElement("div");
  note.className = `notice ${kind}`;
  note.textContent = text;
  document.getElementById("toasts").append(note);
  setTimeout(() => note.remove(), 9000);
}

export async function call(method, path, body) {
  const headers = { "X-CSRFToken": document.querySelector("meta[name=csrf-token]").content, Accept: "application/json" };
  const isForm = body instanceof FormData;
  if (body !== undefined && !isForm) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: isForm || body === undefined ? body : JSON.stringify(body) });
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
