/**
 * What a submission's state means for the person who waits for it: pure, from the service's JSON.
 *
 * The service writes the sentences, because it knows what an assignment lets be told.
 *
 * @typedef {Object} Progress
 * @property {string} text one or two sentences
 * @property {string} label the same in one to three words
 * @property {boolean} isFinal whether nothing more will come by itself
 * @property {"info"|"success"|"warning"} tone
 */

/** @returns {Progress} */
export function progressOf(state, words) {
  const isOpen = typeof state.is_open === "boolean" ? state.is_open : state.state === "waiting";
  const usual = isOpen ? words.waiting : words.graded;
  const text = textOr(state.message, usual);
  return { text, label: textOr(state.label, text), isFinal: !isOpen, tone: toneOf(state) };
}

function toneOf({ state, verdict, score }) {
  if (state === "set_aside") {
    return "warning";
  }
  if (typeof verdict !== "string") {
    return "info"; // not yet, or not told
  }
  return Number.isFinite(score) ? "success" : "warning";
}

function textOr(value, usual) {
  return typeof value === "string" && value.trim() ? value : usual;
}
