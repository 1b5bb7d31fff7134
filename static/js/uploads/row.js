// A chosen file as a row of the list: before it is sent, on its way, and afterwards.
import { words } from "../api.js";
import { setBar } from "../progress.js";
import { shownSize } from "../sizes.js";
import { mainWord, note } from "./said.js";

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
    setBar(this.find(".progress"), transfer.facts.percent);
    this.find(".transfer-note").textContent = note(transfer.facts);
    const main = this.find(".transfer-main");
    main.textContent = mainWord(state);
    main.hidden = !main.textContent;
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
