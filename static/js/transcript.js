// The transcript's page: puts its parts together.
import { call, during } from "./api.js";
import { openKeys, showKeys } from "./player/keys.js";
import { openDoubts } from "./transcript/doubts.js";
import { openEditor } from "./transcript/editor.js";
import { openFollowing } from "./transcript/player.js";
import { openSearch } from "./transcript/search.js";
import { openSpeakers } from "./transcript/speakers.js";
import { openWords } from "./transcript/words.js";

document.getElementById("give-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  during(event.submitter, async () => {
    await call("POST", `/api/lessons/${form.dataset.lesson}/transcript`, new FormData(form));
    location.assign(location.pathname);
  });
});

const KEYS = {
  " ": "play", k: "play", ArrowLeft: "back", ArrowRight: "on", ",": "frameBack", ".": "frameOn", "<": "slower", ">": "faster",
  n: "doubt", N: "doubtBefore", r: "right", e: "edit", s: "who", "/": "search", "?": "keys",
};
const list = document.getElementById("said");
if (list) begin();

function begin() {
  const phrases = JSON.parse(document.getElementById("phrases").textContent);
  const page = document.getElementById("reading");
  for (const id of ["tools", "search", "follow-label"]) document.getElementById(id).hidden = false;
  const words = openWords(list);
  const player = openFollowing(words, phrases);
  const doubts = openDoubts(words, player);
  const search = openSearch(words);
  const editor = openEditor(list, page, phrases, () => {
    words.refresh();
    player.show();
    search.refresh();
    doubts.refresh();
    speakers.refresh();
  });
  const speakers = openSpeakers(list, phrases, editor.giveSpeaker);
  const acts = {
    play: player.toggle, back: () => player.skip(-3), on: () => player.skip(3), doubt: () => doubts.go(1), doubtBefore: () => doubts.go(-1), right: () => doubts.right(editor.check),
    undo: editor.undo, redo: editor.redo, search: search.focus, edit: () => editor.open(words.segmentNow() || list.firstElementChild),
    who: () => speakers.open(document.activeElement.closest(".segment") || words.segmentNow() || list.firstElementChild),
    frameBack: () => player.step(-1), frameOn: () => player.step(1), slower: () => player.speed(-1), faster: () => player.speed(1),
    keys: showKeys,
  };
  openKeys(acts, KEYS);
  document.getElementById("tools").addEventListener("click", (event) => acts[event.target.dataset.act]?.());
}
