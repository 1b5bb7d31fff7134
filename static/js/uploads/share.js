// What this tab sends, told to all tabs: at once when a state changes, else once a second. Others may pause it and call it.
import { late } from "../api.js";
import { drop, note } from "./begun.js";
import { hear, live, tab, tell } from "./channel.js";
import { markTab } from "./mark.js";

const EVERY_MS = 1000;
let lines = null;
let told = "";
let timer = 0;

// To be called whenever a transfer of the line changed.
export function share(line) {
  if (!lines) begin(line);
  const states = line.transfers.map((one) => `${one.state} ${one.id}`).join();
  if (states === told) {
    timer ||= setTimeout(post, EVERY_MS);
    return;
  }
  told = states;
  for (const one of line.transfers.filter(({ id, waits }) => id || waits)) {
    if (["done", "given-up"].includes(one.state)) drop(one.id || one.waits);
    else note(one.id || one.waits, one.isActive);
  }
  post();
}

function begin(line) {
  // By its name a tab that was opened from here can come back.
  window.name ||= `ppi-${tab}`;
  const ready = live();
  lines = { line, ready };
  hear((message) => {
    if (message.isAsking) post({ isAnswer: true });
    if (message.to !== tab) return;
    if (message.isCalled) markTab();
    else line.transfers[message.number]?.press();
  });
  // What this tab sends is shown on its own page too.
  late(import("./shown.js")).then(() => post());
  addEventListener("pageshow", (event) => event.persisted && post());
}

async function post(more = {}) {
  clearTimeout(timer);
  timer = 0;
  await lines.ready;
  const files = lines.line.transfers.map((one, number) => ({ number, ...one.facts })).filter((one) => one.state !== "given-up");
  tell({ files, name: window.name, ...more });
}
