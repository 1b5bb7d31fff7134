// Times for people, and the numbers of frames. A frame is shown from its presentation time on; the first has the number 1.

// What a frame's time may be off by, in seconds: containers count in whole ticks.
const SLACK_S = 0.002;

const decimalSign = new Intl.NumberFormat(document.documentElement.lang).format(0.5)[1];

export function numberAt(time, rate) {
  return Math.max(1, Math.floor((time + SLACK_S) * rate) + 1);
}

// 01:02:03.450, in Russian 01:02:03,450; without hours where there are none. Whole seconds are those that have passed.
export function timeCode(time, places = 3) {
  const units = places ? Math.round(Math.max(0, time) * 10 ** places) : Math.floor(Math.max(0, time));
  const whole = Math.floor(units / 10 ** places);
  const part = units - whole * 10 ** places;
  const parts = [Math.floor(whole / 60) % 60, whole % 60];
  if (whole >= 3600) parts.unshift(Math.floor(whole / 3600));
  const clock = parts.map((number) => String(number).padStart(2, "0")).join(":");
  return places ? `${clock}${decimalSign}${String(part).padStart(places, "0")}` : clock;
}
