// A lesson's page and its summary's: the player, transcribe, summarise, play from a time code.
import { call, during, late } from "./api.js";
import { openPagePlayer } from "./player/page.js";
import "./seek.js";

openPagePlayer();
if (document.getElementById("heard")) late(import("./heard.js"));

document.getElementById("transcribe-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  const given = { file_id: form.dataset.lesson, replace: form.elements.replace?.checked };
  for (const name of ["engine", "language", "phrases"]) given[name] = form.elements[name].value;
  if (form.elements.word_list) given.word_list = form.elements.word_list.value;
  during(event.submitter, async () => {
    await call("POST", "/api/transcribe", given);
    location.reload();
  });
});
document.getElementById("summary-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  const { engine, style, language, anew } = form.elements;
  const given = { file_id: form.dataset.lesson, engine: engine.value, style: style.value, language: language.value, anew: Boolean(anew?.checked) };
  during(event.submitter, async () => {
    await call("POST", "/api/summarize", given);
    location.reload();
  });
});
