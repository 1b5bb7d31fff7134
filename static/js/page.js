// What every page does: buttons that post (after asking), copy buttons, and jobs being watched.
import { Modal } from "../vendor/bootstrap/dialogs.js";
import { call, during, late, say, words } from "./api.js";
import { startDrawer } from "./drawer.js";
import { startFocus } from "./focus.js";
import { watchAll } from "./progress.js";
import { tellDone } from "./title.js";
import { watchUploads } from "./uploads/watch.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-post]");
  if (!button) return;
  event.preventDefault();
  if (button.dataset.confirm && !(await isMeant(button.dataset))) return;
  await during(button, async () => {
    await call("POST", button.dataset.post, button.dataset.body ? JSON.parse(button.dataset.body) : undefined);
    if (!button.dispatchEvent(new Event("ppi:posted", { bubbles: true, cancelable: true }))) return;
    if (button.dataset.then) location.assign(button.dataset.then);
    else location.reload();
  });
});

async function isMeant(question) {
  const asking = await late(import("./confirm.js"));
  if (!asking) say(words.away);
  return Boolean(await asking?.ask(question));
}

// A menu shuts when somebody presses beside it, or Escape.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// Forms that are sent as JSON, every field a text.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-send]");
  if (!form) return;
  event.preventDefault();
  await during(event.submitter, async () => {
    await call("POST", form.dataset.send, Object.fromEntries(new FormData(form)));
    location.reload();
  });
});

async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    // Pages served over plain HTTP have no clipboard of their own.
    field.focus();
    field.select();
    document.execCommand("copy");
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest(".copy");
  if (!button) return;
  await copy(document.querySelector(button.dataset.copy));
  const usual = button.dataset.usual ||= button.textContent;
  button.textContent = words.copied;
  setTimeout(() => {
    button.textContent = usual;
    if (!button.dataset.mini) return;
    Modal.getOrCreateInstance("#share").hide();
    Modal.getOrCreateInstance("#copied").show();
  }, 2000);
});

// The server writes times by the clock of this browser from the next page on.
document.cookie = `tz=${Intl.DateTimeFormat().resolvedOptions().timeZone};path=/;max-age=31536000;samesite=lax`;

if (document.querySelector("input[type=file].form-control")) late(import("./filefield.js")).then((fields) => fields?.speakFiles());
for (const field of document.querySelectorAll("input[type=date]")) field.addEventListener("focus", () => late(import("./dates.js")), { once: true });
startFocus();
tellDone();
startDrawer();
watchAll();
watchUploads();
