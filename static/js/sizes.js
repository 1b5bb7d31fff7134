// Sizes and speeds in the page's language. Browsers write the Russian "per second" with a Latin letter, so those words are ours.
import { fill, words } from "./api.js";

const UNITS = [[1e9, "gigabyte", 2], [1e6, "megabyte", 1], [1e3, "kilobyte", 1]];

export function shownSize(bytes) {
  const [scale, unit, digits] = UNITS.find(([one]) => bytes >= one) ?? [1, "byte", 0];
  const how = { style: "unit", unit, maximumFractionDigits: digits, unitDisplay: scale > 1 ? "short" : "narrow" };
  return new Intl.NumberFormat(document.documentElement.lang, how).format(bytes / scale).replace(/(\d)B/, "$1\u00a0B");
}

export const shownSpeed = (bytesPerSecond) => fill(words.speed, { size: shownSize(bytesPerSecond) });
