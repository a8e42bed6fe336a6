/** The plugin: it puts the button, the command and the menu entry into the application. */

import { buttonClass } from "./button.js";
import { ICON_SVG } from "./icon.js";
import { Submissions } from "./submission.js";
import { wordsOf } from "./words.js";

const PLUGIN = "gofer-submit:plugin";
const COMMAND = "gofer-submit:submit";

/** Name of the button among a toolbar's items; the schema places it. */
const TOOLBAR_ITEM = "gofer-submit";

/**
 * @param {Object} lab as `takeShared` returns it
 * @returns the plugin as the application takes it
 */
export function makePlugin(lab) {
  const { ICommandPalette, IToolbarWidgetRegistry } = lab.apputils;
  return {
    id: PLUGIN,
    description: "A Submit button for notebooks that Gofer grades.",
    autoStart: true,
    requires: [lab.notebook.INotebookTracker, IToolbarWidgetRegistry],
    optional: [lab.settingregistry.ISettingRegistry, lab.translation.ITranslator, ICommandPalette],
    activate: (app, tracker, toolbars, registry, translator, palette) => {
      const words = wordsOf((translator ?? lab.translation.nullTranslator).load("gofer_submit"));
      const icon = new lab.ui.LabIcon({ name: COMMAND, svgstr: ICON_SVG });
      const SubmitButton = buttonClass(lab);
      const buttons = new Set();

      let settings = null;
      registry?.load(PLUGIN).then(
        (loaded) => {
          settings = loaded;
        },
        (reason) => console.warn("gofer-submit: its settings could not be read", reason),
      );

      const submissions = new Submissions(
        lab,
        words,
        () => String(settings?.get("serviceUrl").composite ?? ""),
        () => {
          buttons.forEach((button) => button.update());
          app.commands.notifyCommandChanged(COMMAND);
        },
      );

      toolbars.addFactory("Notebook", TOOLBAR_ITEM, (panel) => {
        const button = new SubmitButton(
          () => submissions.isUnderWay(panel),
          () => submissions.submit(panel),
          icon,
          words,
        );
        buttons.add(button);
        button.disposed.connect(() => buttons.delete(button));
        return button;
      });

      app.commands.addCommand(COMMAND, {
        label: words.command,
        caption: words.caption,
        icon,
        isEnabled: () => {
          const panel = tracker.currentWidget;
          return panel !== null && !submissions.isUnderWay(panel);
        },
        execute: () => tracker.currentWidget && submissions.submit(tracker.currentWidget),
      });
      tracker.currentChanged.connect(() => app.commands.notifyCommandChanged(COMMAND));
      palette?.addItem({ command: COMMAND, category: words.category });
    },
  };
}
