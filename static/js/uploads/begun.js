// Which uploads this person began in this browser and did not finish: their numbers alone. What they are, the server says.
import { BEGUN } from "./watch.js";

const RESTS = "rests";

export const note = (id, isActive) => localStorage.setItem(BEGUN + id, isActive ? "" : RESTS);
export const drop = (id) => localStorage.removeItem(BEGUN + id);
export const begun = () => Object.keys(localStorage).filter((key) => key.startsWith(BEGUN)).map((key) => key.slice(BEGUN.length));
// Paused, or refused by the server: not to be begun again unless somebody says so.
export const rests = (id) => localStorage.getItem(BEGUN + id) === RESTS;
