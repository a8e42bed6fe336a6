/**
 * The receipt as people see it: what was received, when, as whom, and what becomes of it.
 *
 * Everything from the service goes into text nodes; nothing here writes HTML.
 */

/**
 * Make the body of the receipt's dialog.
 *
 * @param {Object} receipt what the service answered
 * @param {string} url the page that tells the submission's state
 * @param {Object} words
 * @param {(text: string) => void} copyText puts a text on the clipboard
 * @returns {{node: HTMLElement, show: (progress: import("./progress.js").Progress) => void}}
 */
export function receiptBody(receipt, url, words, copyText) {
  const time = timeOf(receipt.received_at);
  const copy = element("button", "jp-mod-styled jp-mod-minimal gofer-submit-copy", words.copy);
  copy.type = "button";
  copy.title = words.copyCaption;
  copy.addEventListener("click", () => {
    copyText(words.copiedReceipt(receipt.assignment, receipt.id, time, receipt.sha256));
    copy.textContent = words.copied;
  });

  const number = element("dd", "", "");
  number.append(element("code", "", shortId(receipt)), copy);
  const facts = element("dl", "gofer-submit-facts", "");
  facts.append(
    element("dt", "", words.receiptNumber),
    number,
    element("dt", "", words.receivedAt),
    element("dd", "", time),
    element("dt", "", words.submittedAs),
    element("dd", "", receipt.student),
  );

  const state = element("p", "gofer-submit-state", words.waiting);
  state.setAttribute("role", "status");
  const link = element("a", "gofer-submit-link", words.look);
  link.href = url;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  const later = element("p", "gofer-submit-later", words.lookLater);

  const node = element("div", "gofer-submit-receipt", "");
  node.append(element("p", "", words.received(receipt.assignment)), facts, state, later, link);
  return {
    node,
    show({ text, tone, isFinal }) {
      if (state.textContent !== text) {
        state.textContent = text; // only what is new is read out
      }
      state.dataset.tone = tone;
      later.hidden = isFinal;
    },
  };
}

/** The end of an id: what people say to each other when they speak of a submission. */
export function shortId(receipt) {
  return receipt.id.slice(-8);
}

/** Make the body of a dialog that says why a notebook was not submitted. */
export function refusalBody(sentences, link) {
  const node = element("div", "gofer-submit-refusal", "");
  node.append(...sentences.map((sentence) => element("p", "", sentence)));
  if (link !== null) {
    const anchor = element("a", "gofer-submit-link", link.text);
    anchor.href = link.url;
    anchor.target = "_blank";
    anchor.rel = "noopener noreferrer";
    node.append(anchor);
  }
  return node;
}

function timeOf(written) {
  const time = new Date(written);
  if (Number.isNaN(time.getTime())) {
    return String(written);
  }
  return time.toLocaleString([], { dateStyle: "medium", timeStyle: "long" });
}

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}
