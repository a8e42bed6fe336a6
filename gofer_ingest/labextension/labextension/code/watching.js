/** Asking for a submission's state until nothing more will come of it, ever less often. */

import { askState, pause } from "./sending.js";

/** Seconds before the first question; each pause is longer than the one before. */
const FIRST_PAUSE_S = 1.5;
const LONGER_BY = 1.4;
const LONGEST_PAUSE_S = 60;

/**
 * Tell each new state of a submission, until the last.
 *
 * It goes on through lost connections and a service that is away for a while; it ends when the
 * service says that this person may not know, or knows nothing of the submission.
 *
 * @param {{url: string, headers: Object}} where
 * @param {(state: Object) => boolean} tell returns whether to go on
 * @param {AbortSignal} signal ends it
 */
export async function watch(where, tell, signal) {
  for (let pauseS = FIRST_PAUSE_S; ; pauseS = Math.min(LONGEST_PAUSE_S, LONGER_BY * pauseS)) {
    await pause(pauseS);
    if (signal.aborted) {
      return;
    }
    const answer = await askState(where.url, where.headers);
    if (signal.aborted) {
      return;
    }
    if (answer === null || answer.status === 429 || answer.status >= 500) {
      continue;
    }
    if (answer.status !== 200 || answer.json === null || !tell(answer.json)) {
      return;
    }
  }
}
