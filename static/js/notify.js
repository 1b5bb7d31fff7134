// A word from the browser when a job of one's own has ended. Asked for with a click, told only while nobody looks at the page.
import { say, words } from "./api.js";

const KEY = "tell-ended";

// Pages without HTTPS have no such messages, and phones take them only from installed pages.
export const canTell = "Notification" in window && window.isSecureContext;
export const isWanted = () => canTell && Notification.permission === "granted" && localStorage.getItem(KEY) === "1";

// Switch it on (asking the browser's leave) or off again; answers whether it is on.
export async function switchTelling() {
  const isOn = !isWanted() && (await Notification.requestPermission()) === "granted";
  if (!isOn && Notification.permission !== "granted") say(words.mayNotTell);
  localStorage.setItem(KEY, isOn ? "1" : "");
  return isOn;
}

// `tag` keeps several open pages from saying it several times.
export function tell(title, body, tag) {
  if (!isWanted() || !document.hidden) return;
  try {
    new Notification(title, { body, tag });
  } catch {
    localStorage.setItem(KEY, "");
  }
}
