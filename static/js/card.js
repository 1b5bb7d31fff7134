// The card's editor: what comes of the words is shown while they are written, and saving needs no reload.
import { call, during } from "./api.js";

const PAUSE_MS = 500;
const form = document.getElementById("card-form");
const state = document.getElementById("card-state");
const failure = document.getElementById("card-error");
let timer = 0;
let asked = 0;
let saved = text();

function text() {
  return JSON.stringify({ text: form.elements.text.value, language: form.elements.language.value });
}

function tell() {
  const isSaved = text() === saved;
  state.textContent = isSaved ? state.dataset.saved : state.dataset.unsaved;
  state.classList.toggle("good", isSaved);
}

// Answers may overtake each other: only that to the newest question is shown.
async function preview() {
  const number = ++asked;
  try {
    const found = await call("POST", form.dataset.preview, JSON.parse(text()));
    if (number !== asked) return;
    document.getElementById("card-page").innerHTML = found.html;
    document.getElementById("card-text").textContent = found.card;
    failure.hidden = true;
  } catch (error) {
    if (number !== asked) return;
    failure.textContent = error.message;
    failure.hidden = false;
  }
}

form.addEventListener("input", () => {
  tell();
  clearTimeout(timer);
  timer = setTimeout(preview, PAUSE_MS);
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(timer);
  if (event.submitter.id === "preview-card") {
    preview();
    return;
  }
  during(event.submitter, async () => {
    const sent = text();
    await call("POST", form.getAttribute("action"), JSON.parse(sent));
    saved = sent;
    tell();
    await preview();
  });
});

window.addEventListener("beforeunload", (event) => {
  if (text() !== saved) event.preventDefault();
});
