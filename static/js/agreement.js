// The agreement lab: adds an export, plays the moment of a disagreement in the player above the list, lets no decision be lost, and
// lets the figures come when nobody is choosing.
import { call, during } from "./api.js";
import { openPlayer } from "./player/player.js";

const LEAD_S = 1;
const video = document.getElementById("player");
const player = video && openPlayer(video);

document.getElementById("add-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  during(event.submitter, async () => {
    await call("POST", form.action, new FormData(form));
    location.reload();
  });
});

function isChosen(field) {
  if (field.type === "file") return field.files.length > 0;
  return field.type === "checkbox" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
}

// When a comparison is done the page is loaded again: not under somebody who has chosen a file, other people or another step.
addEventListener("before-renewal", (event) => {
  if ([...document.querySelectorAll("#add-form input, #chooser input")].some(isChosen)) event.preventDefault();
});

// Turning the list saves what was decided on this part of it; who goes elsewhere is asked.
const decisions = document.getElementById("decisions");
const isOpen = () => [...(decisions?.querySelectorAll("input[type=radio]") ?? [])].some((one) => one.checked !== one.defaultChecked);
let isSent = false;
decisions?.addEventListener("submit", (event) => {
  isSent = true;
  const there = event.submitter?.dataset.there;
  if (!there || isOpen()) return;
  // Nothing is to be saved.
  event.preventDefault();
  location.assign(there);
});
addEventListener("beforeunload", (event) => {
  if (isOpen() && !isSent) event.preventDefault();
});

// Without this the link opens the moment in a tab of its own.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a.play");
  if (!link || !player) return;
  event.preventDefault();
  player.playInterval(Math.max(0, Number(link.dataset.start) - LEAD_S), Number(link.dataset.end));
});
