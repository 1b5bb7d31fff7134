// The player of every page: plays, steps by frames, plays exactly an interval, once or again and again.
import { openFrames } from "./frames.js";

export const SPEEDS = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2];
// The picture of the interval's last frame stays, not that of the first one behind it.
const BEFORE_END_S = 0.001;
// Leaving an interval by so much is meant.
const OUTSIDE_S = 0.25;

export function openPlayer(video, { rate = 25, isVariable = false, onUnplayable = () => {} } = {}) {
  const frames = openFrames(video, rate, isVariable);
  const watchers = [];
  let interval = null;
  let isHeld = false;
  let isLooping = false;

  const tell = () => { for (const watcher of watchers) watcher({ interval, isLooping, isHeld }); };
  const play = () => video.play().catch(() => {});

  function seek(time, isPlaying = !video.paused) {
    video.currentTime = Math.max(0, time);
    if (isPlaying) play();
  }

  function choose(start, end) {
    interval = end > start ? { start: Math.max(0, start), end } : null;
    isHeld = interval !== null;
    tell();
  }

  function playInterval(start, end) {
    choose(start, end);
    replay();
  }

  function replay() {
    if (!interval) return;
    isHeld = true;
    seek(interval.start, true);
    tell();
  }

  // At every frame and several times a second beside: pages in the background draw no frames.
  function hold() {
    if (!isHeld || !interval || video.paused || video.seeking || video.currentTime < interval.end - BEFORE_END_S) return;
    if (isLooping) {
      video.currentTime = interval.start;
      return;
    }
    video.pause();
    isHeld = false;
    video.currentTime = interval.end - BEFORE_END_S;
    tell();
  }
  function watch() {
    hold();
    if (!video.paused) requestAnimationFrame(watch);
  }

  video.addEventListener("play", () => requestAnimationFrame(watch));
  video.addEventListener("timeupdate", hold);
  video.addEventListener("ended", () => { if (isHeld && isLooping) replay(); });
  video.addEventListener("seeking", () => {
    const isInside = interval && video.currentTime > interval.start - OUTSIDE_S && video.currentTime < interval.end + OUTSIDE_S;
    if (isHeld && !isInside) {
      isHeld = false;
      tell();
    }
  });
  video.addEventListener("error", () => soundOnly(video, onUnplayable));

  return {
    video,
    rate,
    isVariable,
    time: frames.time,
    onShown: frames.onShown,
    onChanged: (watcher) => { watchers.push(watcher); watcher({ interval, isLooping, isHeld }); },
    step: frames.step,
    seek,
    skip: (seconds) => seek(video.currentTime + seconds),
    toggle: () => (video.paused ? play() : video.pause()),
    choose,
    begin: () => choose(frames.time(), interval && interval.end > frames.time() ? interval.end : video.duration),
    end: () => choose(interval && interval.start < frames.time() ? interval.start : 0, frames.time()),
    clear: () => choose(0, 0),
    playInterval,
    replay,
    loop(isWanted = !isLooping) {
      isLooping = isWanted;
      isHeld = interval !== null && (isHeld || isLooping);
      tell();
    },
    speed(change) {
      const here = SPEEDS.findIndex((speed) => speed >= video.playbackRate - 0.01);
      video.playbackRate = SPEEDS[Math.min(Math.max(here + change, 0), SPEEDS.length - 1)];
    },
    captions(isWanted) {
      const track = video.textTracks[0];
      if (track) track.mode = isWanted ?? track.mode !== "showing" ? "showing" : "hidden";
    },
  };
}

// A recording that this browser cannot play is heard by its sound track, which has the same seconds.
function soundOnly(video, onUnplayable) {
  const sound = video.dataset.sound;
  if (!sound || video.src.endsWith(sound)) return;
  const time = video.currentTime;
  video.src = sound;
  video.currentTime = time;
  onUnplayable();
}
