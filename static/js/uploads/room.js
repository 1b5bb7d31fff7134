// How many uploads of this person's browser may have to be shown, told before the page of jobs is painted: so their room stands there
// from the beginning, and where nothing was begun no room is. A plain script: a module runs too late. What names its keys is `watch.js`.
{
  const account = document.querySelector("meta[name=account]").content;
  const count = Object.keys(localStorage).filter((key) => key.startsWith(`ppi-begun ${account} `)).length;
  if (count) document.documentElement.dataset.sent = Math.min(count, 3);
}
