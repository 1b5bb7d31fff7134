// Where chosen files lie, kept by the browser where it can (Chrome and its kin, over HTTPS): so an upload goes on after a
// reload or a crash without its file being chosen again. No byte of a file is kept.
const BASE = "ppi-uploads", STORE = "handles";

export const canKeep = "showOpenFilePicker" in window && "indexedDB" in window;

function ask(mode, act) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(BASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const asked = act(opening.result.transaction(STORE, mode).objectStore(STORE));
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    };
  });
}

// A browser that keeps nothing (a private window) is no fault: the file is chosen again then.
export const keep = (id, handle) => ask("readwrite", (store) => store.put(handle, id)).catch(() => {});
export const forget = (id) => canKeep && ask("readwrite", (store) => store.delete(id)).catch(() => {});
export const kept = (id) => (canKeep ? ask("readonly", (store) => store.get(id)).catch(() => undefined) : undefined);

// Two pages must not send the same file: whoever sends it holds a lock as long as the page lives.
const lock = (id) => `ppi-upload-${id}`;
const mine = new Set();

// Answers whether this page may send it: false when another one does.
export async function take(id) {
  if (mine.has(id) || !navigator.locks) return true;
  const isFree = await new Promise((resolve) => {
    navigator.locks.request(lock(id), { ifAvailable: true }, (held) => (resolve(Boolean(held)), held && new Promise(() => {})));
  });
  if (isFree) mine.add(id);
  return isFree;
}

export const isSentElsewhere = async (id) => !mine.has(id) && Boolean((await navigator.locks?.query())?.held.some((one) => one.name === lock(id)));

const opened = async (handle) => ({ file: await handle.getFile(), handle });

// Let somebody choose: [{ file, handle }], empty when they chose nothing.
export async function pick(multiple, endings) {
  const types = [{ accept: { "video/*": endings.map((one) => `.${one}`) } }];
  try {
    return await Promise.all((await window.showOpenFilePicker({ multiple, types })).map(opened));
  } catch (error) {
    if (error.name === "AbortError") return [];
    throw error;
  }
}

// What was dropped; to be called while the event is told, which is over before anything is awaited.
export async function dropped(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const found = items.map((item) => ({ file: item.getAsFile(), handle: canKeep ? item.getAsFileSystemHandle?.() : null }));
  return Promise.all(found.map(async ({ file, handle }) => ({ file, handle: await Promise.resolve(handle).catch(() => null) })));
}

// The file behind a handle, asking leave of the person (only after a click) when `isAsked`; null when it may not be read.
export async function reopen(handle, isAsked) {
  const how = { mode: "read" };
  const leave = isAsked ? await handle.requestPermission(how) : await handle.queryPermission(how);
  return leave === "granted" ? handle.getFile().catch(() => null) : null;
}
