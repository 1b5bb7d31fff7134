// The waveform, drawn by wavesurfer.js of peaks that the server measured: no sound is loaded for it.
import { call } from "../api.js";

const HEAD_BYTES = 24;
const HEIGHT_PX = 84;
const ASK_MS = 1000;

// For a look at the whole lesson: more stretches than a wide screen has columns.
export const OVERVIEW = 2400;
const FINEST_S = 0.02;

// With `stretches` no more of them, else all that were measured. Answers null where nothing was measured yet.
export async function fetchPeaks(address, stretches = 0) {
  const answer = await fetch(stretches ? `${address}?stretches=${stretches}` : address);
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(String(answer.status));
  return parsed(await answer.arrayBuffer());
}

// The file of audiowaveform: a head, then the lowest and the highest sample of each stretch, -128..127.
function parsed(buffer) {
  const ends = new Int8Array(buffer, HEAD_BYTES);
  const [rate, length, count] = [8, 12, 16].map((place) => new DataView(buffer).getUint32(place, true));
  const low = new Float32Array(count);
  const high = new Float32Array(count);
  for (let place = 0; place < count; place += 1) {
    low[place] = Math.min(0, ends[2 * place]) / 128;
    high[place] = Math.max(0, ends[2 * place + 1]) / 128;
  }
  return { ends: [high, low], isFinest: length / rate <= FINEST_S };
}

// A lesson of before has its waveform measured once, by a job; `onWait` gets what is known of it.
export async function measure(address, onWait) {
  const { job_id: job } = await call("POST", address);
  for (;;) {
    const found = await call("GET", `/api/status/${job}`);
    if (found.status === "completed") return;
    if (["error", "cancelled"].includes(found.status)) throw new Error(found.message);
    onWait(found);
    await new Promise((resolve) => { setTimeout(resolve, ASK_MS); });
  }
}

export async function drawWaveform(place, video, peaks, { duration, nonce }) {
  const { default: WaveSurfer } = await import("../../vendor/wavesurfer/wavesurfer.esm.js");
  const wave = WaveSurfer.create({
    container: place, media: video, peaks: peaks.ends, duration, height: HEIGHT_PX, normalize: true, cspNonce: nonce, cursorWidth: 2,
    autoScroll: false, hideScrollbar: true, ...colours(),
  });
  // The lanes below are what is scrolled; this follows them.
  const scroller = wave.getWrapper().parentElement;
  scroller.style.overflowX = "hidden";
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => wave.setOptions(colours()));
  await new Promise((resolve) => { wave.once("redrawcomplete", resolve); });
  // The address is the recording's own, so that it goes on playing.
  const refine = (finer) => wave.load(video.currentSrc || video.src, finer.ends, duration);
  return { refine, zoom: (pixels) => wave.zoom(pixels), scroll: (left) => { scroller.scrollLeft = left; } };
}

function colours() {
  const look = getComputedStyle(document.documentElement);
  const of = (name) => look.getPropertyValue(`--ppi-${name}`).trim();
  return { waveColor: of("edge"), progressColor: of("accent"), cursorColor: of("margin") };
}
