// Step 1: a video that is in storage already.
import { call, during, say, words } from "./api.js";

// The page itself lists them; without scripts the same button loads it anew.
document.getElementById("load-files").addEventListener("click", (event) => {
  event.preventDefault();
  during(event.currentTarget, async () => {
    const list = document.getElementById("stored");
    if (!list.children.length) list.textContent = words.loading;
    const answer = await fetch("/?stored=1", { headers: { Accept: "text/html" } });
    if (!answer.ok) list.textContent = "";
    if (!answer.ok) throw new Error(words.failed);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    list.replaceChildren(...page.getElementById("stored").childNodes);
  });
});
document.getElementById("storage-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = document.getElementById("object-name")?.value;
  if (!name) return say(words.chooseStored);
  during(event.submitter, async () => {
    const given = { object_name: name, task_name: document.getElementById("stored-name").value };
    const { file_id } = await call("POST", "/api/process-video", given);
    location.assign(`/lessons/${file_id}`);
  });
});
