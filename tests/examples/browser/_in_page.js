// Functions that run in the page. This is JavaScript because a page has other globals
// than the rest of this project.

/** @param {HTMLElement} element */
export function nameOf(element) {
  return element.id || element.textContent.trim();
}

/** @param {HTMLElement} element */
export function outlineOf(element) {
  return getComputedStyle(element).outlineStyle;
}

/** @param {HTMLElement} status */
export function recordAnnouncements(status) {
  globalThis.announcements = [];
  new MutationObserver(() => globalThis.announcements.push(status.textContent))
    .observe(status, { childList: true });
}

export function announcements() {
  return globalThis.announcements;
}

export function countAnimations() {
  return document.getAnimations().length;
}

/** @param {HTMLElement} select */
export function offerPrototype(select) {
  select.firstElementChild.value = "__proto__";
}

/** How many pixels the page is wider than the window. */
export function excessWidth() {
  return document.documentElement.scrollWidth - innerWidth;
}

/** Elements whose text has less contrast than WCAG AA requires: 4.5 to 1. */
export function lowContrastTexts() {
  const read = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = (color) => {
    const [r, g, b] = color.slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.04045
        ? share / 12.92
        : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const backgroundOf = (element) => {
    for (; element; element = element.parentElement) {
      const [r, g, b, a = 1] = read(getComputedStyle(element).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const hasText = ({ childNodes }) =>
    [...childNodes].some(({ nodeType, data }) =>
      nodeType === Node.TEXT_NODE && data.trim() !== ""
    );
  return [...document.body.querySelectorAll("*")].flatMap((element) => {
    if (!hasText(element) || !element.checkVisibility()) return [];
    const [light, dark] = [
      luminance(read(getComputedStyle(element).color)),
      luminance(backgroundOf(element)),
    ].sort((a, b) => b - a);
    const contrast = (light + 0.05) / (dark + 0.05);
    if (contrast >= 4.5) return [];
    return [`${element.tagName} ${element.className}: ${contrast.toFixed(2)}`];
  });
}
