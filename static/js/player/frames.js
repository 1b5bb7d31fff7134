// Single frames. The browser says which frame is shown (requestVideoFrameCallback), and a step goes to the frame beside it.
//
// A seek aims between two frames, never at a frame's own time, where a rounding would decide which of two is shown. With a
// steady rate that is the middle of the next frame. Where the rate varies, nobody knows how long the frame lasts, so the aim
// moves on by quarters of a frame until another one appears.

const STEADY = { on: 1.5, back: -0.5, grain: 1 };
const VARYING = { on: 0.3, back: -0.1, grain: 0.25 };
const MOST_TRIES = 240;
// So many steps may wait for their turn; a key that is held down sends more than are shown.
const MOST_WAITING = 8;
// A page in the background shows no frames, and none are waited for.
const PATIENCE_MS = 600;
const SAME_S = 0.0005;

export function openFrames(video, rate, isVariable) {
  const canTell = "requestVideoFrameCallback" in video;
  // Sound alone has no frames.
  const tells = () => canTell && video.videoWidth > 0;
  const way = isVariable ? VARYING : STEADY;
  const watchers = [];
  let shown = 0;
  let waiting = 0;
  let stepping = Promise.resolve();

  function watch() {
    video.requestVideoFrameCallback((now, about) => {
      shown = about.mediaTime;
      tell();
      watch();
    });
  }
  function tell() {
    for (const watcher of watchers) watcher(time());
  }

  // The presentation time of what is shown, as exact as this browser tells it.
  function time() {
    return tells() && video.paused && (waiting || !video.seeking) ? shown : video.currentTime;
  }

  function seekTo(moment) {
    return new Promise((resolve) => {
      const end = Number.isFinite(video.duration) ? video.duration - SAME_S : moment;
      let missing = tells() ? 2 : 1;
      const come = () => { if ((missing -= 1) === 0) resolve(); };
      video.addEventListener("seeked", come, { once: true });
      if (tells()) video.requestVideoFrameCallback(come);
      setTimeout(resolve, PATIENCE_MS);
      video.currentTime = Math.min(Math.max(0, moment), end);
    });
  }

  async function step(count) {
    const before = tells() ? shown : Math.floor(video.currentTime * rate + 0.01) / rate;
    let aim = count > 0 ? way.on : way.back;
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      await seekTo(before + aim / rate);
      const isThere = !tells() || (count > 0 ? shown > before + SAME_S : shown < before - SAME_S);
      const target = before + aim / rate;
      if (isThere || target <= 0 || target >= video.duration) return;
      aim += Math.sign(count) * way.grain;
    }
  }

  if (canTell) watch();
  for (const name of ["seeked", "timeupdate", "loadeddata"]) video.addEventListener(name, tell);

  return {
    time,
    onShown: (watcher) => { watchers.push(watcher); watcher(time()); },
    // `count` is 1 for the frame after this one, -1 for the one before. Answers when it is shown.
    step(count) {
      video.pause();
      if (waiting >= MOST_WAITING) return stepping;
      waiting += 1;
      stepping = stepping.then(() => step(count)).finally(() => { waiting -= 1; });
      return stepping;
    },
  };
}
