// The words of the page in order of time: which one is spoken when, and lighting it.

export function openWords(list) {
  let spans = [];
  let starts = [];
  let lit = -1;

  function refresh() {
    spans[lit]?.classList.remove("lit");
    spans = [...list.querySelectorAll(".text > span")];
    starts = spans.map((span) => Number(span.dataset.t));
    lit = -1;
  }

  // The last word that begins before this moment, found by halving; -1 before the first.
  function at(time) {
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (starts[middle] <= time) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  function segmentOf(place) {
    return spans[place]?.closest(".segment");
  }

  // Answers the segment when another one begins.
  function light(time) {
    const place = at(time + 0.02);
    if (place === lit) return null;
    const before = segmentOf(lit);
    const now = segmentOf(place);
    spans[lit]?.classList.remove("lit");
    spans[place]?.classList.add("lit");
    lit = place;
    if (before === now) return null;
    list.querySelectorAll(".segment.now").forEach((segment) => segment.classList.remove("now"));
    now?.classList.add("now");
    return now;
  }

  refresh();
  return { refresh, light, at, all: () => spans, segmentNow: () => segmentOf(lit), list };
}
