// What annotators marked: a lane for each of them, a button for each mark, and the same as a table.
import { fill } from "../api.js";
import { timeCode } from "./times.js";

const ROW_REM = 1.9;

export function openLanes(strip, table, found, { duration, phrases, onPlay, onPoint }) {
  const buttons = new Map();
  const told = (mark, name) => fill(phrases.mark, { pattern: mark.pattern, name, start: timeCode(mark.start_s, 1), end: timeCode(mark.end_s, 1) });

  for (const lane of found.lanes) strip.append(laneOf(lane));
  table.addEventListener("toggle", () => fillTable(), { once: true });

  function laneOf({ annotator, marks }) {
    const lane = made("div", "lane");
    const rows = made("div", "marks");
    rows.setAttribute("role", "group");
    rows.setAttribute("aria-label", fill(phrases.annotator, { name: annotator }));
    lane.append(made("span", "who", fill(phrases.annotator, { name: annotator })), rows);
    const ends = [];
    rows.append(...marks.map((mark, place) => {
      const button = markOf(mark, annotator);
      button.tabIndex = place ? -1 : 0;
      const free = ends.findIndex((end) => end <= mark.start_s);
      const row = free < 0 ? ends.length : free;
      ends[row] = mark.end_s;
      button.style.top = `${row * ROW_REM}rem`;
      return button;
    }));
    rows.style.height = `${Math.max(1, ends.length) * ROW_REM}rem`;
    rows.addEventListener("keydown", walk);
    return lane;
  }

  function markOf(mark, name) {
    const button = made("button", "mark");
    button.type = "button";
    button.append(made("span", "", mark.pattern));
    button.setAttribute("aria-label", told(mark, name));
    button.style.left = `${(100 * mark.start_s) / duration}%`;
    button.style.width = `${(100 * (mark.end_s - mark.start_s)) / duration}%`;
    button.style.setProperty("--mark", colourOf(found.places[mark.pattern]));
    button.addEventListener("click", () => onPlay(mark));
    for (const kind of ["focus", "pointerenter"]) button.addEventListener(kind, () => onPoint(told(mark, name)));
    buttons.set(button, mark);
    return button;
  }

  // One stop of the tab key for a lane; arrows go from mark to mark.
  function walk(event) {
    const all = [...event.currentTarget.children];
    const here = all.indexOf(event.target);
    const place = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: all.length - 1 }[event.key];
    if (here < 0 || place === undefined) return;
    event.preventDefault();
    const next = all[Math.min(Math.max(place, 0), all.length - 1)];
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  function fillTable() {
    const rows = found.lanes.flatMap(({ annotator, marks }) => marks.map((mark) => [mark, annotator]));
    table.querySelector("tbody").append(...rows.map(([mark, name]) => {
      const row = document.createElement("tr");
      const button = made("button", "btn btn-sm btn-quiet", phrases.play);
      button.type = "button";
      button.setAttribute("aria-label", fill(phrases.playMark, { mark: told(mark, name) }));
      button.addEventListener("click", () => onPlay(mark));
      for (const text of [mark.pattern, name, timeCode(mark.start_s, 1), timeCode(mark.end_s, 1)]) row.append(made("td", "", text));
      row.append(made("td", "text-end"));
      row.lastChild.append(button);
      return row;
    }));
  }

  // The mark that is chosen to be played stands out.
  function show(interval) {
    for (const [button, mark] of buttons) {
      const isChosen = interval && mark.start_s === interval.start && mark.end_s === interval.end;
      if (isChosen) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  }

  return { show };
}

export function legendOf(found) {
  return Object.entries(found.places).map(([pattern, place]) => {
    const item = made("li", "", "");
    const chip = made("span", "chip-mark");
    chip.style.setProperty("--mark", colourOf(place));
    item.append(chip, pattern);
    return item;
  });
}

// A token, so that the colour changes with the theme.
function colourOf(place) {
  return `var(--ppi-lane-${place})`;
}

function made(kind, className, text = "") {
  return Object.assign(document.createElement(kind), { className, textContent: text });
}
