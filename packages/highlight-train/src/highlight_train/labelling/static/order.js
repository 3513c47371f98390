// The order of the clips. Once there are scores, what was seen stays where it is, and of what is to come the clips
// nearest to a score of one half are the next.

export function reordered(order, clips, seen) {
  const doubt = (id) => {
    const score = clips.get(id).score;
    return score === null ? Infinity : Math.abs(score - 0.5);
  };
  const coming = order.filter((id) => !seen(id));
  coming.sort((a, b) => compare(doubt(a), doubt(b)) || clips.get(a).index - clips.get(b).index);
  return [...order.filter(seen), ...coming];
}

function compare(a, b) {
  return a === b ? 0 : a < b ? -1 : 1; // not a - b: two clips without a score would give NaN
}
