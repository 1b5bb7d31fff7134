// The annotation kit: give the table, choose what annotators do.
import { call, fill, words } from "./api.js";
import { backTo } from "./focus.js";

const form = document.getElementById("kit-form");
const failure = document.getElementById("kit-error");
const drop = document.getElementById("drop");
const place = () => `/kit?${new URLSearchParams({ lesson: form.elements.lesson.value, variant: form.elements.variant.value })}`;

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  failure.hidden = true;
  event.submitter.disabled = true;
  try {
    await call("POST", `/api/lessons/${form.elements.lesson.value}/kit`, new FormData(form));
    location.assign(place());
  } catch (error) {
    failure.textContent = error.message || words.failed;
    failure.hidden = false;
    event.submitter.disabled = false;
    backTo(event.submitter);
  }
});
form?.elements.variant.addEventListener("change", () => {
  if (!form.elements.patterns.files.length) location.assign(place());
});
form?.elements.patterns.addEventListener("change", (event) => {
  const file = event.target.files[0];
  if (file) document.getElementById("chosen-file").textContent = fill(words.chosen, { name: file.name });
});
// When the kept table has been read the page is loaded again, not under somebody who has chosen another one.
addEventListener("before-renewal", (event) => {
  if (form?.elements.patterns.files.length) event.preventDefault();
});
for (const [name, isOver] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  drop?.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", isOver);
    if (name !== "drop" || !event.dataTransfer.files.length) return;
    form.elements.patterns.files = event.dataTransfer.files;
    form.elements.patterns.dispatchEvent(new Event("change"));
  });
}
