// Every page hears what the tabs of its person send. More is loaded only when there is something to show.
import { begun } from "./begun.js";
import { account, hear, tell } from "./channel.js";

// So long do the other tabs have to answer before what nobody sends counts as left behind.
const WAIT_MS = 500;
let showing = null;
const show = () => (showing ??= import("./shown.js"));

export function watchUploads() {
  if (!account) return;
  hear((message) => (message.files || message.isClosed) && show().then(({ heard }) => heard(message)));
  tell({ isAsking: true });
  if (begun().length) setTimeout(() => show().then(({ lookForLeft }) => lookForLeft()), WAIT_MS);
}
