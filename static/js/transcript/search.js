// Search in the transcript: hits across words, counted, one after the other. Case, ё and punctuation do not matter.
import { fill } from "../api.js";

const DELAY_MS = 150;

export function openSearch(words) {
  const form = document.getElementById("search");
  const field = document.getElementById("find");
  const told = document.getElementById("hits");
  const phrases = JSON.parse(document.getElementById("phrases").textContent);
  let hits = [];
  let here = -1;
  let timer = 0;

  const plain = (text) => text.toLowerCase().replaceAll("ё", "е").replace(/[^\p{L}\p{N}]+/gu, " ").trim();

  // All words in one string, with where in it each begins.
  function find() {
    clearTimeout(timer);
    timer = 0;
    for (const span of hits.flat()) span.classList.remove("hit", "here");
    hits = [];
    here = -1;
    const wanted = plain(field.value);
    if (wanted) hits = positions(wanted);
    for (const span of hits.flat()) span.classList.add("hit");
    tell();
  }

  function positions(wanted) {
    const spans = words.all();
    const begins = [];
    let text = "";
    for (const span of spans) {
      begins.push(text.length);
      text += `${plain(span.textContent)} `;
    }
    const found = [];
    let word = 0;
    for (let place = text.indexOf(wanted); place >= 0; place = text.indexOf(wanted, place + wanted.length)) {
      while (word + 1 < begins.length && begins[word + 1] <= place) word += 1;
      let end = word + 1;
      while (end < begins.length && begins[end] < place + wanted.length) end += 1;
      found.push(spans.slice(word, end));
    }
    return found;
  }

  function tell() {
    told.textContent = !plain(field.value) ? "" : hits.length ? fill(phrases.hits, { number: here + 1, count: hits.length }) : phrases.none;
  }

  function go(step) {
    if (!hits.length) return;
    hits[here]?.forEach((span) => span.classList.remove("here"));
    here = here < 0 && step < 0 ? hits.length - 1 : (here + step + hits.length) % hits.length;
    hits[here].forEach((span) => span.classList.add("here"));
    hits[here][0].closest(".segment").scrollIntoView({ block: "center" });
    tell();
  }

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => { find(); go(1); }, DELAY_MS);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (timer) find();
    go(1);
  });
  document.getElementById("hit-before").addEventListener("click", () => go(-1));
  return { focus: () => { field.focus(); field.select(); }, refresh: find };
}
