// Step 1: a video from the computer (resumable, tus) or from storage.
import { call, during, fill, say, words } from "./api.js";
import { clock, setBar } from "./progress.js";

const form = document.getElementById("local-form");
const video = document.getElementById("video");
const drop = document.getElementById("drop");
const name = document.getElementById("task-name");
const panel = document.getElementById("uploading");
const pause = document.getElementById("upload-pause");
const message = document.getElementById("upload-message");
let upload = null;

// Only who uploads needs tus, so only they load it.
let loading = null;
function loadTus() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("../vendor/tus/tus.min.js", import.meta.url);
    script.onload = resolve;
    script.onerror = () => {
      loading = null;
      reject(new Error(words.failed));
    };
    document.head.append(script);
  });
  return loading;
}

function chosen() {
  const file = video.files[0];
  if (!file) return;
  loadTus().catch(() => {});
  document.getElementById("chosen-file").textContent = fill(words.chosen, { name: file.name });
  if (!name.value) name.value = file.name.replace(/\.[^.]+$/, "");
}
video.addEventListener("change", chosen);
for (const kind of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) {
      video.files = event.dataTransfer.files;
      chosen();
    }
  });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const file = video.files[0];
  if (!file) return say(words.chooseFile);
  if (file.size > Number(form.dataset.limit)) return say(fill(words.tooLarge, { limit: form.dataset.limitText }));
  try {
    await loadTus();
  } catch (error) {
    return say(error.message);
  }
  await begin(file);
});

async function begin(file) {
  const began = Date.now();
  let first = null;
  upload = new window.tus.Upload(file, {
    endpoint: "/uploads/",
    chunkSize: 8 * 1024 * 1024,
    retryDelays: [0, 1000, 3000, 5000, 10000, 20000],
    removeFingerprintOnSuccess: true,
    headers: { "X-CSRFToken": document.querySelector("meta[name=csrf-token]").content },
    metadata: { filename: file.name, task_name: name.value, parts: document.getElementById("parts").value || "1" },
    onShouldRetry: (error) => !error.originalResponse || error.originalResponse.getStatus() >= 500 || error.originalResponse.getStatus() === 409,
    onProgress: (sent, all) => {
      first ??= sent;
      const speed = (sent - first) / ((Date.now() - began) / 1000);
      setBar(document.getElementById("upload-progress"), (100 * sent) / all);
      document.getElementById("upload-percent").textContent = `${Math.floor((100 * sent) / all)} %`;
      message.textContent = speed > 0 ? fill(words.left, { time: clock((all - sent) / speed) }) : words.uploading;
    },
    onError: (error) => {
      stopped();
      say(reason(error));
    },
    onSuccess: () => {
      const id = upload.url.split("/").pop();
      upload = null;
      location.assign(`/lessons/${id}`);
    },
  });
  const before = await upload.findPreviousUploads();
  if (before.length) upload.resumeFromPreviousUpload(before[0]);
  document.getElementById("upload-name").textContent = file.name;
  panel.hidden = false;
  form.querySelector("button[type=submit]").disabled = true;
  upload.start();
}

function reason(error) {
  try {
    return JSON.parse(error.originalResponse.getBody()).error;
  } catch {
    return words.failed;
  }
}

function stopped() {
  upload = null;
  panel.hidden = true;
  form.querySelector("button[type=submit]").disabled = false;
}

pause.addEventListener("click", () => {
  const isPaused = pause.dataset.paused === "1";
  pause.dataset.paused = isPaused ? "" : "1";
  pause.textContent = isPaused ? words.pause : words.resume;
  if (isPaused) upload.start();
  else upload.abort();
  message.textContent = isPaused ? words.uploading : words.paused;
});
document.getElementById("upload-cancel").addEventListener("click", async () => {
  await upload?.abort(true).catch(() => {});
  stopped();
});
window.addEventListener("beforeunload", (event) => {
  if (upload) event.preventDefault();
});

const stored = document.getElementById("object-name");
document.getElementById("load-files").addEventListener("click", (event) => during(event.currentTarget, async () => {
  const { files } = await call("GET", "/list_files");
  const videos = files.filter((file) => /\.(mp4|mov|mkv|webm|avi)$/i.test(file.name) && !/_part\d+\.|\.copy\.mp4$/.test(file.name));
  stored.replaceChildren(...videos.map((file) => new Option(`${file.name} (${file.size_mb} MB)`, file.name)));
  document.getElementById("stored").hidden = videos.length === 0;
  if (!videos.length) say(words.nothingStored, "calm");
}));
document.getElementById("storage-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!stored.value) return say(words.chooseStored);
  during(event.submitter, async () => {
    const given = { object_name: stored.value, task_name: document.getElementById("stored-name").value };
    const { file_id } = await call("POST", "/api/process-video", given);
    location.assign(`/lessons/${file_id}`);
  });
});
