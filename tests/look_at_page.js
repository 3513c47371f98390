// What a page looks like: an object with
//   width          the width of all that is there, in CSS pixels
//   outside        the beginnings of texts whose element sticks out to the right, but for what can be scrolled to
//   scrolled       the beginnings of texts that only scrolling would show: on paper nobody scrolls
//   without_words  pictures that say nothing to those who cannot see them
//   contrasts      for each element with text its beginning and its contrast with what is behind it (WCAG 2.2)
//   lead           the first sentence
//   first          what follows it: "picture", or "a table" and so on
() => {
  const words = (element) => (element.textContent ?? "").trim().replace(/\s+/g, " ").slice(0, 40);
  const colour = (text, opacity = 1) => {
    const found = /^rgba?\(([^)]+)\)/.exec(text);
    if (!found) return null;
    const [red, green, blue, alpha = 1] = found[1].split(/[\s,/]+/).map(Number);
    return { red, green, blue, alpha: alpha * opacity };
  };
  const over = (top, below) => {
    const mixed = (name) => top[name] * top.alpha + below[name] * (1 - top.alpha);
    return { red: mixed("red"), green: mixed("green"), blue: mixed("blue"), alpha: 1 };
  };
  const luminance = ({ red, green, blue }) => {
    const [r, g, b] = [red, green, blue].map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const opacity = (element) => {
    let product = 1;
    for (let one = element; one instanceof Element; one = one.parentElement) product *= getComputedStyle(one).opacity;
    return product;
  };
  const isShape = (element) => element instanceof SVGElement && !(element instanceof SVGSVGElement);
  const canvas = colour(getComputedStyle(document.documentElement).colorScheme.includes("dark")
    && matchMedia("(prefers-color-scheme: dark)").matches ? "rgb(18, 18, 18)" : "rgb(255, 255, 255)");
  const fillOf = (element) => {
    const style = getComputedStyle(element);
    if (!isShape(element)) return colour(style.backgroundColor, opacity(element));
    if (element instanceof SVGTextContentElement) return null;
    return colour(style.fill, style.fillOpacity * opacity(element));
  };
  const behind = (element, x, y) => {
    const stack = document.elementsFromPoint(x, y).filter((one) => one === element || !element.contains(one));
    const layers = [...stack, document.body, document.documentElement].map(fillOf).filter((one) => one?.alpha > 0);
    return layers.reverse().reduce((below, top) => over(top, below), canvas);
  };
  const contrasts = [];
  const outside = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walker.nextNode()) {
    const text = walker.currentNode;
    const element = text.parentElement;
    if (!text.textContent.trim() || seen.has(element) || element.closest("script, style, title, desc")) continue;
    seen.add(element);
    if (element.closest(":disabled")) continue;  // what cannot be used may be pale
    if (!element.checkVisibility({ checkVisibilityCSS: true, checkOpacity: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    const scroller = element.closest(".scroll, pre");
    if (!scroller && range.getBoundingClientRect().right > innerWidth + 1 - scrollX) outside.push(words(element));
    element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
    const box = [...range.getClientRects()].find((one) => one.width > 0);
    if (!box) continue;
    const style = getComputedStyle(element);
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    const below = behind(element, x, y);
    const ink = isShape(element) ? colour(style.fill, style.fillOpacity * opacity(element))
      : colour(style.color, opacity(element));
    if (ink) contrasts.push([words(element), contrast(over(ink, below), below)]);
    scrollTo(0, scrollY);
  }
  for (const element of document.querySelectorAll("div, figure, img, table, p")) {
    const inScroller = element.parentElement.closest(".scroll, pre");
    if (!inScroller && element.getBoundingClientRect().right + scrollX > innerWidth + 1) outside.push(words(element));
  }
  const named = (one) => one.getAttribute("alt") || one.getAttribute("aria-label") || one.getAttribute("title")
    || one.getAttribute("aria-hidden") === "true" || one.querySelector(":scope > title")
    || (one.getAttribute("alt") === "" && one.closest("button, a")?.textContent.trim());  // the button says it
  const visible = (one) => one.checkVisibility();
  const pictures = [...document.querySelectorAll("img, svg")].filter(visible);
  const blocks = [...document.querySelectorAll("main figure, main table, main p:not(.lead), main dl, main pre")];
  const first = blocks.find(visible);
  const scrollers = [...document.querySelectorAll(".scroll, pre")];
  return {
    width: document.documentElement.scrollWidth,
    outside: [...new Set(outside)],
    scrolled: scrollers.filter((one) => one.scrollWidth > one.clientWidth + 1).map(words),
    without_words: pictures.filter((one) => !named(one)).map((one) => one.outerHTML.slice(0, 60)),
    contrasts,
    lead: document.querySelector(".lead")?.textContent.trim() ?? "",
    first: first?.querySelector("img, svg") && !first.querySelector("table") ? "picture"
      : `a ${first?.localName ?? "nothing"}`,
  };
}
