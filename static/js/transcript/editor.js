// Corrections in place: one segment at a time becomes a field that saves itself; undo and redo; two editors at once.
import { call, fill, say, words } from "../api.js";
import { allow } from "../focus.js";

const DELAY_MS = 1200;
const AGAIN_MS = 4000;

export function openEditor(list, page, phrases, onChanged) {
  const address = `/api/lessons/${page.dataset.lesson}/transcript`;
  const told = document.getElementById("saving");
  const buttons = { undo: document.getElementById("undo"), redo: document.getElementById("redo") };
  let version = Number(page.dataset.version);
  let field = null;
  let timer = 0;
  let sending = Promise.resolve();
  let waiting = 0;

  const tell = (text, isBad = false) => {
    told.textContent = text;
    told.classList.toggle("bad", isBad);
  };
  // Captions without times of words: said once, not at every word.
  const isShared = list.classList.contains("times-shared");
  const toPencil = (segment) => segment.querySelector(".pencil").focus();
  const segmentAt = (place) => document.getElementById(`s${place}`);
  const textOf = (segment) => segment.querySelector(".text").textContent.trim().replace(/\s+/g, " ");

  // --- what the server answered
  function take(found) {
    if (!found.segments || Object.keys(found.segments).some((place) => !segmentAt(place))) return location.reload();
    version = found.version;
    allow(buttons.undo, found.undo);
    allow(buttons.redo, found.redo);
    document.getElementById("edited-note").hidden = !found.edited;
    for (const [place, given] of Object.entries(found.segments)) segmentAt(place).dataset.speaker = given.speaker;
    for (const [place, given] of Object.entries(found.segments)) if (isOther(segmentAt(place), given)) draw(segmentAt(place), given);
    onChanged();
    return null;
  }

  const looks = (word) => isShared ? "" : [word[4] && "doubtful", word[5]].filter(Boolean).join(" ");

  function isOther(segment, given) {
    const spans = [...segment.querySelectorAll(".text > span")].map((span) => span.className.replace(/ ?\b(lit|hit|here)\b/g, "").trim());
    return textOf(segment) !== given.text || segment.classList.contains("is-doubtful") !== given.doubts.length > 0
      || spans.join() !== given.words.map(looks).join() || Boolean(segment.querySelector(".checked")) !== given.checked;
  }

  // Why a word is marked.
  function why(word) {
    const told = word[5].split(" ").filter(Boolean).map((name) => phrases[name]);
    return [...(word[4] ? [fill(phrases.doubt, { percent: Math.floor(word[3] * 100) })] : []), ...told].join("; ");
  }

  function draw(segment, given) {
    const text = segment.querySelector(".text");
    text.replaceChildren(...given.words.flatMap((word) => {
      const span = document.createElement("span");
      span.dataset.t = word[2];
      span.textContent = word[1];
      if (looks(word)) {
        span.className = looks(word);
        span.title = why(word);
      }
      return [word[0], span];
    }));
    segment.querySelector(".word-marks")?.remove();
    if (given.marks && !isShared) text.after(Object.assign(document.createElement("p"), { className: "word-marks visually-hidden", textContent: given.marks }));
    document.getElementById("rough").hidden = isShared || !list.querySelector(".shared, .unaligned");
    const before = segment.querySelector(".doubts, .checked");
    const isHere = before?.contains(document.activeElement);
    before?.remove();
    if (isHere) toPencil(segment);
    segment.classList.toggle("is-doubtful", given.doubts.length > 0);
    const told = document.createElement("div");
    if (given.doubts.length) {
      told.className = "doubts";
      told.append(...given.doubts.map((why) => Object.assign(document.createElement("span"), { textContent: why })), rightButton());
    } else if (given.checked) {
      told.className = "checked";
      told.textContent = `✓ ${phrases.checked}`;
    } else return;
    text.after(told);
  }

  function rightButton() {
    return Object.assign(document.createElement("button"), { type: "button", className: "right", textContent: `✓ ${phrases.right}` });
  }

  // --- one field
  function open(segment) {
    if (!segment || field?.closest(".segment") === segment) return field?.focus();
    close();
    if (field) return field.focus();
    const text = segment.querySelector(".text");
    field = document.createElement("textarea");
    field.className = "form-control";
    field.value = field.dataset.saved = textOf(segment);
    field.lang = text.lang || list.lang;
    field.setAttribute("aria-label", fill(phrases.correcting, { time: segment.dataset.at }));
    text.hidden = true;
    text.before(field);
    field.addEventListener("input", later);
    field.addEventListener("keydown", pressed);
    field.addEventListener("blur", (event) => { if (!event.relatedTarget?.closest(".conflict")) close(); });
    field.focus();
    return null;
  }

  function close() {
    if (!field || field.parentElement.querySelector(".conflict")) return;
    const closing = field;
    save(closing);
    closing.parentElement.querySelector(".text").hidden = false;
    field = null;
    closing.remove();
  }

  function later() {
    tell(phrases.typing);
    clearTimeout(timer);
    const typed = field;
    timer = setTimeout(() => save(typed), DELAY_MS);
  }

  function pressed(event) {
    const segment = field.closest(".segment");
    const next = event.key === "Enter" && (event.ctrlKey || event.metaKey) && segment.nextElementSibling;
    if (!["Escape", "Enter"].includes(event.key)) return;
    event.preventDefault();
    close();
    if (next) open(next);
    else if (!field) toPencil(segment);
  }

  // One request at a time, in the order of the typing.
  function save(typed, isAnyway = false) {
    clearTimeout(timer);
    const segment = typed.closest(".segment");
    const text = typed.value;
    if (text === typed.dataset.saved && !isAnyway) return;
    const before = typed.dataset.saved;
    typed.dataset.saved = text;
    tell(phrases.saving);
    inTurn(async () => {
      try {
        take(await call("POST", `${address}/edit`, { version, segment: Number(segment.dataset.place), text }));
        tell(phrases.saved);
      } catch (error) {
        typed.dataset.saved = before;
        tell(fill(phrases.failed, { reason: error.status ? error.message : words.offline }), true);
        if (error.status === 409) await conflict(segment, text);
        else keepTyped(segment, text);
        // A server that is away comes back; what it refused would be refused again.
        if (!error.status || error.status >= 500) timer = setTimeout(() => field && save(field), AGAIN_MS);
      }
    });
  }

  // What could not be saved is shown again, as it was typed.
  function keepTyped(segment, text) {
    const isOpen = field?.closest(".segment") === segment;
    open(segment);
    if (!isOpen) field.value = text;
    field.dataset.saved = textOf(segment);
  }

  async function conflict(segment, text) {
    const theirs = await call("GET", address);
    const given = theirs.segments[segment.dataset.place];
    keepTyped(segment, text);
    if (Object.keys(theirs.segments).length !== list.children.length) return;
    take(theirs);
    field.dataset.saved = given.text;
    segment.querySelector(".conflict")?.remove();
    const box = document.createElement("div");
    box.className = "conflict";
    box.append(phrases.meanwhile, Object.assign(document.createElement("blockquote"), { textContent: given.text }));
    box.append(choice("btn-primary", phrases.keepMine, () => {
      box.remove();
      field.focus();
      save(field, true);
    }), choice("btn-quiet", phrases.takeTheirs, () => {
      box.remove();
      field.value = field.dataset.saved = given.text;
      tell("");
      close();
      toPencil(segment);
    }));
    field.after(box);
  }

  function choice(look, text, act) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: `btn btn-sm ${look}`, textContent: text });
    button.addEventListener("click", act);
    return button;
  }

  function goBack(way) {
    close();
    send(way, () => (buttons[way].disabled ? null : { version }));
  }

  // A person found the segment right as it is, or the word at this place of it.
  function check(segment, word) {
    const given = { segment: Number(segment.dataset.place), ...(word === undefined ? {} : { word }) };
    return send("check", () => ({ version, ...given }));
  }

  // A person says who speaks here, perhaps up to the next change of speakers.
  function giveSpeaker(segment, speaker, isOn) {
    return send("speaker", () => ({ version, segment: Number(segment.dataset.place), speaker, on: isOn }));
  }

  function send(way, given) {
    return inTurn(async () => {
      const body = given();
      if (!body) return;
      try {
        take(await call("POST", `${address}/${way}`, body));
        tell(phrases.saved);
      } catch (error) {
        say(error.message);
        if (error.status === 409) take(await call("GET", address));
      }
    });
  }

  function inTurn(work) {
    waiting += 1;
    sending = sending.then(work).finally(() => { waiting -= 1; });
    return sending;
  }

  // What works without scripts as well: links to a page with a field, and the field.
  for (const link of list.querySelectorAll("a.pencil")) {
    const pencil = Object.assign(document.createElement("button"), { type: "button", className: "pencil" });
    pencil.append(...link.childNodes);
    pencil.setAttribute("aria-label", link.getAttribute("aria-label"));
    link.replaceWith(pencil);
  }
  for (const doubts of list.querySelectorAll(".doubts")) doubts.append(rightButton());
  list.addEventListener("click", (event) => {
    const segment = event.target.closest(".segment");
    if (event.target.closest(".pencil")) open(segment);
    if (event.target.closest(".right")) check(segment);
  });
  addEventListener("beforeunload", (event) => {
    if (field && field.value !== field.dataset.saved) event.preventDefault();
  });
  addEventListener("before-renewal", (event) => {
    if (field || waiting) event.preventDefault();
  });
  buttons.undo.disabled = page.dataset.undo === "0";
  buttons.redo.disabled = page.dataset.redo === "0";
  const asked = list.querySelector("form.editing");
  if (asked) {
    const segment = asked.closest(".segment");
    asked.remove();
    segment.querySelector(".text").hidden = false;
    open(segment);
  }
  return { open, check, giveSpeaker, undo: () => goBack("undo"), redo: () => goBack("redo") };
}
