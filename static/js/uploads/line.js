// Several transfers, a few at a time: browsers open only six connections to a server, and the page needs some.
const AT_ONCE = 2;
const BUSY = ["connecting", "sending", "away"];

export class Line {
  transfers = [];

  add(transfer) {
    this.transfers.push(transfer);
  }

  // Begin what waits while there is room. To be called whenever a transfer changed.
  fill() {
    let busy = this.transfers.filter((one) => BUSY.includes(one.state)).length;
    for (const one of this.transfers) {
      if (busy >= AT_ONCE) return;
      if (one.state !== "waits") continue;
      busy += 1;
      one.begin();
    }
  }

  get isActive() {
    return this.transfers.some((one) => one.isActive);
  }

  // Of all that is sent or waits, in bytes, how much has arrived: 0 to 100.
  get percent() {
    const counted = this.transfers.filter((one) => one.isActive || one.state === "done");
    const all = counted.reduce((sum, one) => sum + one.file.size, 0);
    return all ? (100 * counted.reduce((sum, one) => sum + one.sentBytes, 0)) / all : 0;
  }
}
