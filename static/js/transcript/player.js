// The transcript follows the recording: a click on a word plays from it, what is spoken is lit, and the page scrolls with it.
import { openPlayer } from "../player/player.js";

// For so long after somebody scrolled, the page stays where they are.
const LEAVE_ALONE_MS = 4000;

export function openFollowing(words, phrases) {
  const video = document.getElementById("player");
  if (!video) return { show() {}, toggle() {}, skip() {}, seek() {}, step() {}, speed() {}, at: () => 0 };
  const player = openPlayer(video, {
    rate: Number(video.dataset.rate), isVariable: video.dataset.variable === "1",
    onUnplayable: () => Object.assign(document.getElementById("unplayable"), { textContent: phrases.unplayable, hidden: false }),
  });
  const button = document.getElementById("play");
  const follow = document.getElementById("follow");
  let scrolledAt = -LEAVE_ALONE_MS;

  for (const name of ["wheel", "touchmove"]) addEventListener(name, () => { scrolledAt = performance.now(); }, { passive: true });

  function show() {
    const segment = words.light(video.currentTime);
    const isFree = follow.checked && !video.paused && performance.now() - scrolledAt > LEAVE_ALONE_MS;
    if (segment && isFree && !words.list.querySelector("textarea")) segment.scrollIntoView({ block: "nearest" });
  }

  function watch() {
    show();
    if (!video.paused) requestAnimationFrame(watch);
  }

  function seek(time, isPlaying = true) {
    player.seek(time, isPlaying);
    show();
  }

  video.addEventListener("play", () => {
    button.textContent = phrases.pause;
    requestAnimationFrame(watch);
  });
  video.addEventListener("pause", () => { button.textContent = phrases.play; });
  video.addEventListener("seeked", show);
  video.addEventListener("loadedmetadata", show);
  if (video.readyState > 0) show();

  words.list.addEventListener("click", (event) => {
    const link = event.target.closest(".at");
    const word = event.target.closest(".text > span");
    if (link) event.preventDefault();
    else if (!word || !getSelection().isCollapsed) return;
    seek(Number(link ? link.closest(".segment").dataset.start : word.dataset.t));
  });

  return { ...player, show, seek, at: () => video.currentTime };
}
