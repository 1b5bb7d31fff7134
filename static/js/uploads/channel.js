// What the tabs of one person tell each other of uploads. Nothing of it goes over the network.
//
// The account is a part of every name in watch.js and here: who logs in after somebody else in the same browser hears nothing of
// their files. A page gives the tabs half a second to answer before what nobody sends counts as left behind.
import { account, channel } from "./watch.js";

export const tab = [...crypto.getRandomValues(new Uint32Array(2))].join("-");
const listeners = new Set();
const lockOf = (one) => `ppi-tab-${account}-${one}`;
const ASK_MS = 20_000;

export function hear(listener) {
  listeners.add(listener);
}

// To all tabs, this one too.
export function tell(message) {
  const whole = { ...message, tab };
  channel?.postMessage(whole);
  listeners.forEach((listener) => listener(whole));
}

channel?.addEventListener("message", ({ data }) => listeners.forEach((listener) => listener(data)));

// From now on others learn when this tab ends: it holds a lock as long as it lives, so a crash is noticed too.
export const live = () => new Promise((resolve) => {
  addEventListener("pagehide", () => tell({ isClosed: true }));
  if (!navigator.locks) return resolve();
  return navigator.locks.request(lockOf(tab), () => (resolve(), new Promise(() => {})));
});

// Call `act` once when the tab `one` has ended. Pages without HTTPS have no locks: there it has to answer now and then.
export function whenEnded(one, act) {
  if (navigator.locks) return void navigator.locks.request(lockOf(one), { mode: "shared" }, () => void act());
  let hasAnswered = true;
  hear((message) => { hasAnswered ||= message.tab === one && !message.isClosed; });
  const timer = setInterval(() => {
    if (!hasAnswered) return act(clearInterval(timer));
    hasAnswered = false;
    return tell({ isAsking: true });
  }, ASK_MS);
}
