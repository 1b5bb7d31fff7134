// Every page hears what the tabs of its person send: all that it loads before there is something to show.
//
// The account is a part of every name here: who logs in after somebody else in the same browser hears nothing of their files.
export const account = document.querySelector("meta[name=account]")?.content ?? "";
export const channel = account && "BroadcastChannel" in window ? new BroadcastChannel(`ppi-uploads-${account}`) : null;
export const BEGUN = `ppi-begun ${account} `;
// So long do the other tabs have to answer before what nobody sends counts as left behind.
const WAIT_MS = 500;

export function watchUploads() {
  if (!account) return;
  const show = () => import("./shown.js");
  const onMessage = ({ data }) => {
    if (!data.files) return;
    channel.removeEventListener("message", onMessage);
    show().then(({ heard }) => heard(data));
  };
  channel?.addEventListener("message", onMessage);
  channel?.postMessage({ isAsking: true });
  if (Object.keys(localStorage).some((key) => key.startsWith(BEGUN))) setTimeout(() => show().then(({ lookForLeft }) => lookForLeft()), WAIT_MS);
}
