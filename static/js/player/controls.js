// The buttons beside the recording: they press what the keys press, and show what holds.
import { fill } from "../api.js";
import { allow } from "../focus.js";
import { openKeys, showKeys } from "./keys.js";
import { numberAt, timeCode } from "./times.js";

const KEYS = {
  " ": "play", k: "play", ArrowLeft: "back", ArrowRight: "on", ",": "frameBack", ".": "frameOn", "Shift ArrowLeft": "frameBack",
  "Shift ArrowRight": "frameOn", "<": "slower", ">": "faster", "[": "begin", "]": "end", i: "replay", l: "loop", c: "captions", "?": "keys",
};

export function openControls(box, player, phrases) {
  const { video } = player;
  const part = (name) => box.querySelector(`[data-part=${name}]`);
  const button = (name) => box.querySelector(`[data-act=${name}]`);
  const acts = {
    play: player.toggle, back: () => player.skip(-3), on: () => player.skip(3), frameBack: () => player.step(-1), frameOn: () => player.step(1),
    slower: () => player.speed(-1), faster: () => player.speed(1), begin: player.begin, end: player.end, replay: player.replay,
    loop: () => player.loop(), clear: player.clear, captions: () => player.captions(), keys: showKeys,
  };

  box.hidden = false;
  box.addEventListener("click", (event) => acts[event.target.closest("[data-act]")?.dataset.act]?.());
  openKeys(acts, KEYS);

  const speed = part("speed");
  speed.addEventListener("change", () => { video.playbackRate = Number(speed.value); });
  video.addEventListener("ratechange", () => { speed.value = String(video.playbackRate); });

  for (const name of ["play", "pause"]) {
    video.addEventListener(name, () => { button("play").querySelector("span").textContent = video.paused ? phrases.play : phrases.pause; });
  }
  player.onShown((time) => {
    part("time").textContent = timeCode(time);
    part("frame").textContent = fill(player.isVariable ? phrases.about : phrases.frame, { number: numberAt(time, player.rate) });
  });
  player.onChanged(({ interval, isLooping }) => {
    part("interval").textContent = interval ? fill(phrases.chosen, { start: timeCode(interval.start), end: timeCode(interval.end) }) : "";
    for (const name of ["replay", "clear"]) allow(button(name), interval !== null);
    button("loop").setAttribute("aria-pressed", isLooping);
  });
  showCaptions(video, button("captions"));
}

// Who wants captions once wants them again.
function showCaptions(video, button) {
  const track = video.textTracks[0];
  if (!track) return;
  const show = () => {
    button.setAttribute("aria-pressed", track.mode === "showing");
    localStorage.setItem("captions", track.mode);
  };
  if (localStorage.getItem("captions") === "showing") track.mode = "showing";
  video.textTracks.addEventListener("change", show);
  show();
}
