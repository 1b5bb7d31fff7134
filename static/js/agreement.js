// The agreement lab: adds an export, and plays the moment of a disagreement in the player above the list.
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

// Without this the link opens the moment in a tab of its own.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a.play");
  if (!link || !player) return;
  event.preventDefault();
  player.playInterval(Math.max(0, Number(link.dataset.start) - LEAD_S), Number(link.dataset.end));
});
