// Sizes and speeds in the page's language.
const UNITS = [[1e9, "gigabyte", 2], [1e6, "megabyte", 1], [1e3, "kilobyte", 1]];

function shown(bytes, suffix) {
  const [scale, unit, digits] = UNITS.find(([one]) => bytes >= one) ?? [1, "byte", 0];
  const how = { style: "unit", unit: unit + suffix, maximumFractionDigits: digits, unitDisplay: scale > 1 ? "short" : "narrow" };
  return new Intl.NumberFormat(document.documentElement.lang, how).format(bytes / scale).replace(/(\d)B/, "$1\u00a0B");
}

export const shownSize = (bytes) => shown(bytes, "");
export const shownSpeed = (bytesPerSecond) => shown(bytesPerSecond, "-per-second");
