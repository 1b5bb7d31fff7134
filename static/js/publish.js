// Find out what a push to the Hub would do, then push.
import { call, during } from "./api.js";

async function ask(url, given) {
  await call("POST", url, given);
  location.reload();
}

document.getElementById("push-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  const given = { repo_id: form.elements.repo_id.value.trim(), private: form.elements.private.checked, dry_run: true };
  during(event.submitter, () => ask(form.dataset.url, given));
});

document.getElementById("push-now")?.addEventListener("click", (event) => {
  const button = event.currentTarget;
  const given = { repo_id: button.dataset.repo, private: button.dataset.private === "true" };
  during(button, () => ask(button.dataset.url, given));
});
