// Step 2: files are read as soon as they are chosen or dropped, choices for labels at once, then the build.
import { call, fill, say, words } from "./api.js";
import { backTo, keepFocus } from "./focus.js";
import { watch } from "./progress.js";
import { tellDoneHere, tellNothing } from "./title.js";

const given = document.getElementById("given-form");
const build = document.getElementById("dataset-form");

function fail(place, error) {
  place.textContent = error.message || words.failed;
  place.hidden = false;
  place.scrollIntoView({ block: "center" });
}

// What the page says of what is kept. The fields stay: somebody may be choosing the other file meanwhile.
const PARTS = ["understood", "kept-annotations", "kept-patterns", "annotations-help", "patterns-help", "given-buttons", "build-go"];
// What is sent goes one after the other, and the build after all of it.
let waiting = Promise.resolve();

// The box of the job that works out what is understood, where that takes time.
const underWay = () => document.querySelector("#understood .watch[data-watch]");

// `told` is what is said first.
async function renew(told = () => "") {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!page.getElementById("understood")) {
    location.reload();
    return;
  }
  const opened = document.getElementById("left")?.open;
  for (const id of PARTS) {
    const part = document.getElementById(id);
    keepFocus(part, () => part.replaceChildren(...page.getElementById(id).childNodes));
  }
  if (opened && document.getElementById("left")) document.getElementById("left").open = true;
  const box = underWay();
  if (box) watch(box, box.dataset.watch);
  const facts = document.querySelector("#understood .facts")?.innerText ?? "";
  document.getElementById("said").textContent = [told(), facts].filter(Boolean).join(". ");
}

// When that job is done its part of the page is renewed, not the whole page; not under somebody who writes what a label means.
addEventListener("before-renewal", (event) => {
  if (!underWay()) return;
  event.preventDefault();
  const field = document.activeElement;
  if (field.matches("#understood input[list]") && field.value !== field.defaultValue) return;
  waiting = waiting.then(() => renew()).then(() => {
    tellNothing();
    tellDoneHere();
  }).catch((error) => say(error.message));
});

// A file is sent alone, so that one that cannot be read takes nothing with it; the page then shows what is kept.
async function send(field, sent) {
  const told = document.getElementById(`reading-${field.id}`);
  told.textContent = fill(words.reading, { name: field.files[0].name });
  try {
    await call("POST", given.action, sent);
    given.elements.annotations.required = false;
    await renew();
  } catch (error) {
    fail(document.getElementById("dataset-error"), error);
  } finally {
    told.textContent = "";
    field.disabled = false;
    field.value = "";
    backTo(field);
  }
}

function read(field) {
  const sent = new FormData();
  sent.append(field.name, field.files[0]);
  document.getElementById("dataset-error").hidden = true;
  field.disabled = true;
  waiting = waiting.then(() => send(field, sent));
}

given?.addEventListener("change", (event) => {
  if (event.target.files?.length) read(event.target);
});

for (const zone of document.querySelectorAll(".drop-field")) {
  const field = zone.querySelector("input[type=file]");
  for (const kind of ["dragover", "dragleave", "drop"]) {
    zone.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.classList.toggle("over", kind === "dragover");
      if (kind !== "drop" || !event.dataTransfer.files.length || field.disabled) return;
      field.files = event.dataTransfer.files;
      read(field);
    });
  }
}

// What a label means is kept when it is chosen; the tables below then say so.
async function choose(radio) {
  const number = radio.name.replace("meaning-", "");
  const form = radio.form;
  const label = form.elements[`label-${number}`].value;
  const meanings = { "as-written": null, "left-out": "", another: form.elements[`other-${number}`].value.trim() || null };
  const meaning = radio.value.startsWith("=") ? radio.value.slice(1) : meanings[radio.value];
  await call("POST", new URL(form.action).pathname, { meanings: { [label]: meaning } });
  await renew(() => document.querySelector(`.meaning:has([name="${radio.name}"]) legend`)?.innerText);
}

document.getElementById("understood")?.addEventListener("change", (event) => {
  const field = event.target;
  const row = field.closest(".meaning");
  if (!row) return;
  const another = row.querySelector("input[value=another]");
  if (field.type !== "radio") another.checked = true;
  const radio = field.type === "radio" ? field : another;
  if (radio === another && !another.parentElement.querySelector("input[list]").value.trim()) {
    another.parentElement.querySelector("input[list]").focus();
    return;
  }
  waiting = waiting.then(() => choose(radio)).then(() => true, (error) => {
    say(error.message);
    return false;
  });
});

// All of it is kept already, or on its way; Enter in a field comes here as the button does, and so do those that turn the list.
document.getElementById("understood")?.addEventListener("submit", async (event) => {
  const form = event.target.closest("#meanings");
  if (!form || event.submitter?.name === "reset") return;
  event.preventDefault();
  const { there } = event.submitter?.dataset ?? {};
  const { saved } = form.dataset;
  if ((await waiting) === false) return;
  if (there) location.assign(there);
  else say(saved, "good");
});

build?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const failure = document.getElementById("build-error");
  const button = event.submitter;
  failure.hidden = true;
  button.disabled = true;
  try {
    await waiting;
    await call("POST", "/api/datasets", new FormData(build));
    location.assign(`/dataset?lesson=${build.elements.file_id.value}`);
  } catch (error) {
    fail(failure, error);
    button.disabled = false;
    backTo(button);
  }
});
