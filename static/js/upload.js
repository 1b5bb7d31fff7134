// Step 1: videos from the computer, chosen or dropped, checked, then sent a few at a time.
import { call, fill, say, words } from "./api.js";
import { ask } from "./confirm.js";
import { shownSize } from "./sizes.js";
import { rememberDone, tellDoneHere, tellNothing, tellPercent } from "./title.js";
import { begun, rests } from "./uploads/begun.js";
import { judge } from "./uploads/checks.js";
import { canKeep, dropped, forget, isSentElsewhere, kept, pick, reopen, take } from "./uploads/handles.js";
import { Line } from "./uploads/line.js";
import { Row } from "./uploads/row.js";
import { turns } from "./uploads/said.js";
import { share } from "./uploads/share.js";
import { Transfer, earlier, loadTus } from "./uploads/transfer.js";
import { endWaiting, isWaiting, keepWaiting, placed } from "./uploads/waiting.js";

const form = document.getElementById("local-form");
const video = document.getElementById("video");
const drop = document.getElementById("drop");
const name = document.getElementById("task-name");
const list = document.getElementById("transfers");
const endings = form.dataset.endings.split(" ");
const line = new Line();
// { file, handle, row, before, reason, transfer }, in the order of the page.
let entries = [];
let ownName = "";
let room = JSON.parse(form.dataset.room);

video.multiple = room.lessons_left === null || Number(form.dataset.mostLessons) > 1;
video.addEventListener("change", () => choose([...video.files].map((file) => ({ file }))));
if (canKeep) {
  video.addEventListener("click", async (event) => {
    event.preventDefault();
    await pick(video.multiple, endings).then(choose, (error) => say(error.message));
  });
}
for (const kind of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) dropped(event.dataTransfer).then(choose);
  });
}

const isSame = (one, other) => ["name", "size", "lastModified"].every((field) => one[field] === other[field]);
const chosen = () => entries.filter((entry) => !entry.transfer);

async function choose(files) {
  const isKnown = ({ file }) => entries.some((entry) => isSame(entry.file, file) && !["done", "given-up"].includes(entry.transfer?.state));
  for (const one of files.filter((one) => !isKnown(one))) entries.push(newEntry(one));
  video.value = "";
  check();
  try {
    await askRoom();
    const ids = room.unfinished.map((one) => one.file_id);
    for (const entry of chosen()) {
      entry.before ??= await earlier(entry.file, ids);
      entry.isElsewhere = Boolean(entry.before) && (await isSentElsewhere(entry.before.uploadUrl.split("/").pop()));
    }
  } catch (error) {
    say(error.message);
  }
  check();
  tellChosen();
}

// For who does not see the list: what is chosen, and what of it cannot be sent.
function tellChosen() {
  const faults = chosen().filter((entry) => entry.reason).map((entry) => `${entry.file.name}: ${entry.reason}`);
  document.getElementById("upload-said").textContent = [document.getElementById("chosen-file").textContent, ...faults].join(" · ");
}

// What may be sent now. What has its place on the server by then is counted in it.
async function askRoom() {
  room = await call("GET", "/api/upload-room");
  for (const entry of entries) entry.isCounted = Boolean(entry.transfer?.id);
}

const isOnWay = ({ transfer, before, isCounted }) => transfer && !before && !isCounted && (transfer.id || transfer.state !== "failed");

function newEntry({ file, handle }) {
  const entry = { file, handle, before: null, reason: null, transfer: null };
  entry.row = new Row(file, { onMain: () => entry.transfer.press(), onAway: () => leave(entry) });
  entry.row.name = file.name.replace(/\.[^.]+$/, "");
  list.append(entry.row.element);
  return entry;
}

// Say of every chosen file whether it can be sent.
function check() {
  const waiting = chosen();
  const onWay = entries.filter(isOnWay).map(({ file }) => file);
  const reasons = judge(waiting.map(({ file, before }) => ({ file, isContinued: Boolean(before) })), room, endings, onWay);
  const said = { ...words, overQuota: form.dataset.overQuota };
  const values = { limit: form.dataset.limitText, room: shownSize(room.free_bytes), left: shownSize(room.bytes_left ?? 0) };
  const isSingle = waiting.length === 1;
  waiting.forEach((entry, number) => {
    const reason = entry.isElsewhere ? "sentElsewhere" : reasons[number];
    entry.reason = reason && fill(said[reason], values);
    entry.row.showChosen({ reason: entry.reason, isNamed: !isSingle, isContinued: Boolean(entry.before) });
  });
  document.getElementById("one-name").hidden = waiting.length > 1;
  name.required = isSingle && !waiting[0].reason;
  if (isSingle && !waiting[0].reason && ["", ownName].includes(name.value)) name.value = ownName = waiting[0].row.name;
  const told = isSingle ? fill(words.chosen, { name: waiting[0].file.name }) : fill(words.severalChosen, { count: waiting.length });
  if (waiting.length) document.getElementById("chosen-file").textContent = told;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const sendable = chosen().filter((entry) => !entry.reason);
  if (!sendable.length) return say(chosen().length ? words.nothingToSend : words.chooseFile);
  send(sendable);
});

function send(sendable) {
  loadTus().catch(() => {});
  const parts = document.getElementById("parts").value || "1";
  const isSingle = chosen().length === 1;
  for (const entry of sendable) {
    const wanted = entry.wanted ?? { name: isSingle ? name.value : entry.row.name, parts };
    if (entry.handle && !entry.before) entry.waits ??= keepWaiting(entry.handle, wanted);
    const transfer = new Transfer(entry.file, {
      ...wanted, waits: entry.waits, before: entry.before, onChange: () => changed(entry),
      onPlace: (id) => placed(id, entry.handle, entry.waits),
    });
    entry.transfer = transfer;
    line.add(transfer);
    entry.row.show(transfer);
  }
  name.value = "";
  check();
  line.fill();
}

// What this browser remembers of uploads that are not complete goes on: by itself where it may read the file, else with a click.
async function goOn(item) {
  if (await isSentElsewhere(item.dataset.unfinished)) return item.remove();
  const handle = await kept(item.dataset.unfinished);
  if (!handle) return;
  const button = item.querySelector(".go-on");
  const begin = async (isAsked) => {
    const file = await reopen(handle, isAsked);
    if (!file) return false;
    await choose([{ file, handle }]);
    const entry = chosen().find((one) => isSame(one.file, file));
    if (!entry?.before || !(await take(item.dataset.unfinished))) return true;
    item.hidden = true;
    send([entry]);
    return true;
  };
  if (!rests(item.dataset.unfinished) && (await begin(false))) return;
  button.hidden = false;
  button.addEventListener("click", () => begin(true));
}

// What had waited for its turn when an earlier page ended is begun, where the browser may read it without asking.
async function beginWaiting(key) {
  if (await isSentElsewhere(key)) return;
  const found = await kept(key);
  const file = found && (await reopen(found.handle, false));
  if (!file || !(await take(key))) return;
  await choose([{ file, handle: found.handle }]);
  const entry = chosen().find((one) => isSame(one.file, file));
  if (!entry || entry.reason) return;
  Object.assign(entry, { wanted: found.wanted, waits: key });
  send([entry]);
}

function changed(entry) {
  const { transfer, row } = entry;
  row.show(transfer);
  share(line);
  if (transfer.state !== row.state) announce(entry);
  row.state = transfer.state;
  document.getElementById("stay").hidden = !line.isActive;
  if (line.isActive) tellPercent(line.percent);
  else tellNothing();
  queueMicrotask(() => line.fill());
  if (transfer.state === "done") arrived(entry);
}

function announce({ transfer }) {
  for (const said of turns([transfer.facts])) document.getElementById("upload-said").textContent = said;
}

// One file leads to its lesson; after several the page stays, with a way to each.
function arrived(entry) {
  document.dispatchEvent(new Event("ppi:begun"));
  forget(entry.transfer.lesson);
  if (line.isActive) return;
  if (entries.length > 1) return tellDoneHere();
  rememberDone();
  location.assign(`/lessons/${entry.transfer.lesson}`);
}

// What has arrived on the server is lost by that: it is asked for first.
async function leave(entry) {
  const isBegun = entry.transfer?.sentBytes > 0 && entry.transfer.state !== "done";
  const question = { confirm: words.giveUpText, name: entry.file.name, title: words.giveUpTitle, yes: words.giveUp };
  if (isBegun && !(await ask(question))) return;
  // It arrived while the question stood there.
  if (entry.transfer?.state === "done") return;
  entries = entries.filter((one) => one !== entry);
  entry.row.element.remove();
  drop.querySelector("input").focus();
  if (!entry.transfer) return check();
  endWaiting(entry.waits);
  document.getElementById("upload-said").textContent = fill(words.givenUp, { name: entry.file.name });
  await entry.transfer.giveUp();
  await askRoom().catch(() => {});
  check();
}

// While something is being sent this page has to stay: its links open beside it.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  const isElsewhere = link && link.origin === location.origin && !link.getAttribute("href").startsWith("#") && !link.dataset.bsToggle;
  if (!isElsewhere || !line.isActive || link.target) return;
  link.target = "_blank";
  // So a tab that was opened from here can come back to this one.
  link.rel = "opener";
  setTimeout(() => ["target", "rel"].forEach((one) => link.removeAttribute(one)));
}, true);
window.addEventListener("beforeunload", (event) => {
  if (line.isActive) event.preventDefault();
});

check();
Promise.all([...document.querySelectorAll("[data-unfinished]")].map(goOn)).then(() => {
  const rest = document.getElementById("unfinished");
  if (rest) rest.hidden = !rest.querySelector("[data-unfinished]:not([hidden])");
}).then(async () => {
  for (const key of begun().filter((one) => isWaiting(one) && !rests(one))) await beginWaiting(key);
});
