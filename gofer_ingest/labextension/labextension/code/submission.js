/**
 * One press of the button, from saving to the score.
 *
 * It knows the application through `lab`, and the service through the modules beside it.
 */

import { progressOf } from "./progress.js";
import { receiptBody, refusalBody, shortId } from "./receipt.js";
import { before } from "./refusals.js";
import { NotSubmitted, sendNotebook } from "./sending.js";
import { headersFor, hubHomeUrl, serviceUrl, statusUrl } from "./service.js";
import { watch } from "./watching.js";

/** Characters of a sentence that fit into a note in the corner; JupyterLab cuts it at 140. */
const LONGEST_NOTE = 110;

/** How often a notebook is saved that changes meanwhile. */
const MOST_SAVES = 3;

/** All submissions of a page: one of each notebook at one time. */
export class Submissions {
  /**
   * @param {Object} lab as `takeShared` returns it
   * @param {Object} words
   * @param {() => string} setting reads the setting `serviceUrl`
   * @param {() => void} onChange is told when a submission begins or ends
   */
  constructor(lab, words, setting, onChange) {
    Object.assign(this, { lab, words, setting, onChange });
    this.underWay = new WeakSet();
    this.watches = new WeakMap();
  }

  /** Whether a notebook is being submitted. */
  isUnderWay(panel) {
    return this.underWay.has(panel);
  }

  /** Save a notebook, submit it, and tell the outcome. A second press meanwhile does nothing. */
  async submit(panel) {
    for (let isWanted = true; isWanted && !this.isUnderWay(panel); ) {
      isWanted = await this.submitOnce(panel);
    }
    if (!panel.isDisposed && document.activeElement === document.body) {
      // The button was disabled meanwhile and lost the focus; whoever types goes on with the work.
      panel.activate();
    }
  }

  /** Returns whether the person wants to try again. */
  async submitOnce(panel) {
    this.underWay.add(panel);
    this.onChange();
    let outcome;
    try {
      outcome = await this.send(panel);
    } catch (error) {
      if (!(error instanceof NotSubmitted)) {
        console.error("gofer-submit: a submission failed", error);
      }
      outcome = error instanceof NotSubmitted ? error : this.refusal(this.words.broken);
    } finally {
      this.underWay.delete(panel);
      this.onChange();
    }
    if (outcome instanceof NotSubmitted) {
      return this.tellRefusal(outcome.refusal);
    }
    await this.tellReceipt(panel, outcome);
    return false;
  }

  async send(panel) {
    const service = this.service();
    if (service === null) {
      throw this.refusal(this.words.noAddress);
    }
    const body = await this.saved(panel);
    return { service, receipt: await sendNotebook(body, service, this.words) };
  }

  service() {
    const { PageConfig } = this.lab.coreutils;
    const option = (name) => PageConfig.getOption(name);
    const url = serviceUrl(this.setting(), option, window.location.href);
    return (
      url && {
        url,
        headers: headersFor(option, PageConfig.getToken()),
        hasHub: option("hubPrefix") !== "",
      }
    );
  }

  /** Save a notebook and return it as JSON: all of it, as it was saved. */
  async saved(panel) {
    const { context } = panel;
    const { contentChanged } = context.model;
    await context.ready;
    if (context.model.readOnly || context.contentsModel?.writable === false) {
      throw this.refusal(this.words.readOnly);
    }
    let isSaved = false;
    const onChange = () => {
      isSaved = false;
    };
    contentChanged.connect(onChange);
    try {
      // What is typed, or told by the kernel, while it is saved is in the notebook, not in the file.
      for (let left = MOST_SAVES; left > 0 && !isSaved; left -= 1) {
        isSaved = true;
        await context.save();
      }
    } catch (error) {
      // JupyterLab has told already what went wrong.
      const isCancelled = error?.name === "ModalCancelError" || error?.name === "ModalDuplicateError";
      throw this.refusal(isCancelled ? this.words.saveCancelled : this.words.notSaved);
    } finally {
      contentChanged.disconnect(onChange);
    }
    return JSON.stringify(context.model.toJSON());
  }

  /** What stopped a submission before anything was sent. */
  refusal(sentence) {
    return new NotSubmitted(before(sentence, this.words));
  }

  async tellRefusal({ title, sentences, canTryAgain, isSignIn }) {
    const { words } = this;
    const { Dialog, showDialog } = this.lab.apputils;
    const { PageConfig } = this.lab.coreutils;
    const home = hubHomeUrl((name) => PageConfig.getOption(name), window.location.href);
    const link = isSignIn && home !== null ? { text: words.hubHome, url: home } : null;
    const close = Dialog.cancelButton({ label: words.close });
    const again = Dialog.okButton({ label: words.tryAgain });
    const { button } = await showDialog({
      title,
      body: this.widget(refusalBody(sentences, link)),
      buttons: canTryAgain ? [close, again] : [Dialog.okButton({ label: words.close })],
    });
    return canTryAgain && button.accept;
  }

  async tellReceipt(panel, { service, receipt }) {
    const { words } = this;
    const { Clipboard, Dialog, showDialog } = this.lab.apputils;
    const url = statusUrl(receipt, service.url);
    const body = receiptBody(receipt, url, words, (text) => Clipboard.copyToSystem(text));
    let isShown = true;

    this.watches.get(panel)?.abort(); // the latest attempt is the one to hear of
    const watching = new AbortController();
    this.watches.set(panel, watching);
    const tell = (state) => {
      const progress = progressOf(state, words);
      body.show(progress);
      if (progress.isFinal && !isShown) {
        this.notify(progress, receipt, url);
      }
      return !progress.isFinal;
    };
    void watch({ url, headers: service.headers }, tell, watching.signal);

    await showDialog({
      title: words.submittedTitle,
      body: this.widget(body.node),
      buttons: [Dialog.okButton({ label: words.close })],
    });
    isShown = false;
  }

  /** Tell a late outcome without standing in anybody's way; it stays until it is closed. */
  notify({ text, label, tone }, receipt, url) {
    const { words } = this;
    const short = text.length <= LONGEST_NOTE ? text : label;
    this.lab.apputils.Notification.emit(words.toldNow(shortId(receipt), short), tone, {
      autoClose: false,
      actions: [
        { label: words.details, callback: () => window.open(url, "_blank", "noopener,noreferrer") },
      ],
    });
  }

  widget(node) {
    return new this.lab.widgets.Widget({ node });
  }
}
