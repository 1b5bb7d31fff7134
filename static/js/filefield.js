// A field for a file speaks the language of the browser, which the page may not: the page's words are laid over it.
import { words } from "./api.js";

function dress(field) {
  const frame = document.createElement("span");
  const button = document.createElement("span");
  const name = document.createElement("span");
  frame.className = "file-field form-control";
  button.className = "file-button";
  name.className = "file-name";
  button.textContent = words.chooseFile;
  for (const part of [button, name]) part.ariaHidden = "true";
  field.before(frame);
  frame.append(button, name, field);
  const show = () => {
    name.textContent = field.files[0]?.name ?? words.noFile;
  };
  field.addEventListener("change", show);
  // Other scripts fill and empty a field while it is disabled, without an event.
  new MutationObserver(show).observe(field, { attributes: true, attributeFilter: ["disabled"] });
  show();
}

export function speakFiles() {
  document.querySelectorAll("input[type=file].form-control").forEach(dress);
}
