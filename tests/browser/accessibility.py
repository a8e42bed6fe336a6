"""What can be measured of a page's accessibility, in the browser that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Page

ENOUGH_CONTRAST: Final = 4.5
"""For text of any size (WCAG 2.2, 1.4.3 asks for less where it is large)."""

_CONTRASTS: Final = """(within) => {
  const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const over = (top, below) => ({
    r: top.r * top.a + below.r * (1 - top.a), g: top.g * top.a + below.g * (1 - top.a),
    b: top.b * top.a + below.b * (1 - top.a), a: 1,
  });
  const light = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((value) => {
      value /= 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
      layers.push(parse(getComputedStyle(one).backgroundColor));
    }
    const paper = { r: 255, g: 255, b: 255, a: 1 };
    return layers.reverse().reduce((below, top) => over(top, below), paper);
  };
  const found = [];
  const measure = (element, color, text) => {
    const below = ground(element);
    const ink = light(over(parse(color), below)), page = light(below);
    const contrast = (Math.max(ink, page) + 0.05) / (Math.min(ink, page) + 0.05);
    found.push([text.trim().slice(0, 40), contrast]);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!element.closest(within)) continue;
    if (walker.currentNode.data.trim() && element.checkVisibility()) {
      measure(element, getComputedStyle(element).color, walker.currentNode.data);
    }
  }
  for (const input of document.querySelectorAll('input:not([type=hidden])')) {
    if (!input.closest(within)) continue;
    measure(input, getComputedStyle(input, '::placeholder').color, input.placeholder);
    measure(input, getComputedStyle(input).color, 'what is typed');
  }
  return found;
}"""

_FAULTS: Final = """() => {
  const faults = [];
  const say = (what, element) => faults.push(`${what}: ${element.outerHTML.slice(0, 100)}`);
  const all = (selector) => [...document.querySelectorAll(selector)];
  if (!document.documentElement.lang) faults.push('the page has no language');
  if (!document.title) faults.push('the page has no title');
  if (all('main').length !== 1) faults.push('the page has not one main part');
  if (all('h1').length !== 1) faults.push('the page has not one first heading');
  let level = 0;
  for (const heading of all('h1, h2, h3, h4')) {
    if (!heading.checkVisibility()) continue;
    const own = Number(heading.tagName[1]);
    if (own > level + 1) say('a heading leaves out a level', heading);
    level = own;
  }
  for (const control of all('a[href], button')) {
    if (!control.textContent.trim()) say('it has no name', control);
  }
  for (const input of all('input:not([type=hidden])')) {
    if (!input.labels.length) say('it has no label', input);
  }
  for (const image of all('img')) if (!image.hasAttribute('alt')) say('it has no alt', image);
  for (const drawing of all('svg')) {
    if (drawing.getAttribute('aria-hidden') !== 'true') say('it is not hidden', drawing);
  }
  for (const nav of all('nav')) if (!nav.getAttribute('aria-label')) say('it has no name', nav);
  for (const region of all('[aria-labelledby]')) {
    const name = document.getElementById(region.getAttribute('aria-labelledby'));
    if (!name) say('its name is nowhere', region);
  }
  for (const table of all('table')) {
    const columns = table.querySelectorAll('thead th[scope=col]');
    if (columns.length < 2) say('its columns have no names', table);
    for (const row of table.querySelectorAll('tbody tr')) {
      if (!row.querySelector('th[scope=row]')) say('the row has no name', row);
    }
  }
  const ids = all('[id]').map((element) => element.id);
  if (new Set(ids).size !== ids.length) faults.push('an id is there twice');
  for (const control of all('a[href]:not(.skip), button, input:not([type=hidden])')) {
    const { height } = control.getBoundingClientRect();
    const isInText = getComputedStyle(control).display === 'inline';
    if (control.checkVisibility() && !isInText && height < 24) {
      say(`it is only ${height} pixels high`, control);
    }
  }
  return faults;
}"""


def faint_texts(page: Page, within: str = "body") -> list[tuple[str, float]]:
    """Return the texts on a page that have too little contrast, with what they have.

    Args:
        page: that is shown.
        within: a CSS selector of what holds the texts.
    """
    found: list[tuple[str, float]] = page.evaluate(_CONTRASTS, within)
    assert found, "there is no text at all"
    return [(text, round(contrast, 2)) for text, contrast in found if contrast < ENOUGH_CONTRAST]


def faults(page: Page) -> list[str]:
    """Return what people with a keyboard or a screen reader would stumble over."""
    found: list[str] = page.evaluate(_FAULTS)
    return found


def has_sideways_scroll(page: Page) -> bool:
    """Tell whether a page is wider than its window."""
    return bool(
        page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    )
