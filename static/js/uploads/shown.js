// What the tabs of this person send, shown in the list of jobs, at the link to it, and said when it begins and ends.
import { fill, say, words } from "../api.js";
import { countUploads } from "../drawer.js";
import { tell as notify } from "../notify.js";
import { setBar } from "../progress.js";
import { Board } from "./board.js";
import { hear, tab as own, tell, whenEnded } from "./channel.js";
import { findLeft, goOn } from "./left.js";
import { MARK } from "./mark.js";
import { mainWord, note, turns } from "./said.js";
import { ACTIVE } from "./transfer.js";

// After a tab has ended the page that comes next in it, if one does, goes on first, then the tab that somebody looks at.
const LOOK_MS = 1500, LOOK_UNSEEN_MS = 5000, AGAIN_MS = 15_000, CALLED_MS = 700;
const section = document.getElementById("sent");
const list = section.querySelector("ul");
// On the page of jobs it has its room from the beginning, or none (room.js); what comes later waits behind a line there.
const none = section.querySelector(".sent-none");
const news = document.getElementById("sent-news");
// The upload page has rows of its own for what it sends, and goes on with its own list.
const isUploadPage = Boolean(document.getElementById("transfers"));
const board = new Board();
const rows = new Map();
const states = new Map();
let timer = 0;
// Somebody has to do something.
const isStuck = ({ state }) => ["failed", "left", "lost"].includes(state);

export function heard(message) {
  if (message.isClosed) return ended(message.tab);
  if (!message.files) return undefined;
  if (board.hear(message) && message.tab !== own) whenEnded(message.tab, () => ended(message.tab));
  return draw(!message.isAnswer);
}

hear(heard);

function ended(tab) {
  if (!board.end(tab)) return;
  draw();
  lookLater(document.hidden ? LOOK_UNSEEN_MS : LOOK_MS);
}

function lookLater(delay) {
  clearTimeout(timer);
  timer = setTimeout(lookForLeft, delay);
}

// What nobody sends goes on here by itself where the browser allows it; else it is said.
export async function lookForLeft() {
  try {
    const found = await findLeft(board.held);
    const goesOn = await Promise.all(found.map((one) => !isUploadPage && !one.rests && goOn(one, false)));
    board.settle(found.filter((one, number) => !goesOn[number]));
  } catch (error) {
    if (!error.status || error.status >= 500) lookLater(AGAIN_MS);
  }
  draw();
}

// `isNews`: what is not known yet has just begun, and was not merely asked for.
function draw(isNews = false) {
  const { files } = board;
  if (news) makeRoom(files);
  else section.hidden = !files.length;
  for (const [key, row] of rows) if (!files.some((one) => one.key === key)) remove(key, row);
  for (const file of files) show(file);
  list.append(...files.filter((one) => !rows.get(one.key).isConnected).map((one) => rows.get(one.key)));
  announce(files, isNews);
  countUploads({ count: files.filter((one) => !one.hasEnded && ACTIVE.includes(one.state)).length, isStuck: files.some(isStuck) });
}

const room = document.documentElement.dataset;

function makeRoom(files) {
  none.hidden = files.length > 0;
  // What is through stands among the jobs.
  const waiting = room.sent ? [] : files.filter(({ state }) => state !== "done");
  if (waiting.length && document.hidden) giveRoom(waiting.length);
  news.hidden = !waiting.length || document.hidden;
  news.textContent = fill(words.newUploads, { count: waiting.length });
  news.onclick = () => {
    giveRoom(waiting.length);
    section.querySelector("[tabindex]").focus();
  };
}

function giveRoom(count) {
  room.sent = Math.min(count, 3);
  news.hidden = true;
}

function remove(key, row) {
  const hadFocus = row.contains(document.activeElement);
  row.remove();
  rows.delete(key);
  if (hadFocus) section.closest("[tabindex]")?.focus();
}

function make(key) {
  const row = document.getElementById("sent-row").content.firstElementChild.cloneNode(true);
  const title = row.querySelector(".transfer-file");
  title.id = `sent-${key.replace(" ", "-")}`;
  for (const button of row.querySelectorAll("button, a")) button.setAttribute("aria-describedby", title.id);
  rows.set(key, row);
  return row;
}

function show(file) {
  const row = rows.get(file.key) ?? make(file.key);
  const find = (name) => row.querySelector(`.transfer-${name}`);
  row.classList.toggle("refused", isStuck(file));
  find("file").textContent = file.name;
  row.querySelector(".progress").setAttribute("aria-label", file.name);
  setBar(row.querySelector(".progress"), file.percent);
  find("note").textContent = file.state === "left" ? `${Math.floor(file.percent)} %\u00a0· ${note(file)}` : note(file);
  find("here").hidden = file.tab !== own || isUploadPage;
  find("open").hidden = file.state !== "done";
  find("open").href = `/lessons/${file.lesson}`;
  const mayGoOn = file.state === "left" ? Boolean(file.handle) && !isUploadPage : !file.hasEnded;
  find("main").textContent = mainWord(file.state);
  find("main").hidden = !mayGoOn || !find("main").textContent;
  find("main").onclick = () => press(file);
  find("there").hidden = !(file.state === "lost" || (file.state === "left" && !mayGoOn)) || isUploadPage;
  find("call").hidden = file.tab === own || file.hasEnded || file.state === "done";
  find("call").onclick = () => showTab(file);
}

async function press(file) {
  if (file.state !== "left") return tell({ to: file.tab, number: file.number });
  if (!(await goOn(file, true))) location.assign("/");
  return draw();
}

// A tab that was opened from that one may bring it to the front; else it is marked, and we say how.
function showTab({ tab, tabName }) {
  const { opener } = window;
  if (opener && !opener.closed && opener.name === tabName) window.open("", tabName);
  tell({ to: tab, isCalled: true });
  setTimeout(() => !document.hidden && document.hasFocus() && say(fill(words.itsTab, { mark: MARK }), "calm"), CALLED_MS);
}

function announce(files, isNews) {
  const turned = files.filter((file) => hasTurned(file, isNews));
  if (turned.some(({ state }) => state === "done")) document.dispatchEvent(new Event("ppi:begun"));
  const stuck = turned.filter(isStuck);
  for (const said of turns(stuck)) {
    notify(words.uploadStopped, said, stuck[0].key);
    say(said);
  }
  for (const said of turns(turned.filter(({ state }) => state === "done"))) say(said, "good");
  const others = turns(turned.filter((one) => !isStuck(one) && one.state !== "done"));
  if (others.length) document.getElementById("sent-said").textContent = others.join(" ");
}

function hasTurned(file, isNews) {
  // A file has its number from the server only after a while.
  const before = states.get(file.id) ?? states.get(file.key);
  for (const one of [file.id, file.key]) if (one) states.set(one, file.state);
  return (before !== undefined || isNews) && before !== file.state && !(isUploadPage && file.tab === own);
}
