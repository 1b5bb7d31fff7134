// Files that wait for their turn have no number on the server yet: until then their handles are kept under a name of this browser,
// so that the page that comes next can begin them.
import { drop, note } from "./begun.js";
import { forget, keep, take } from "./handles.js";

const START = "waits-";
export const isWaiting = (key) => key.startsWith(START);

// `wanted` is the lesson's name and its parts. Answers the key.
export function keepWaiting(handle, wanted) {
  const key = START + [...crypto.getRandomValues(new Uint32Array(2))].join("-");
  take(key);
  note(key, true);
  keep(key, { handle, wanted });
  return key;
}

// It has its place on the server now, or is not wanted any more.
export function endWaiting(key) {
  if (!key) return;
  drop(key);
  forget(key);
}

export function placed(id, handle, key) {
  take(id);
  if (handle) keep(id, handle);
  endWaiting(key);
}
