// Buttons that only scripts can serve are pressed before the scripts are there: the last press is kept, and done then.
// A plain script, so that it runs before the page is shown; the modules have run when DOMContentLoaded is told.
{
  let pressed = null;
  const held = new Set();
  const keep = (event) => {
    const button = event.target.closest("button");
    if (!button || (button.form && button.type === "submit")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    pressed = button;
    button.setAttribute("aria-busy", "true");
    held.add(button);
  };
  const release = () => {
    document.removeEventListener("click", keep, true);
    for (const waiting of held) waiting.removeAttribute("aria-busy");
    pressed?.click();
  };
  document.addEventListener("click", keep, true);
  document.addEventListener("DOMContentLoaded", release, { once: true });
}
