/**
 * Everything that people read, in one place, so that it can be translated.
 *
 * @param trans a bundle of JupyterLab's translator; `%1` and so on stand for what is put in
 */
export function wordsOf(trans) {
  const say = (...words) => trans.__(...words);
  return {
    // the button and the command
    submit: say("Submit"),
    submitting: say("Submitting…"),
    command: say("Submit Notebook for Grading"),
    caption: say("Save this notebook and submit it for grading"),
    category: say("Notebook Operations"),

    // the receipt
    submittedTitle: say("Submitted"),
    received: (assignment) =>
      say("Your notebook for %1 was received and will be graded.", assignment),
    receiptNumber: say("Receipt"),
    copy: say("Copy"),
    copied: say("Copied"),
    copyCaption: say("Copy the receipt"),
    receivedAt: say("Received"),
    submittedAs: say("Submitted as"),
    copiedReceipt: (assignment, id, time, sha256) =>
      say("%1, receipt %2, received %3, SHA-256 %4", assignment, id, time, sha256),
    look: say("Look at this submission"),
    lookLater: say("You may close this. You will be told here when it is graded."),
    close: say("Close"),

    // what becomes of it
    waiting: say("Waiting to be graded."),
    graded: say("Graded. Look at this submission to see more."),
    toldNow: (shortId, text) => say("Submission %1: %2", shortId, text),
    details: say("Details"),

    // why it was not submitted
    notSubmittedTitle: say("Not submitted"),
    noReceiptTitle: say("No receipt"),
    tryAgain: say("Try again"),
    savedHere: say("Your notebook is saved here."),
    notSaved: say(
      "Your notebook could not be saved, so it was not submitted. Save it first, then submit again.",
    ),
    saveCancelled: say("Saving was cancelled, so your notebook was not submitted."),
    readOnly: say(
      "This notebook is read-only here, so it was not submitted. Save a copy of it, and submit that.",
    ),
    broken: say(
      "Something went wrong in this page, and your notebook was not submitted. Reload the page and submit again.",
    ),
    noAddress: say(
      "No submission service is set up here. Tell your teachers, or whoever runs this Jupyter.",
    ),
    noService: (url) =>
      say("There is no submission service at %1. Tell your teachers, or whoever runs this Jupyter.", url),
    unreachable: (url) =>
      say(
        "The submission service at %1 did not answer, so there is no receipt. Check your network connection and try again; sending the same notebook twice does no harm.",
        url,
      ),
    away: say("The submission service is not running just now. Try again in a few minutes."),
    unexpected: (status) =>
      say("The submission service gave an answer that makes no sense (%1). Try again, and tell your teachers if it keeps happening.", status),
    tooLarge: say(
      "This notebook is too large. Clear the outputs of your cells, save, and submit again.",
    ),
    signInAgain: say(
      "In the Hub control panel, stop your server, log out, log in again, and start it. Then submit once more.",
    ),
    signInWithoutHub: say("Sign in again, reload this page, and submit once more."),
    hubHome: say("Open the Hub control panel"),
    waitUntil: (time) => say("You can submit again at %1.", time),
  };
}
