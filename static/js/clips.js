// Samples: a click or Enter on a key frame plays the clip in its place. Without this the link opens the clip.

let playing = null;

function back() {
  if (!playing) return;
  playing.video.replaceWith(playing.link);
  playing = null;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a.clip");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  back();
  const video = document.createElement("video");
  video.controls = true;
  video.src = link.href;
  video.poster = link.querySelector("img").src;
  video.setAttribute("aria-label", link.getAttribute("aria-label"));
  video.addEventListener("keydown", (key) => {
    if (key.key !== "Escape") return;
    const { link: of } = playing;
    back();
    of.focus();
  });
  playing = { link, video };
  link.replaceWith(video);
  video.focus();
  video.play().catch(() => {});
});
