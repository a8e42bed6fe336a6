/**
 * What a submission's state means for the person who waits for it: pure, from the service's JSON.
 *
 * @typedef {Object} Progress
 * @property {string} text one or two sentences
 * @property {boolean} isFinal whether nothing more will come by itself
 * @property {"info"|"success"|"warning"} tone
 */

/** @returns {Progress} */
export function progressOf(state, words) {
  switch (state.state) {
    case "waiting":
      return { text: waiting(state, words), isFinal: false, tone: "info" };
    case "set_aside":
      return { text: words.setAside, isFinal: false, tone: "warning" };
    default:
      return ended(state, words);
  }
}

function waiting({ position, expected_wait_s: waitS }, words) {
  const sentences = [];
  if (Number.isInteger(position) && position >= 1) {
    sentences.push(position === 1 ? words.nextInLine : words.waitingBehind(position - 1));
  } else {
    sentences.push(words.waiting);
  }
  if (Number.isFinite(waitS) && waitS >= 0) {
    sentences.push(words.expectedWait(Math.max(1, Math.ceil(waitS / 60))));
  }
  return sentences.join(" ");
}

function ended(state, words) {
  const { score, points_possible: points } = state;
  if (Number.isFinite(score) && Number.isFinite(points)) {
    return { text: words.score(number(score), number(points)), isFinal: true, tone: "success" };
  }
  return { text: words.gradedNoScore, isFinal: true, tone: "info" };
}

/** Write a number of points: at most two decimals, as the reader writes numbers. */
function number(value) {
  return value.toLocaleString(undefined, { maximumFractionDigits: 2 });
}
