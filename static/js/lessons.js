// The list of lessons: all of a page are chosen with one press, and how many are chosen is said.
const form = document.getElementById("chosen-lessons");
const all = document.getElementById("choose-all");
const count = document.getElementById("chosen-count");

function tell() {
  const boxes = [...form.querySelectorAll(".choose")];
  const chosen = boxes.filter((box) => box.checked).length;
  all.checked = chosen === boxes.length;
  all.indeterminate = chosen > 0 && !all.checked;
  count.hidden = !chosen;
  count.firstElementChild.textContent = chosen;
}

if (form) {
  form.addEventListener("change", ({ target }) => {
    if (target === all) for (const box of form.querySelectorAll(".choose")) box.checked = all.checked;
    tell();
  });
  // The browser keeps what was ticked when somebody comes back to the page.
  addEventListener("pageshow", tell);
}
