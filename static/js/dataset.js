// Step 2: files are read as soon as they are chosen or dropped, choices for labels at once, then the build.
import { call, say, words } from "./api.js";

const given = document.getElementById("given-form");
const build = document.getElementById("dataset-form");

function fail(place, error) {
  place.textContent = error.message || words.failed;
  place.hidden = false;
  place.scrollIntoView({ block: "center" });
}

// A file is sent alone, so that one that cannot be read takes nothing with it; the page then shows what is kept.
async function read(field) {
  const failure = document.getElementById("dataset-error");
  const sent = new FormData();
  sent.append(field.name, field.files[0]);
  failure.hidden = true;
  field.disabled = true;
  try {
    await call("POST", given.action, sent);
    location.assign(`${location.pathname}${location.search}#understood`);
    location.reload();
  } catch (error) {
    field.disabled = false;
    field.value = "";
    fail(failure, error);
  }
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

// What a label means is kept when it is chosen; the tables below then say so. One choice is sent after the other.
let waiting = Promise.resolve();
async function choose(radio) {
  const number = radio.name.replace("meaning-", "");
  const form = radio.form;
  const label = form.elements[`label-${number}`].value;
  const meanings = { "as-written": null, "left-out": "", another: form.elements[`other-${number}`].value.trim() || null };
  const meaning = radio.value.startsWith("=") ? radio.value.slice(1) : meanings[radio.value];
  await call("POST", new URL(form.action).pathname, { meanings: { [label]: meaning } });
  await renew(document.activeElement?.id);
}

async function renew(focused) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const opened = document.getElementById("left")?.open;
  document.getElementById("understood").replaceChildren(...page.getElementById("understood").childNodes);
  if (opened && document.getElementById("left")) document.getElementById("left").open = true;
  if (focused) document.getElementById(focused)?.focus();
  document.getElementById("said").textContent = document.querySelector("#understood .facts").innerText;
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
  waiting = waiting.then(() => choose(radio)).catch((error) => say(error.message));
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
  }
});

document.getElementById("lesson")?.addEventListener("change", (event) => {
  if (event.target.value) event.target.form.requestSubmit();
});
