// Keys for hands that stay on the keyboard. Where something is typed, and in dialogs, they mean themselves; who uses a voice
// or a screen reader can switch them off in the dialog that lists them.
import { Modal } from "../../vendor/bootstrap/dialogs.js";

// Letters of the Russian keyboard by what stands on the same key of the Latin one.
const RUSSIAN = { т: "n", Т: "N", к: "r", ы: "s", у: "e", л: "k", д: "l", с: "c", ш: "i", х: "[", ъ: "]", б: ",", ю: ".", Б: "<", Ю: ">" };
const CONTROL = { KeyZ: "undo", KeyY: "redo" };
// What the video element does by itself when it has the focus.
const OWN = [" ", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];
const OFF = "keys-off";

// `keys` names for each key one of `acts`; those that a page has not are nobody's.
export function openKeys(acts, keys) {
  offerSwitch();
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.target.closest("input, textarea, select, .modal.show")) return;
    const name = event.ctrlKey || event.metaKey ? controlled(event) : plain(event, keys);
    if (!acts[name]) return;
    event.preventDefault();
    acts[name]();
  });
}

function controlled(event) {
  return event.code === "KeyZ" && event.shiftKey ? "redo" : CONTROL[event.code];
}

function plain(event, keys) {
  const key = keyOf(event);
  const isPressing = key === " " && event.target.closest("button, a, summary");
  const isOwn = OWN.includes(key) && event.target.closest("video");
  if (event.altKey || isPressing || isOwn || (localStorage.getItem(OFF) && key.length === 1)) return "";
  return keys[event.shiftKey && key.startsWith("Arrow") ? `Shift ${key}` : key];
}

// On a Russian keyboard the key of "/" writes "." and ",", which are keys of their own here.
function keyOf(event) {
  if (event.code === "Slash" && ".,".includes(event.key)) return event.shiftKey ? "?" : "/";
  return RUSSIAN[event.key] ?? event.key;
}

function offerSwitch() {
  const box = document.getElementById("keys-on");
  if (!box) return;
  box.checked = !localStorage.getItem(OFF);
  box.addEventListener("change", () => (box.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1")));
}

export function showKeys() {
  Modal.getOrCreateInstance("#keys").show();
}
