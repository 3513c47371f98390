// The strip of thumbnails. Only what is in view exists: a library may have tens of thousands of clips.

const STEP_PX = 140;
const MARGIN = 3;
const AT_ONCE = 2; // a browser opens six connections at most: the film and the labels need theirs

const SIGNS = { highlight: "H", normal: "N", skip: "S" };
const WORDS = { highlight: "highlight", normal: "normal", skip: "skipped" };

export class Strip {
  constructor(box, inner, onChoose) {
    this.box = box;
    this.inner = inner;
    this.onChoose = onChoose;
    this.clips = [];
    this.current = null;
    this.items = new Map();
    this.waiting = [];
    this.loading = 0;
    box.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(box);
  }

  show(clips, current) {
    const moved = current !== this.current;
    this.clips = clips;
    this.current = current;
    this.inner.style.width = `${clips.length * STEP_PX}px`;
    const hasFocus = this.inner.contains(document.activeElement);
    if (moved) this.reveal();
    this.draw();
    if (moved && hasFocus) this.items.get(current)?.focus({ preventScroll: true });
  }

  reveal() {
    const position = this.clips.findIndex((clip) => clip.id === this.current);
    if (position >= 0) this.box.scrollLeft = position * STEP_PX - (this.box.clientWidth - STEP_PX) / 2;
  }

  draw() {
    const first = Math.max(0, Math.floor(this.box.scrollLeft / STEP_PX) - MARGIN);
    const end = Math.min(this.clips.length, Math.ceil((this.box.scrollLeft + this.box.clientWidth) / STEP_PX) + MARGIN);
    const wanted = new Set(this.clips.slice(first, end).map((clip) => clip.id));
    for (const [id, item] of this.items) {
      if (!wanted.has(id)) {
        item.remove();
        this.items.delete(id);
      }
    }
    let next = this.inner.firstChild;
    for (let position = first; position < end; position += 1) {
      const item = this.place(this.clips[position], position);
      // In the page as they are seen, for those who hear it; only what is out of place moves, so that the focus stays.
      if (item === next) next = next.nextSibling;
      else this.inner.insertBefore(item, next);
    }
    this.waiting = this.waiting.filter((id) => this.items.has(id));
    this.load();
  }

  place(clip, position) {
    let item = this.items.get(clip.id);
    if (!item) {
      item = document.createElement("button");
      item.type = "button";
      item.className = "item";
      item.dataset.id = clip.id;
      item.append(make("span", "picture"), make("span", "sign"), make("span", "caption"));
      item.addEventListener("click", () => this.onChoose(clip.id));
      this.items.set(clip.id, item);
      this.waiting.push(clip.id);
    }
    item.style.left = `${position * STEP_PX}px`;
    item.dataset.verdict = clip.verdict ?? "";
    item.tabIndex = clip.id === this.current ? 0 : -1;
    item.querySelector(".caption").textContent = clip.name.split("/").pop();
    item.querySelector(".sign").textContent = SIGNS[clip.verdict] ?? "";
    item.title = clip.name;
    const state = WORDS[clip.verdict] ?? "unlabelled";
    item.setAttribute("aria-label", `${clip.name}, ${state}, ${position + 1} of ${this.clips.length}`);
    if (clip.id === this.current) item.setAttribute("aria-current", "true");
    else item.removeAttribute("aria-current");
    return item;
  }

  load() {
    while (this.loading < AT_ONCE && this.waiting.length) {
      const id = this.waiting.shift();
      const picture = new Image();
      this.loading += 1;
      const done = () => {
        this.loading -= 1;
        this.load();
      };
      picture.alt = "";
      picture.onload = () => {
        this.items.get(id)?.querySelector(".picture").replaceChildren(picture);
        done();
      };
      picture.onerror = () => {
        this.items.get(id)?.querySelector(".picture").replaceChildren(make("span", "none", "no picture"));
        done();
      };
      picture.src = `/api/clips/${id}/thumbnail`;
    }
  }
}

function make(tag, name, text = "") {
  const element = document.createElement(tag);
  element.className = name;
  element.textContent = text;
  return element;
}
