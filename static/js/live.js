// What is under way, told by the server (server-sent events) while somebody looks, else asked for.
//
// A browser opens only six connections to a server, for all its tabs: a page that nobody looks at asks now and then instead.
import { call } from "./api.js";

const ASK_MS = 1500, ASK_UNSEEN_MS = 5000, AGAIN_MS = 3000, NEXT_STREAM_MS = 60_000;
const followers = new Set();
let stream = null;
let timer = 0;
let streamAfterMs = 0;

// `onJobs` gets the jobs under way, `onAway` is called while the server does not answer, `onEnd` when it lets nobody in any more.
// Answers a function that ends it.
export function follow(follower) {
  followers.add(follower);
  if (followers.size === 1) connect();
  return () => {
    followers.delete(follower);
    if (!followers.size) disconnect();
  };
}

export async function ask() {
  return (await call("GET", "/api/jobs")).jobs;
}

function connect() {
  disconnect();
  if (!followers.size) return;
  if (document.hidden || Date.now() < streamAfterMs || !window.EventSource) return void poll();
  stream = new EventSource("/api/jobs/events");
  stream.addEventListener("jobs", (event) => tell("onJobs", JSON.parse(event.data).jobs));
  stream.onerror = () => {
    // While it connects again by itself there is nothing to do; when it was refused, we ask.
    if (stream?.readyState !== EventSource.CLOSED) return tell("onAway");
    streamAfterMs = Date.now() + NEXT_STREAM_MS;
    connect();
  };
}

function disconnect() {
  stream?.close();
  stream = null;
  clearTimeout(timer);
}

async function poll() {
  let delay = document.hidden ? ASK_UNSEEN_MS : ASK_MS;
  try {
    tell("onJobs", await ask());
  } catch (error) {
    if (error.status && error.status < 500 && error.status !== 429) return tell("onEnd", error);
    tell("onAway");
    delay = AGAIN_MS;
  }
  if (stream || !followers.size) return;
  clearTimeout(timer);
  timer = setTimeout(() => (Date.now() < streamAfterMs || document.hidden ? poll() : connect()), delay);
}

function tell(what, value) {
  for (const follower of [...followers]) follower[what]?.(value);
}

document.addEventListener("visibilitychange", () => followers.size && connect());
// A page that is kept for the way back holds no connection.
addEventListener("pagehide", disconnect);
addEventListener("pageshow", (event) => event.persisted && connect());
