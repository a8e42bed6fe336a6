/**
 * Where the submission service is, and how a request to it says who sends it.
 *
 * Pure: it reads what it is given and touches neither page nor network.
 */

/** Name of the service at the Hub, where nobody said otherwise. */
const SERVICE = "services/gofer_nb/";

/**
 * Return the address of the service, with a slash at its end; null where none is known.
 *
 * @param {string} setting the JupyterLab setting `serviceUrl`; empty where it is not set
 * @param {(name: string) => string} option reads the page's config
 * @param {string} page address of the page
 */
export function serviceUrl(setting, option, page) {
  const hubHost = option("hubHost") || page;
  const said = setting.trim() || option("goferUrl").trim();
  if (said) {
    return usable(said, hubHost);
  }
  const hubPrefix = option("hubPrefix"); // such as /base/hub/
  if (!hubPrefix) {
    return null;
  }
  return usable(hubPrefix.replace(/hub\/?$/, SERVICE), hubHost);
}

/** Return the page of the Hub on which one stops one's server and logs out; null without a Hub. */
export function hubHomeUrl(option, page) {
  const hubPrefix = option("hubPrefix");
  return hubPrefix ? new URL(`${hubPrefix}home`, option("hubHost") || page).href : null;
}

/**
 * Return the address that tells a submission's state.
 *
 * @param {{id: string, status_url?: string}} receipt what the service answered
 * @param {string} service the service's address
 */
export function statusUrl(receipt, service) {
  // A front may have moved the service to another path than it knows of itself.
  const told = new URL(receipt.status_url ?? "", service).href;
  return told.startsWith(service) && told !== service
    ? told
    : new URL(`submissions/${receipt.id}`, service).href;
}

/**
 * Return the headers of every request to the service.
 *
 * The page's token is the Hub's where there is a Hub: whoever is signed in in this browser. Without
 * a Hub it opens the Jupyter server itself, and is nobody else's business.
 */
export function headersFor(option, token) {
  const headers = { Accept: "application/json" };
  if (option("hubPrefix") && token) {
    headers.Authorization = `token ${token}`;
  }
  return headers;
}

function usable(address, base) {
  let url;
  try {
    url = new URL(address, base);
  } catch {
    return null;
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return null;
  }
  url.search = "";
  url.hash = "";
  if (!url.pathname.endsWith("/")) {
    url.pathname += "/";
  }
  return url.href;
}
