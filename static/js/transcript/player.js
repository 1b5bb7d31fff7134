// The recording: plays from a word, lights what is spoken, and scrolls with it.

// For so long after somebody scrolled, the page stays where they are.
const LEAVE_ALONE_MS = 4000;

export function openPlayer(words, phrases) {
  const player = document.getElementById("player");
  if (!player) return { show() {}, toggle() {}, skip() {}, seek() {}, at: () => 0 };
  const button = document.getElementById("play");
  const follow = document.getElementById("follow");
  let scrolledAt = -LEAVE_ALONE_MS;

  for (const name of ["wheel", "touchmove"]) addEventListener(name, () => { scrolledAt = performance.now(); }, { passive: true });

  function show() {
    const segment = words.light(player.currentTime);
    const isFree = follow.checked && !player.paused && performance.now() - scrolledAt > LEAVE_ALONE_MS;
    if (segment && isFree && !words.list.querySelector("textarea")) segment.scrollIntoView({ block: "nearest" });
  }

  function watch() {
    show();
    if (!player.paused) requestAnimationFrame(watch);
  }

  function seek(time, isPlaying = true) {
    player.currentTime = Math.max(0, time);
    if (isPlaying) player.play().catch(() => {});
    show();
  }

  player.addEventListener("play", () => {
    button.textContent = phrases.pause;
    requestAnimationFrame(watch);
  });
  player.addEventListener("pause", () => { button.textContent = phrases.play; });
  player.addEventListener("seeked", show);
  player.addEventListener("loadedmetadata", show);
  if (player.readyState > 0) show();
  player.addEventListener("error", () => soundOnly(player, phrases));

  words.list.addEventListener("click", (event) => {
    const link = event.target.closest(".at");
    const word = event.target.closest(".text > span");
    if (link) event.preventDefault();
    else if (!word || !getSelection().isCollapsed) return;
    seek(Number(link ? link.closest(".segment").dataset.start : word.dataset.t));
  });

  return {
    show,
    toggle: () => (player.paused ? player.play().catch(() => {}) : player.pause()),
    skip: (seconds) => seek(player.currentTime + seconds, !player.paused),
    seek,
    at: () => player.currentTime,
  };
}

// A recording that this browser cannot play is heard by its sound track, which has the same seconds.
function soundOnly(player, phrases) {
  const sound = player.dataset.sound;
  if (!sound || player.src.endsWith(sound)) return;
  const time = player.currentTime;
  player.src = sound;
  player.currentTime = time;
  const note = document.getElementById("unplayable");
  note.textContent = phrases.unplayable;
  note.hidden = false;
}
