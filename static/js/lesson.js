// A lesson's page: transcribe and summarise.
import { call, during } from "./api.js";

document.getElementById("transcribe-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  const given = { file_id: form.dataset.lesson, engine: form.elements.engine.value, language: form.elements.language.value, replace: form.elements.replace?.checked };
  during(event.submitter, async () => {
    await call("POST", "/api/transcribe", given);
    location.reload();
  });
});
document.getElementById("summarize")?.addEventListener("click", (event) => during(event.currentTarget, async () => {
  await call("POST", "/api/summarize", { file_id: event.target.dataset.lesson });
  location.reload();
}));
