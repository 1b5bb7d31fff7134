// The player of a lesson's page, put together: the recording, its buttons and keys, waveform and lanes.
import { openControls } from "./controls.js";
import { openPlayer } from "./player.js";
import { openTimeline } from "./timeline.js";

export function openPagePlayer() {
  const video = document.getElementById("player");
  const controls = document.getElementById("controls");
  if (!video || !controls) return null;
  const phrases = JSON.parse(document.getElementById("player-phrases").textContent);
  const player = openPlayer(video, {
    rate: Number(video.dataset.rate), isVariable: video.dataset.variable === "1",
    onUnplayable: () => Object.assign(document.getElementById("unplayable"), { textContent: phrases.unplayable, hidden: false }),
  });
  openControls(controls, player, phrases);
  const timeline = document.getElementById("timeline");
  if (timeline) openTimeline(timeline, player, phrases);
  return player;
}
