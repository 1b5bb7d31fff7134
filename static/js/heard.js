// A transcription under way: the newest lines follow while somebody looks.
import { keepFocus } from "./focus.js";

const AGAIN_MS = 10_000;

const heard = document.getElementById("heard");

async function renew() {
  if (document.hidden) return;
  const answer = await fetch(heard.dataset.address, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body.childNodes;
  keepFocus(heard, () => heard.replaceChildren(...fresh));
}

setInterval(renew, AGAIN_MS);
