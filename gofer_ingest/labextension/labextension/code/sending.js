/**
 * A notebook's way to the service: one request, repeated where its answer was lost.
 *
 * The service gives the same receipt for the same bytes sent again, so a lost answer costs nothing.
 * Plain `fetch` is used: JupyterLab's own refuses every address outside the user's server.
 */

import { isAway, refusalOf, SIGN_IN, unreachable } from "./refusals.js";

/** Seconds before each further try. */
const PAUSES_S = [1, 3];
/** Seconds after which a try is given up; the service itself waits five minutes for a body. */
const PATIENCE_S = 330;

/** The notebook was not taken; `refusal` says what to tell. */
export class NotSubmitted extends Error {
  constructor(refusal) {
    super(refusal.sentences.join(" "));
    this.name = "NotSubmitted";
    this.refusal = refusal;
  }
}

/**
 * Send a notebook and return its receipt.
 *
 * @param {string} body the notebook as JSON
 * @param {{url: string, headers: Object, hasHub: boolean}} service
 * @param {Object} words
 * @throws {NotSubmitted}
 */
export async function sendNotebook(body, service, words) {
  let answer = null;
  for (const pauseS of [...PAUSES_S, null]) {
    answer = await post(body, service);
    const isLost = answer === null || (isAway(answer.status) && answer.json === null);
    if (!isLost || pauseS === null) {
      break;
    }
    await pause(pauseS);
  }
  if (answer === null) {
    throw new NotSubmitted(unreachable(service.url, words));
  }
  if (isReceipt(answer)) {
    return answer.json;
  }
  throw new NotSubmitted(refusalOf(answer, service.url, service.hasHub, words, timeOfDayIn));
}

/**
 * Ask for a submission's state.
 *
 * @returns {Promise<import("./refusals.js").Answer|null>} null where nothing answered
 */
export function askState(url, headers) {
  return answerTo(url, { headers });
}

/** Wait for some seconds. */
export function pause(seconds) {
  return new Promise((resolve) => {
    setTimeout(resolve, 1000 * seconds);
  });
}

function post(body, { url, headers }) {
  const sent = { ...headers, "Content-Type": "application/json" };
  return answerTo(url, { method: "POST", headers: sent, body });
}

async function answerTo(url, request) {
  try {
    const response = await fetch(url, {
      ...request,
      cache: "no-store",
      credentials: "same-origin", // a front before the Hub may want its cookie
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(1000 * PATIENCE_S),
    });
    const json = jsonOf(await response.text());
    const isSignIn = response.redirected && response.ok && json === null;
    return {
      status: isSignIn ? SIGN_IN : response.status,
      json,
      retryAfterS: secondsOf(response.headers.get("Retry-After")),
    };
  } catch {
    return null; // no connection, an unfinished answer, or too long a wait: all the same to us
  }
}

function jsonOf(text) {
  try {
    const content = JSON.parse(text);
    return content !== null && typeof content === "object" ? content : null;
  } catch {
    return null;
  }
}

function secondsOf(header) {
  return header !== null && /^\d{1,7}$/.test(header) ? Number(header) : null;
}

function isReceipt({ status, json }) {
  return status >= 200 && status < 300 && /^[0-9a-f-]{36}$/.test(json?.id ?? "");
}

function timeOfDayIn(seconds) {
  const at = new Date(Date.now() + 1000 * seconds);
  return at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}
