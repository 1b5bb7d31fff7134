// Step 3: push to the Hub.
import { call, during } from "./api.js";

document.getElementById("push-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  during(event.submitter, async () => {
    const given = { repo_id: form.elements.repo_id.value.trim(), private: form.elements.private.checked };
    await call("POST", `/api/datasets/${form.dataset.lesson}/push`, given);
    location.reload();
  });
});
