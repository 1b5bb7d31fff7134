// Who speaks: a passage gets its speaker by a person; names stand where the speaker changes.

export function openSpeakers(list, phrases, give) {
  const pattern = document.getElementById("chooser");
  const speakersNow = () => [...list.children].map((segment) => segment.dataset.speaker).join("\n");
  let told = speakersNow();
  let form = null;

  const names = () => [...new Set([...list.children].map((segment) => segment.dataset.speaker).filter(Boolean))];

  // --- what the page says of speakers
  function refresh() {
    let before = "";
    for (const segment of list.children) {
      const { speaker } = segment.dataset;
      showName(segment, speaker && speaker !== before ? speaker : "");
      before = speaker;
    }
    document.getElementById("with-speakers")?.toggleAttribute("hidden", !names().length);
    renewPanel();
  }

  function showName(segment, name) {
    let about = segment.querySelector(".about");
    if ((about?.querySelector("b")?.textContent ?? "") === name) return;
    about?.querySelector("b")?.remove();
    if (name) {
      if (!about) segment.querySelector(".body").prepend(about = Object.assign(document.createElement("div"), { className: "about" }));
      about.prepend(Object.assign(document.createElement("b"), { textContent: name }), " ");
    } else if (!about.children.length) about.remove();
  }

  // Shares of speech, and the fields for names; not while somebody writes in one of them.
  async function renewPanel() {
    const now = speakersNow();
    if (now === told || document.getElementById("speakers").contains(document.activeElement)) return;
    told = now;
    const answer = await fetch("?part=speakers", { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer?.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("speakers");
    document.getElementById("speakers").replaceWith(fresh);
  }

  // --- choosing
  function open(segment) {
    if (!segment) return;
    close();
    form = pattern.content.firstElementChild.cloneNode(true);
    form.setAttribute("aria-label", phrases.who.replace("{time}", segment.dataset.at));
    const people = form.querySelector(".people");
    const offered = [...people.children].map((button) => button.value);
    people.replaceChildren(...[...new Set([...names(), ...offered])].map((name) => person(name, segment.dataset.speaker === name)));
    form.addEventListener("submit", chosen);
    form.addEventListener("keydown", pressed);
    form.querySelector(".ends a").addEventListener("click", (event) => {
      event.preventDefault();
      leave();
    });
    segment.querySelector(".text").before(form);
    (people.querySelector("[aria-pressed=true]") ?? people.firstElementChild).focus();
    form.scrollIntoView({ block: "nearest" });
  }

  function person(name, isNow) {
    const button = Object.assign(document.createElement("button"), { className: "btn btn-sm btn-quiet", name: "known", value: name, textContent: name, formNoValidate: true });
    button.setAttribute("aria-pressed", isNow);
    return button;
  }

  function chosen(event) {
    event.preventDefault();
    const isKnown = event.submitter?.name === "known";
    const name = isKnown ? event.submitter.value : form.elements.speaker.value.trim();
    const [segment, isOn] = [form.closest(".segment"), form.elements.on.checked];
    leave();
    give(segment, name, isOn);
  }

  function pressed(event) {
    if (event.key === "Escape") leave();
    const number = event.target.matches("input") ? NaN : Number(event.key);
    const button = number > 0 ? form?.querySelectorAll(".people button")[number - 1] : null;
    if (!button) return;
    event.preventDefault();
    form.requestSubmit(button);
  }

  function close() {
    form?.remove();
    form = null;
  }

  function leave() {
    const segment = form?.closest(".segment");
    close();
    segment?.querySelector(".who").focus();
  }

  // What works without scripts as well: links to a page with the form.
  for (const link of list.querySelectorAll("a.who")) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "who" });
    button.setAttribute("aria-label", link.getAttribute("aria-label"));
    button.title = link.getAttribute("aria-label");
    button.append(...link.childNodes);
    link.replaceWith(button);
  }
  list.addEventListener("click", (event) => {
    if (event.target.closest(".who")) open(event.target.closest(".segment"));
  });
  addEventListener("before-renewal", (event) => {
    if (form) event.preventDefault();
  });
  const asked = list.querySelector("form.choosing")?.closest(".segment");
  if (asked) {
    asked.querySelector("form.choosing").remove();
    open(asked);
  }
  return { open, refresh };
}
