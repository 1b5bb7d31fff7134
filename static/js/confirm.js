// The question before something is taken away, which says what it is about.
import { Modal } from "../vendor/bootstrap/dialogs.js";

// `confirm` says what happens, `name` to what; `title` and `yes` are words of the dialog. Answers whether it shall be done.
export function ask({ confirm, name = "", title, yes }) {
  const part = (id) => document.getElementById(`confirm${id}`);
  part("-text").textContent = confirm;
  part("-name").textContent = name;
  for (const [one, text] of [[part("-yes"), yes], [part("-title"), title]]) {
    one.dataset.usual ||= one.textContent;
    one.textContent = text || one.dataset.usual;
  }
  const modal = Modal.getOrCreateInstance(part(""));
  const back = makeRoom();
  return new Promise((resolve) => {
    let isMeant = false;
    part("-yes").onclick = () => {
      isMeant = true;
      resolve(true);
      modal.hide();
    };
    part("").addEventListener("hidden.bs.modal", () => {
      resolve(false);
      if (!isMeant) back();
    }, { once: true });
    modal.show();
  });
}

// Of two open dialogs the lower one would hold the focus: the one that asks goes, and comes again when nothing is to be done.
function makeRoom() {
  const below = document.querySelector(".modal.show");
  const asked = document.activeElement;
  if (!below) return () => {};
  Modal.getInstance(below).hide();
  return () => {
    below.addEventListener("shown.bs.modal", () => asked.focus(), { once: true });
    Modal.getInstance(below).show();
  };
}
