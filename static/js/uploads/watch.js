// All that a page loads before there is an upload to show.
import { late } from "../api.js";

export const account = document.querySelector("meta[name=account]")?.content ?? "";
export const channel = account && "BroadcastChannel" in window ? new BroadcastChannel(`ppi-uploads-${account}`) : null;
export const BEGUN = `ppi-begun ${account} `;
const WAIT_MS = 500;

export function watchUploads() {
  if (!account) return;
  const show = () => late(import("./shown.js"));
  const onMessage = ({ data }) => {
    if (!data.files) return;
    channel.removeEventListener("message", onMessage);
    show().then((shown) => (shown ? shown.heard(data) : channel.addEventListener("message", onMessage)));
  };
  channel?.addEventListener("message", onMessage);
  channel?.postMessage({ isAsking: true });
  // `room.js` may have seen what another page has just found to be over.
  const mayLie = document.documentElement.dataset.sent || Object.keys(localStorage).some((key) => key.startsWith(BEGUN));
  if (mayLie) setTimeout(() => show().then((shown) => shown?.lookForLeft()), WAIT_MS);
}
