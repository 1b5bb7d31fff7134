// Step 2: send the annotations and the table, then watch the build.
import { call, words } from "./api.js";

const form = document.getElementById("dataset-form");
const failure = document.getElementById("dataset-error");
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  failure.hidden = true;
  event.submitter.disabled = true;
  try {
    await call("POST", "/api/datasets", new FormData(form));
    location.assign(`/dataset?lesson=${form.elements.file_id.value}`);
  } catch (error) {
    failure.textContent = error.message || words.failed;
    failure.hidden = false;
    failure.scrollIntoView({ block: "center" });
    event.submitter.disabled = false;
  }
});
document.getElementById("lesson")?.addEventListener("change", (event) => {
  if (event.target.value && !form.elements.annotations.files.length) location.assign(`/dataset?lesson=${event.target.value}`);
});
