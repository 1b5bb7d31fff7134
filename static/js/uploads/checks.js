// What can be refused before a byte is sent. The server decides all of it again.

// What is certainly no video is refused; of what nobody can tell, the server looks at the content.
export function isVideo(file, endings) {
  const ending = file.name.includes(".") ? file.name.split(".").pop().toLowerCase() : "";
  return endings.includes(ending) || file.type.startsWith("video/") || file.type === "";
}

// Why a file cannot be sent: a name in `words`, or null. `before` is what comes before it: how many files, how many bytes.
export function refusal(file, room, before, endings) {
  if (!isVideo(file, endings)) return "noVideo";
  if (!file.size) return "emptyFile";
  if (file.size > room.most_bytes) return "tooLarge";
  if (room.lessons_left !== null && before.count >= room.lessons_left) return "overQuota";
  if (room.bytes_left !== null && before.bytes + file.size > room.bytes_left) return "overBytes";
  return before.bytes + file.size > room.free_bytes ? "noRoom" : null;
}

// For each entry ({ file, isContinued }) in turn why it cannot be sent. What goes on has its place and its room already.
// `onWay` are files that are being sent and that `room` does not know of.
export function judge(entries, room, endings, onWay = []) {
  const before = { count: onWay.length, bytes: onWay.reduce((sum, one) => sum + one.size, 0) };
  return entries.map(({ file, isContinued }) => {
    if (isContinued) return null;
    const found = refusal(file, room, before, endings);
    if (!found) {
      before.count += 1;
      before.bytes += file.size;
    }
    return found;
  });
}
