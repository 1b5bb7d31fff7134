// The choice of several lessons: what is ticked in the list of those found stands among the chosen, whatever is searched for next.
// Only the chosen are sent; a box of the list shows whether its lesson is one of them.

for (const place of document.querySelectorAll(".choosing")) {
  const finder = place.querySelector(".finder");
  const list = place.querySelector(".chosen-lessons .picks");
  const found = () => [...finder.querySelectorAll(".picks input")];
  const boxes = () => [...list.querySelectorAll("input")];
  const boxOf = (lesson) => boxes().find((box) => box.value === lesson);

  function choose(box) {
    const known = boxOf(box.value);
    if (known) {
      known.checked = box.checked;
    } else if (box.checked) {
      const row = box.closest("li").cloneNode(true);
      const copy = row.querySelector("input");
      copy.name = "lessons";
      copy.checked = true;
      copy.id = `chosen-${copy.value}`;
      row.querySelector("label").htmlFor = copy.id;
      list.append(row);
    }
  }

  function mirror() {
    for (const box of found()) {
      box.removeAttribute("name");
      box.disabled = false;
      box.checked = Boolean(boxOf(box.value)?.checked);
    }
    place.querySelector(".chosen-count").textContent = boxes().filter((box) => box.checked).length;
  }

  function chooseAll() {
    for (const box of found()) {
      box.checked = true;
      choose(box);
    }
    mirror();
  }

  place.addEventListener("change", (event) => {
    if (event.target.type !== "checkbox") return;
    if (finder.contains(event.target)) choose(event.target);
    mirror();
  });
  finder.addEventListener("found", mirror);
  finder.addEventListener("click", (event) => {
    if (!event.target.closest("button[name=all]")) return;
    event.preventDefault();
    chooseAll();
  });
  // Ticked before this script was there.
  for (const box of found()) if (box.checked && !box.disabled) choose(box);
  mirror();
}
