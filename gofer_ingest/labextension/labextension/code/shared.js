/**
 * The packages that the application shares with its extensions: JupyterLab's own, and React.
 *
 * They have to be the very ones the application uses, because tokens are known by identity. So the
 * choice among several versions is made as the bundler's runtime makes it for a singleton: one that
 * is in use already, else the newest.
 */

/** Packages this extension uses; each has to be named in `package.json` as well. */
export const PACKAGES = {
  apputils: "@jupyterlab/apputils",
  coreutils: "@jupyterlab/coreutils",
  notebook: "@jupyterlab/notebook",
  settingregistry: "@jupyterlab/settingregistry",
  translation: "@jupyterlab/translation",
  ui: "@jupyterlab/ui-components",
  widgets: "@lumino/widgets",
  react: "react",
};

/**
 * Take all of `PACKAGES` from the share scope.
 *
 * @param {Object} scope package → version → `{get, loaded}`
 * @returns {Promise<Object>} the short names of `PACKAGES` → modules
 */
export async function takeShared(scope) {
  const taken = Object.entries(PACKAGES).map(async ([short, name]) => {
    const versions = scope?.[name] ?? {};
    const version = chooseVersion(versions);
    if (version === undefined) {
      throw new Error(`gofer-submit needs ${name}, which this application does not share`);
    }
    const factory = await versions[version].get();
    return [short, factory()];
  });
  return Object.fromEntries(await Promise.all(taken));
}

/** Return the version of a singleton that is to be used; undefined where there is none. */
export function chooseVersion(versions) {
  return Object.keys(versions).reduce((best, next) => {
    if (best === undefined) {
      return next;
    }
    return !versions[best].loaded && isOlder(best, next) ? next : best;
  }, undefined);
}

/** Whether one version comes before another; of a pre-release only its numbers are looked at. */
function isOlder(one, other) {
  const [left, right] = [one, other].map((version) => version.match(/\d+/g).map(Number));
  for (let place = 0; place < Math.max(left.length, right.length); place += 1) {
    const difference = (left[place] ?? 0) - (right[place] ?? 0);
    if (difference !== 0) {
      return difference < 0;
    }
  }
  return false;
}
