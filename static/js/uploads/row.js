// A chosen file as a row of the list: before it is sent, on its way, and afterwards.
import { fill, words } from "../api.js";
import { clock, setBar } from "../progress.js";
import { shownSize, shownSpeed } from "../sizes.js";

const MAIN_WORDS = { connecting: "pause", sending: "pause", away: "pause", waits: "pause", paused: "resume", failed: "tryAgain" };

export class Row {
  constructor(file, { onMain, onAway }) {
    this.element = document.getElementById("upload-row").content.firstElementChild.cloneNode(true);
    this.find(".transfer-file").textContent = file.name;
    this.find(".transfer-size").textContent = shownSize(file.size);
    this.find(".progress").setAttribute("aria-label", file.name);
    for (const button of this.element.querySelectorAll("button")) button.setAttribute("aria-describedby", this.#id());
    this.find(".transfer-main").addEventListener("click", onMain);
    this.find(".transfer-away").addEventListener("click", onAway);
  }

  find(selector) {
    return this.element.querySelector(selector);
  }

  get name() {
    return this.find(".transfer-name").value;
  }

  set name(text) {
    this.find(".transfer-name").value = text;
  }

  // Before it is sent. `reason` says why it cannot be.
  showChosen({ reason, isNamed, isContinued }) {
    this.element.classList.toggle("refused", Boolean(reason));
    this.find(".transfer-named").hidden = !isNamed || Boolean(reason) || isContinued;
    this.find(".transfer-note").textContent = reason || (isContinued ? words.continued : "");
    this.find(".transfer-away").textContent = words.remove;
  }

  show(transfer) {
    const { state } = transfer;
    this.element.classList.toggle("refused", state === "failed");
    this.find(".transfer-named").hidden = true;
    this.find(".progress").hidden = false;
    setBar(this.find(".progress"), (100 * transfer.sentBytes) / transfer.file.size);
    this.find(".transfer-note").textContent = note(transfer);
    const main = this.find(".transfer-main");
    main.hidden = !(state in MAIN_WORDS);
    main.textContent = words[MAIN_WORDS[state]] ?? "";
    this.find(".transfer-away").textContent = words.cancel;
    this.find(".transfer-away").hidden = state === "done";
    this.find(".transfer-open").hidden = state !== "done";
    this.find(".transfer-open").href = `/lessons/${transfer.lesson}`;
  }

  #id() {
    const title = this.find(".transfer-file");
    title.id ||= `transfer-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
    return title.id;
  }
}

function note(transfer) {
  const { state, pace, file, sentBytes, reason } = transfer;
  if (state === "sending") {
    const left_s = pace.secondsFor(file.size - sentBytes);
    const parts = [`${Math.floor((100 * sentBytes) / file.size)} %`];
    if (left_s !== null) parts.push(shownSpeed(pace.bytesPerSecond), fill(words.left, { time: clock(left_s) }));
    return parts.join(" · ");
  }
  if (state === "away") return reason || words.noNetwork;
  if (state === "failed") return fill(words.notSent, { reason });
  return { waits: words.waits, connecting: words.connecting, paused: words.paused, done: words.sent }[state] ?? "";
}
