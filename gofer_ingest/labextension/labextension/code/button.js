/** The button in a notebook's toolbar. It shows whether a submission is under way, and no more. */

/**
 * Make the button's class from what the application shares.
 *
 * @param {Object} lab as `takeShared` returns it
 */
export function buttonClass({ react, ui }) {
  return class SubmitButton extends ui.ReactWidget {
    /**
     * @param {() => boolean} isUnderWay
     * @param {() => void} press
     * @param {Object} icon
     * @param {Object} words
     */
    constructor(isUnderWay, press, icon, words) {
      super();
      Object.assign(this, { isUnderWay, press, icon, words });
      this.addClass("jp-ToolbarButton");
      this.addClass("gofer-submit-button");
    }

    render() {
      const isUnderWay = this.isUnderWay();
      return react.createElement(ui.ToolbarButtonComponent, {
        icon: this.icon,
        label: isUnderWay ? this.words.submitting : this.words.submit,
        tooltip: this.words.caption,
        enabled: !isUnderWay,
        onClick: this.press,
      });
    }
  };
}
