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
  return new Promise((resolve) => {
    part("-yes").onclick = () => {
      resolve(true);
      modal.hide();
    };
    part("").addEventListener("hidden.bs.modal", () => resolve(false), { once: true });
    modal.show();
  });
}
