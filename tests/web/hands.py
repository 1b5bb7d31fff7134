"""Somebody who has no mouse: goes through pages with the keys alone, and looks at every stop whether it is seen."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

# What is wrong with where the focus is: nothing when it is on the page itself. A control whose own box cannot be seen is
# judged by what frames it. Of a part that scrolls some of it is enough.
SEEN = """() => {
  const one = document.activeElement;
  if (!one || one === document.body || one === document.documentElement) return "";
  const told = `${one.outerHTML.slice(0, 160)} at ${location.pathname}: `;
  const hasRing = (box) => {
    const look = getComputedStyle(box);
    return (look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 2) || look.outlineStyle === "auto";
  };
  const isTiny = (box) => box.getBoundingClientRect().width < 4 || getComputedStyle(box).opacity === "0";
  let frame = one;
  while (isTiny(frame) && frame.parentElement) frame = frame.parentElement;
  // Chromium frames the buttons of its own player by itself.
  const isInPlayer = one.controls && !one.matches(":focus-visible");
  if (!hasRing(frame) && one.id !== "main" && !isInPlayer) return `${told}nothing shows that it has the focus`;
  const box = frame.getBoundingClientRect();
  const left = Math.max(box.left, 0), right = Math.min(box.right, innerWidth);
  const top = Math.max(box.top, 0), bottom = Math.min(box.bottom, innerHeight);
  if (right - left < 1 || bottom - top < 1) return `${told}outside of the window, ${JSON.stringify(box)}`;
  const isHit = (x, y) => {
    const hit = document.elementFromPoint(left + (right - left) * x, top + (bottom - top) * y);
    return hit && (frame.contains(hit) || hit.contains(frame) && getComputedStyle(hit).position !== "sticky");
  };
  const isOpen = [0.1, 0.3, 0.5, 0.7, 0.9].some((x) => [0.2, 0.5, 0.8].some((y) => isHit(x, y)));
  if (!isOpen) return `${told}something lies over it`;
  // A ring that is cut off on all sides is none.
  const offset = parseFloat(getComputedStyle(frame).outlineOffset) + parseFloat(getComputedStyle(frame).outlineWidth);
  const ring = { left: box.left - offset, right: box.right + offset, top: box.top - offset, bottom: box.bottom + offset };
  for (let around = frame.parentElement; around; around = around.parentElement) {
    if (getComputedStyle(around).overflow === "visible" || around === document.documentElement) continue;
    const edge = around.getBoundingClientRect();
    const isWhole = [ring.left >= edge.left - 1, ring.right <= edge.right + 1, ring.top >= edge.top - 1,
      ring.bottom <= edge.bottom + 1];
    if (offset > 0 && !isWhole.some(Boolean)) return `${told}its ring is cut off by ${around.outerHTML.slice(0, 80)}`;
  }
  return "";
}"""


class Hands:
    """Keys of one page. Each stop of the tab key is looked at; what is wrong there stops the test."""

    def __init__(self, page: Page):
        self.page = page
        # As long as somebody listens, no window to choose a file opens by itself.
        page.on("filechooser", lambda chooser: None)

    def press(self, key: str, times: int = 1) -> None:
        for _ in range(times):
            self.page.keyboard.press(key)

    def to(self, role: str, name: str | re.Pattern, most: int = 60, back: bool = False) -> None:
        """Press the tab key until the control of this role and name has the focus, at most so often."""
        self.find(self.one(role, name), f"{role} {name!r}", most, back)

    def one(self, role: str, name: str | re.Pattern):
        """A control by role and name; with the role "field" whatever has this label: fields for passwords have no role."""
        is_exact = isinstance(name, str)
        if role == "field":
            return self.page.get_by_label(name, exact=is_exact)
        return self.page.get_by_role(role, name=name, exact=is_exact)

    def find(self, wanted, told: str, most: int = 60, back: bool = False) -> None:
        passed = []
        for _ in range(most):
            if wanted.evaluate_all("all => all.includes(document.activeElement)"):
                return
            self.page.keyboard.press("Shift+Tab" if back else "Tab")
            fault = self.fault()
            assert fault == "", fault
            passed.append(self.page.evaluate("document.activeElement.outerHTML.slice(0, 90)"))
        raise AssertionError(f"{told} was not reached at {self.page.url}; passed were {passed}")

    def fault(self) -> str:
        """What is wrong with where the focus is now; pages scroll to it gently, which takes a moment, on long ones seconds."""
        for _ in range(100):
            if not (found := self.page.evaluate(SEEN)):
                break
            self.page.wait_for_timeout(50)
        return found

    def do(self, role: str, name: str | re.Pattern, key: str = "Enter", **how) -> None:
        """Go there and press it."""
        self.to(role, name, **how)
        self.page.keyboard.press(key)

    def write(self, role: str, name: str | re.Pattern, text: str, **how) -> None:
        """Go to a field and put this in place of what stands in it."""
        self.to(role, name, **how)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def choose_file(self, label: str, path) -> None:
        """The browser's own window to choose a file is no page: it is opened with a key, and answered."""
        self.to("field", label)
        with self.page.expect_file_chooser() as opened:
            self.page.keyboard.press("Space")
        opened.value.set_files(path)

    def skip(self) -> None:
        """Past what stands above every page, unless the focus is in it already."""
        self.page.wait_for_load_state()
        if self.page.evaluate("document.activeElement === document.body"):
            self.do("link", re.compile("^(Skip to the content|Перейти к содержимому)$"), most=3)
        expect(self.page.locator("#main:focus, #main :focus")).to_have_count(1)

    def open(self, path: str) -> None:
        """An address that somebody typed."""
        self.page.goto(path)
        self.skip()

    def is_at(self, role: str, name: str | re.Pattern) -> None:
        """The focus is on this control by itself."""
        expect(self.one(role, name).and_(self.page.locator(":focus"))).to_have_count(1)
