// One file on its way: sent in chunks (tus), kept going over breaks of the network and the laptop's sleep.
import { words } from "../api.js";
import { Pace } from "./pace.js";

const CHUNK_BYTES = 8 * 1024 * 1024;
const FIRST_MS = 1000, MOST_MS = 60_000;
// A connection that has moved nothing for so long is given up: after a sleep it may be dead without knowing.
const STILL_MS = 45_000, LOOK_MS = 5000;
// So often a server that answers may say no before we believe it.
const MOST_REFUSALS = 8;
export const ACTIVE = ["waits", "connecting", "sending", "away"];

let loading = null;
// Only who uploads needs tus, so only they load it.
export function loadTus() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("../../vendor/tus/tus.min.js", import.meta.url);
    script.onload = resolve;
    script.onerror = () => {
      loading = null;
      reject(new Error(words.failed));
    };
    document.head.append(script);
  });
  return loading;
}

// What this browser remembers of an earlier upload of the same file, if it is one of `ids`; else null.
export async function earlier(file, ids) {
  await loadTus();
  const found = await new window.tus.Upload(file, { endpoint: "/uploads/" }).findPreviousUploads();
  return found.find((one) => ids.includes(one.uploadUrl?.split("/").pop())) ?? null;
}

export class Transfer {
  // waits, connecting, sending, away (tries again by itself), paused, failed, done, given-up
  state = "waits";
  sentBytes = 0;
  reason = "";
  lesson = "";
  // The upload's number, once the server has given it one.
  id = "";
  pace = new Pace();
  #upload = null;
  #tries = 0;
  #timer = 0;
  #watch = 0;
  #movedMs = 0;

  // `waits` is the key under which the file waits for its turn, where the browser keeps it.
  constructor(file, { name = "", parts = "1", waits = "", before, onChange, onPlace = () => {} }) {
    Object.assign(this, { file, name, parts, waits, before, onChange, onPlace });
    addEventListener("online", () => this.state === "away" && this.begin());
  }

  get isActive() {
    return ACTIVE.includes(this.state);
  }

  // What is to be known of it elsewhere; plain values. `left_s` is null while it is not known.
  get facts() {
    const { id, waits, state, reason, lesson, pace, file } = this;
    const percent = (100 * this.sentBytes) / file.size;
    const left_s = pace.secondsFor(file.size - this.sentBytes);
    return { id, waits, state, reason, lesson, name: file.name, percent, speed: pace.bytesPerSecond, left_s };
  }

  // The one button: it pauses what is under way, and lets go on what is not.
  press() {
    if (this.isActive) this.pause();
    else if (this.state !== "done") this.wait();
  }

  async begin() {
    clearTimeout(this.#timer);
    this.#set("connecting");
    try {
      await loadTus();
    } catch {
      return this.#tryLater();
    }
    if (this.state !== "connecting") return;
    this.#upload ??= this.#make();
    this.pace.forget();
    this.#moved();
    this.#watch ||= setInterval(() => this.#look(), LOOK_MS);
    this.#upload.start();
  }

  pause() {
    this.#stop();
    this.#set("paused");
  }

  // To be begun again when there is a place.
  wait() {
    this.#tries = 0;
    this.reason = "";
    this.#set("waits");
  }

  // What has arrived is thrown away. When the server cannot be told now, it does so by itself after a while.
  async giveUp() {
    const upload = this.#upload;
    this.#stop();
    this.#set("given-up");
    if (upload?.url) await upload.abort(true).catch(() => {});
  }

  #make() {
    const upload = new window.tus.Upload(this.file, {
      endpoint: "/uploads/",
      chunkSize: CHUNK_BYTES,
      retryDelays: null,
      removeFingerprintOnSuccess: true,
      headers: { "X-CSRFToken": document.querySelector("meta[name=csrf-token]").content },
      metadata: { filename: this.file.name, task_name: this.name, parts: this.parts },
      onUploadUrlAvailable: () => {
        this.id = upload.url.split("/").pop();
        this.onPlace(this.id);
      },
      onProgress: (sent) => this.#progress(sent),
      onChunkComplete: () => { this.#tries = 0; },
      onError: (error) => this.#failed(error),
      onSuccess: () => {
        this.#stop();
        this.lesson = this.id;
        this.sentBytes = this.file.size;
        this.#set("done");
      },
    });
    if (this.before) upload.resumeFromPreviousUpload(this.before);
    return upload;
  }

  #progress(sent) {
    if (!["connecting", "sending"].includes(this.state)) return;
    if (sent !== this.sentBytes) this.#moved();
    this.sentBytes = sent;
    this.pace.note(sent);
    this.#set("sending");
  }

  #failed(error) {
    if (!["connecting", "sending"].includes(this.state)) return;
    const status = error.originalResponse?.getStatus() ?? 0;
    const told = answered(error);
    const mayPass = !status || [408, 429, 502, 503, 504].includes(status) || told.code === "conflict";
    this.reason = status ? told.error || words.failed : "";
    if (mayPass && (!status || this.#tries < MOST_REFUSALS)) return this.#tryLater();
    this.#stop();
    this.#set("failed");
  }

  #tryLater() {
    this.#stop();
    this.#set("away");
    const delay = Math.min(FIRST_MS * 2 ** this.#tries, MOST_MS) * (0.8 + 0.4 * Math.random());
    this.#tries += 1;
    this.#timer = setTimeout(() => this.begin(), delay);
  }

  #stop() {
    clearTimeout(this.#timer);
    clearInterval(this.#watch);
    this.#watch = 0;
    this.#upload?.abort().catch(() => {});
  }

  #moved() {
    this.#movedMs = Date.now();
  }

  #look() {
    if (Date.now() - this.#movedMs < STILL_MS) return;
    this.reason = "";
    this.#tryLater();
  }

  #set(state) {
    this.state = state;
    this.onChange(this);
  }
}

function answered(error) {
  try {
    return JSON.parse(error.originalResponse.getBody());
  } catch {
    return {};
  }
}
