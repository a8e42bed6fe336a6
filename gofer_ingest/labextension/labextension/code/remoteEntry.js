/**
 * The extension's front door, as JupyterLab and Notebook 7 expect one of a prebuilt extension.
 *
 * A bundler would write this file. It is written by hand, so that nothing has to be built: it is a
 * module-federation container whose modules are the plain files beside it. The folder is not called
 * `static`, because Jupyter tells browsers to keep what lies in such a folder for a year, which
 * fits names with a hash in them only.
 */
(() => {
  "use strict";

  const here = new URL(".", document.currentScript.src);
  let shareScope = null;

  const modules = {
    "./extension": async () => {
      const [{ takeShared }, { makePlugin }] = await Promise.all([
        import(new URL("shared.js", here).href),
        import(new URL("plugin.js", here).href),
      ]);
      return { __esModule: true, default: makePlugin(await takeShared(shareScope)) };
    },
    "./style": async () => {
      const sheet = document.createElement("link");
      sheet.rel = "stylesheet";
      sheet.href = new URL("style.css", here).href;
      document.head.append(sheet);
      return {};
    },
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB["gofer-submit"] = {
    init(scope) {
      shareScope = scope;
    },
    async get(name) {
      if (!Object.hasOwn(modules, name)) {
        throw new Error(`gofer-submit has no module ${name}`);
      }
      const module = await modules[name]();
      return () => module;
    },
  };
})();
