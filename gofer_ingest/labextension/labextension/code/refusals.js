/**
 * What a person is told about a notebook that was not taken: pure, from the service's answer.
 *
 * Where the service says why, in JSON, its own sentence is told. Everything else comes from someone
 * in between, such as the Hub's proxy, and gets a sentence of ours.
 */

/** Longest sentence of the service that is shown. */
const MAX_MESSAGE = 1000;

/** In place of an HTTP status: we were led to a page for signing in. */
export const SIGN_IN = 0;

/**
 * @typedef {Object} Answer
 * @property {number} status HTTP status, or `SIGN_IN`
 * @property {Object|null} json the body, where it was a JSON object
 * @property {number|null} retryAfterS seconds of its Retry-After
 *
 * @typedef {Object} Refusal
 * @property {string} title
 * @property {string[]} sentences paragraphs of plain text
 * @property {boolean} canTryAgain whether trying the same again may help
 * @property {boolean} isSignIn whether the person's sign-in is what is wrong
 */

/**
 * @param {Answer} answer
 * @param {string} service its address
 * @param {boolean} hasHub whether the page is one of a JupyterHub
 * @param {Object} words
 * @param {(inSeconds: number) => string} clock writes a time of day
 * @returns {Refusal}
 */
export function refusalOf(answer, service, hasHub, words, clock) {
  const { status } = answer;
  const message = messageOf(answer.json);
  const refusal = refusalWith(words.notSubmittedTitle, []);
  if (status === SIGN_IN || status === 401 || (status === 403 && message !== null)) {
    refusal.isSignIn = true;
    refusal.sentences.push(message, hasHub ? words.signInAgain : words.signInWithoutHub);
  } else if (status === 429) {
    refusal.sentences.push(message ?? words.away);
    if (answer.retryAfterS !== null) {
      refusal.sentences.push(words.waitUntil(clock(answer.retryAfterS)));
    }
  } else if (message !== null) {
    refusal.canTryAgain = status >= 500;
    refusal.sentences.push(message);
  } else if (status === 403 || status === 404 || status === 405) {
    // Of a service that it does not have, a Hub says 403.
    refusal.sentences.push(words.noService(service));
  } else if (status === 413) {
    refusal.sentences.push(words.tooLarge);
  } else if (isAway(status)) {
    refusal.canTryAgain = true;
    refusal.sentences.push(words.away);
  } else {
    refusal.title = words.noReceiptTitle;
    refusal.canTryAgain = true;
    refusal.sentences.push(words.unexpected(status));
  }
  refusal.sentences.push(words.savedHere);
  refusal.sentences = refusal.sentences.filter((sentence) => sentence !== null);
  return refusal;
}

/** The refusal for a service that never answered: nobody knows whether the notebook arrived. */
export function unreachable(service, words) {
  const sentences = [words.unreachable(service), words.savedHere];
  return { ...refusalWith(words.noReceiptTitle, sentences), canTryAgain: true };
}

/** The refusal for something that went wrong before anything was sent. */
export function before(sentence, words) {
  return refusalWith(words.notSubmittedTitle, [sentence]);
}

/** Whether a proxy says that the service behind it does not answer. */
export function isAway(status) {
  return status === 502 || status === 503 || status === 504;
}

function refusalWith(title, sentences) {
  return { title, sentences, canTryAgain: false, isSignIn: false };
}

function messageOf(json) {
  const message = json?.message;
  return typeof message === "string" && message.trim() ? message.slice(0, MAX_MESSAGE) : null;
}
