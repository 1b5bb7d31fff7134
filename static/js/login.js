// The log-in dialog over the locked page.
import { Modal } from "../vendor/bootstrap/dialogs.js";
import { call, words } from "./api.js";

const dialog = document.getElementById("login");
const form = document.getElementById("login-form");
const failure = document.getElementById("login-error");

// Who clicked into a field while the dialog was coming keeps it; the page behind is inert, so no other trap is needed.
dialog.addEventListener("shown.bs.modal", () => {
  if (!form.contains(document.activeElement)) form.elements.username.focus();
});
// Escape shuts nothing here, but takes the focus into the empty dialog.
dialog.addEventListener("focus", (event) => {
  if (event.target === dialog) (form.contains(event.relatedTarget) ? event.relatedTarget : form.elements.username).focus();
});
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  failure.hidden = true;
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const given = Object.fromEntries(new FormData(form));
    await call("POST", "/api/login", { username: given.username, password: given.password });
    location.reload();
  } catch (error) {
    failure.textContent = error.message || words.failed;
    failure.hidden = false;
    form.elements.password.select();
    button.disabled = false;
  }
});
Modal.getOrCreateInstance(dialog).show();
