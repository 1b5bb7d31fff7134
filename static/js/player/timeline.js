// Waveform and lanes on one scale: zoomed and scrolled together, and following the recording while it plays.
import { call, fill } from "../api.js";
import { legendOf, openLanes } from "./lanes.js";
import { timeCode } from "./times.js";
import { OVERVIEW, drawWaveform, fetchPeaks, measure } from "./waveform.js";

// The closest look: a second takes so many pixels.
const CLOSEST_PX = 240;
const STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200];
const LABEL_PX = 84, LAST_LABEL_PX = 42;
const ZOOM_STEP = 15;
// After somebody scrolled, the view stays where they are for so long.
const LEAVE_ALONE_MS = 4000;

export function openTimeline(box, player, phrases) {
  const part = (name) => box.querySelector(`[data-part=${name}]`);
  const duration = Number(box.dataset.duration);
  const [scroller, strip, ruler, head, zoom, note] = ["scroller", "strip", "ruler", "head", "zoom", "note"].map(part);
  let wave = null;
  let isFine = false;
  let scrolledAt = -LEAVE_ALONE_MS;
  let isOwnScroll = false;

  const fit = () => scroller.clientWidth / duration;
  const closest = () => Math.max(CLOSEST_PX, fit());
  const scale = () => fit() * (closest() / fit()) ** (Number(zoom.value) / 100);
  const isWhole = () => Number(zoom.value) === 0;

  // --- scale: what stands in the middle stays there, or the playing moment where it is in sight
  function rescale(act) {
    const width = strip.offsetWidth;
    const now = (player.time() / duration) * width - scroller.scrollLeft;
    const anchor = now >= 0 && now <= scroller.clientWidth ? now : scroller.clientWidth / 2;
    const moment = ((scroller.scrollLeft + anchor) / width) * duration;
    act();
    strip.style.width = isWhole() ? "100%" : `${Math.ceil(duration * scale())}px`;
    wave?.zoom(isWhole() ? 0 : scale());
    if (wave && !isFine && !isWhole()) refine();
    scrollTo((moment / duration) * strip.offsetWidth - anchor);
    drawRuler();
  }

  function scrollTo(left) {
    const before = scroller.scrollLeft;
    scroller.scrollLeft = left;
    isOwnScroll = scroller.scrollLeft !== before;
    wave?.scroll(scroller.scrollLeft);
  }

  // Only the labels that are in sight, and a screen to both sides.
  function drawRuler() {
    const pixels = strip.offsetWidth / duration;
    const step = STEPS_S.find((seconds) => seconds * pixels >= LABEL_PX) ?? STEPS_S.at(-1);
    const from = Math.max(0, Math.floor((scroller.scrollLeft - scroller.clientWidth) / pixels / step));
    const to = Math.min(duration, (scroller.scrollLeft + 2 * scroller.clientWidth) / pixels);
    const labels = [];
    for (let number = from; number * step < to; number += 1) {
      // One that the end would cut is left out.
      if (number && (duration - number * step) * pixels < LAST_LABEL_PX) break;
      const label = document.createElement("span");
      label.textContent = timeCode(number * step + 0.0001, step < 1 ? 1 : 0);
      label.style.left = `${((100 * number * step) / duration)}%`;
      labels.push(label);
    }
    ruler.replaceChildren(...labels);
  }

  function follow(time) {
    head.style.left = `${Math.min(100, (100 * time) / duration)}%`;
    const place = (time / duration) * strip.offsetWidth - scroller.scrollLeft;
    const isOut = place < 0 || place > scroller.clientWidth;
    if (isOut && !player.video.paused && performance.now() - scrolledAt > LEAVE_ALONE_MS) scrollTo(scroller.scrollLeft + place - scroller.clientWidth / 8);
  }

  // --- the waveform
  async function showWaveform() {
    try {
      let peaks = "missing" in box.dataset ? null : await fetchPeaks(box.dataset.peaks, OVERVIEW);
      if (!peaks) {
        note.textContent = phrases.drawing;
        await measure(box.dataset.peaks, ({ how_long: howLong }) => { note.textContent = [phrases.drawing, howLong].filter(Boolean).join("\u00a0· "); });
        peaks = await fetchPeaks(box.dataset.peaks, OVERVIEW);
      }
      wave = await drawWaveform(part("wave"), player.video, peaks, { duration, nonce: box.dataset.nonce });
      note.textContent = "";
      isFine = peaks.isFinest;
      rescale(() => {});
    } catch (error) {
      note.textContent = fill(phrases.noWaveform, { reason: error.message });
      part("wave").hidden = true;
    }
  }

  // Whoever looks closer sees all that was measured; what is drawn stays until it is there.
  async function refine() {
    isFine = true;
    try {
      await wave.refine(await fetchPeaks(box.dataset.peaks));
      wave.zoom(isWhole() ? 0 : scale());
      wave.scroll(scroller.scrollLeft);
    } catch {
      isFine = false;
    }
  }

  // --- the lanes
  async function showLanes() {
    const said = part("lanes-note");
    try {
      const found = await call("GET", box.dataset.intervals);
      if (!found.lanes.length) {
        said.textContent = phrases.noneYet;
        return;
      }
      const table = part("table");
      const lanes = openLanes(strip, table, found, {
        duration, phrases, onPlay: (mark) => player.playInterval(mark.start_s, mark.end_s), onPoint: (text) => { part("pointed").textContent = text; },
      });
      part("legend").append(...legendOf(found));
      table.hidden = false;
      if (found.left_out) said.textContent = fill(phrases.leftOut, { count: found.left_out });
      player.onChanged(({ interval }) => lanes.show(interval));
    } catch (error) {
      said.textContent = fill(phrases.noMarks, { reason: error.message });
    }
  }

  box.hidden = false;
  zoom.addEventListener("input", () => rescale(() => {}));
  box.addEventListener("click", (event) => {
    const change = { closer: ZOOM_STEP, wider: -ZOOM_STEP, whole: -100 }[event.target.closest("[data-zoom]")?.dataset.zoom];
    if (change) rescale(() => { zoom.value = Number(zoom.value) + change; });
  });
  scroller.addEventListener("scroll", () => {
    if (!isOwnScroll) scrolledAt = performance.now();
    isOwnScroll = false;
    wave?.scroll(scroller.scrollLeft);
    drawRuler();
  });
  ruler.addEventListener("click", (event) => player.seek(((event.clientX - strip.getBoundingClientRect().left) / strip.offsetWidth) * duration));
  new ResizeObserver(() => rescale(() => {})).observe(scroller);
  player.onShown(follow);
  drawRuler();
  if (box.dataset.peaks) showWaveform();
  else part("wave").hidden = true;
  showLanes();
}
