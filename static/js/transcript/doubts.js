// Doubtful words one after the other, from where the recording stands.

// A word is heard with what comes right before it.
const LEAD_S = 0.5;

export function openDoubts(words, player) {
  const button = document.getElementById("next-doubt");
  let last = null;

  function doubtful() {
    return words.all().filter((span) => span.classList.contains("doubtful"));
  }

  function refresh() {
    button.disabled = doubtful().length === 0;
  }

  function go(step) {
    const found = doubtful();
    if (!found.length) return;
    const here = last?.isConnected ? found.indexOf(last) : found.findIndex((span) => Number(span.dataset.t) >= player.at()) - step;
    last = found.at((here + step + found.length) % found.length);
    last.closest(".segment").scrollIntoView({ block: "center" });
    player.seek(Number(last.dataset.t) - LEAD_S);
  }

  refresh();
  return { go, refresh };
}
