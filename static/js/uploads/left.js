// Uploads that a closed tab left behind: which they are, and how this page goes on with them.
import { call } from "../api.js";
import { begun, drop, rests } from "./begun.js";
import { forget, isSentElsewhere, kept, reopen, take } from "./handles.js";
import { Line } from "./line.js";
import { share } from "./share.js";
import { Transfer, earlier } from "./transfer.js";
import { endWaiting, isWaiting, placed } from "./waiting.js";

const line = new Line();

// Begun in this browser, not complete, and sent by no tab: [{ id, name, percent, state, rests, handle }], those that waited for their
// turn with a `key` and what is `wanted` of them instead of an `id`. `known` are the numbers and keys of those that are being sent.
// What the server knows no more is forgotten.
export async function findLeft(known) {
  const asked = begun().filter((id) => !known.includes(id));
  const isSent = await Promise.all(asked.map(isSentElsewhere));
  const ids = asked.filter((id, number) => !isSent[number]);
  const waiting = await Promise.all(ids.filter(isWaiting).map(waited));
  return [...(await unfinished(ids.filter((id) => !isWaiting(id)))), ...waiting.filter(Boolean)];
}

async function unfinished(ids) {
  if (!ids.length) return [];
  const room = await call("GET", "/api/upload-room");
  const found = room.unfinished.filter((one) => ids.includes(one.file_id));
  for (const id of ids.filter((one) => !found.some(({ file_id }) => file_id === one))) drop(id);
  return Promise.all(found.map(described));
}

async function waited(key) {
  const found = await kept(key);
  if (!found) return endWaiting(key);
  return { id: "", key, name: found.handle.name, percent: 0, state: "left", rests: rests(key), ...found };
}

async function described({ file_id, file_name, offset_bytes, size_bytes }) {
  const percent = (100 * offset_bytes) / size_bytes;
  return { id: file_id, name: file_name, percent, state: "left", rests: rests(file_id), handle: await kept(file_id) };
}

// Send the rest from here, if the browser lets this page read the file; after a press (`isAsked`) it may ask the person for leave.
// Answers whether it is being sent now, by this tab or by another one that was quicker.
export async function goOn({ id, key, wanted, handle }, isAsked) {
  const file = handle && (await reopen(handle, isAsked));
  const before = file && id && (await earlier(file, [id]));
  if (!file || (id && !before)) return false;
  if (!(await take(id || key))) return true;
  line.add(new Transfer(file, { ...wanted, waits: key, before, onChange: changed, onPlace: (place) => placed(place, handle, key) }));
  line.fill();
  return true;
}

function changed(transfer) {
  share(line);
  queueMicrotask(() => line.fill());
  if (transfer.state !== "done") return;
  forget(transfer.id);
  document.dispatchEvent(new Event("ppi:begun"));
}

// Whoever closes this tab is warned. Whoever moves on within PPI is not: the next page goes on.
let isMovingOn = false;
window.navigation?.addEventListener("navigate", ({ destination }) => {
  isMovingOn = new URL(destination.url).origin === location.origin;
  setTimeout(() => { isMovingOn = false; }, 1000);
});
addEventListener("beforeunload", (event) => {
  if (line.isActive && !isMovingOn) event.preventDefault();
});
