// Keys for hands that stay on the keyboard. Where something is typed, and in dialogs, they mean themselves.

const KEYS = { " ": "play", k: "play", ArrowLeft: "back", ArrowRight: "on", n: "doubt", N: "doubtBefore", r: "right", e: "edit", "/": "search", "?": "keys" };
// The same keys on a Russian keyboard.
const RUSSIAN = { т: "n", Т: "N", к: "r", у: "e", л: "k", ".": "/", ",": "?" };
const CONTROL = { KeyZ: "undo", KeyY: "redo" };

export function openKeys(acts) {
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, textarea, select, video, .modal.show")) return;
    const act = event.ctrlKey || event.metaKey ? controlled(event) : plain(event);
    if (!act) return;
    event.preventDefault();
    acts[act]();
  });
}

function controlled(event) {
  return event.code === "KeyZ" && event.shiftKey ? "redo" : CONTROL[event.code];
}

function plain(event) {
  const isPressing = event.key === " " && event.target.closest("button, a, summary");
  return event.altKey || isPressing ? "" : KEYS[event.key] || KEYS[RUSSIAN[event.key]];
}
