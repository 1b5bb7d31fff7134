// The transcript's page: puts its parts together.
import { call, during } from "./api.js";
import { openDoubts } from "./transcript/doubts.js";
import { openEditor } from "./transcript/editor.js";
import { openKeys } from "./transcript/keys.js";
import { openPlayer } from "./transcript/player.js";
import { openSearch } from "./transcript/search.js";
import { openWords } from "./transcript/words.js";

document.getElementById("give-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  during(event.submitter, async () => {
    await call("POST", `/api/lessons/${form.dataset.lesson}/transcript`, new FormData(form));
    location.assign(location.pathname);
  });
});

const list = document.getElementById("said");
if (list) begin();

function begin() {
  const phrases = JSON.parse(document.getElementById("phrases").textContent);
  const page = document.getElementById("reading");
  for (const id of ["tools", "search", "follow-label"]) document.getElementById(id).hidden = false;
  const words = openWords(list);
  const player = openPlayer(words, phrases);
  const doubts = openDoubts(words, player);
  const search = openSearch(words);
  const editor = openEditor(list, page, phrases, () => {
    words.refresh();
    player.show();
    search.refresh();
    doubts.refresh();
  });
  const acts = {
    play: player.toggle, back: () => player.skip(-3), on: () => player.skip(3), doubt: () => doubts.go(1), doubtBefore: () => doubts.go(-1), right: () => doubts.right(editor.check),
    undo: editor.undo, redo: editor.redo, search: search.focus, edit: () => editor.open(words.segmentNow() || list.firstElementChild),
    keys: () => window.bootstrap.Modal.getOrCreateInstance("#keys").show(),
  };
  openKeys(acts);
  document.getElementById("tools").addEventListener("click", (event) => acts[event.target.dataset.act]?.());
}
