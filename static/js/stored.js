// Step 1: a video that is in storage already.
import { call, during, say, words } from "./api.js";

const stored = document.getElementById("object-name");

document.getElementById("load-files").addEventListener("click", (event) => during(event.currentTarget, async () => {
  const { files } = await call("GET", "/list_files");
  const videos = files.filter((file) => /\.(mp4|m4v|mov|mkv|webm|avi|mts|m2ts)$/i.test(file.name) && !/_part\d+\.|\.copy\.mp4$/.test(file.name));
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
