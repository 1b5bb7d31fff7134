// Which uploads this person began in this browser and did not finish: their numbers alone. What they are, the server says.
import { account } from "./channel.js";

const START = `ppi-begun ${account} `;
const RESTS = "rests";

export const note = (id, isActive) => localStorage.setItem(START + id, isActive ? "" : RESTS);
export const drop = (id) => localStorage.removeItem(START + id);
export const begun = () => Object.keys(localStorage).filter((key) => key.startsWith(START)).map((key) => key.slice(START.length));
// Paused, or refused by the server: not to be begun again unless somebody says so.
export const rests = (id) => localStorage.getItem(START + id) === RESTS;
