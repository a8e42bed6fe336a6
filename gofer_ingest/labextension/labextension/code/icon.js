/** The button's picture: a paper plane. Its colour is the theme's. */
export const ICON_SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 24 24">
  <path class="jp-icon3" fill="#616161" d="M3 20.5 22 12 3 3.5v6.6l12 1.9-12 1.9z"/>
</svg>`;
