// Time codes play the recording of the page: elements with data-seek, and ?t= in the address (seconds).

const player = document.getElementById("player");

export function seek(seconds) {
  player.currentTime = seconds;
  player.scrollIntoView({ block: "nearest" });
}

if (player) {
  const asked = Number.parseFloat(new URLSearchParams(location.search).get("t"));
  if (asked >= 0) seek(asked);
  // Without this the link opens the lesson's page at the moment.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-seek]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    seek(Number(link.dataset.seek));
    player.play();
  });
}
