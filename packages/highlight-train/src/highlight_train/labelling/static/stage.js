// Shows a clip: plays it where the browser can, else as pictures from the server, else says why there is nothing.

import { ask } from "/static/server.js";
import { clock } from "/static/times.js";

const CALM = matchMedia("(prefers-reduced-motion: reduce)");

export class Stage {
  constructor(find, onChange) {
    this.box = find("stage");
    this.video = find("video");
    this.fallback = find("fallback");
    this.reason = find("fallback-reason");
    this.moments = find("moments");
    this.gone = find("gone");
    this.goneReason = find("gone-reason");
    this.onChange = onChange;
    this.clip = null;
    this.sheet = null; // {duration, time} while pictures stand for the film
    this.video.addEventListener("error", () => this.fall());
    this.video.addEventListener("loadedmetadata", () => {
      if (this.video.videoWidth === 0) this.fall(); // it found sound that it knows, and a picture that it does not
      this.onChange();
    });
    for (const name of ["timeupdate", "seeked", "durationchange"]) this.video.addEventListener(name, () => this.onChange());
  }

  show(clip) {
    this.clip = clip;
    this.sheet = null;
    this.reveal(this.video, "film");
    this.video.src = `/api/clips/${clip.id}/video`;
    if (!CALM.matches) this.video.play().catch(() => {}); // where it may not start by itself, the space bar starts it
    this.onChange();
  }

  get duration() {
    const duration = this.sheet ? this.sheet.duration : this.video.duration;
    return Number.isFinite(duration) ? duration : null;
  }

  get time() {
    if (this.sheet) return this.sheet.time;
    return this.video.readyState > 0 && !this.video.hidden ? this.video.currentTime : null;
  }

  toggle() {
    if (this.sheet || this.video.hidden) return;
    if (this.video.paused) this.video.play().catch(() => {});
    else this.video.pause();
  }

  seek(seconds) {
    if (this.sheet) {
      const buttons = [...this.moments.querySelectorAll("button")];
      const away = (button) => Math.abs(Number(button.dataset.seconds) - seconds);
      this.choose(buttons.reduce((best, button) => (away(button) < away(best) ? button : best)));
    } else if (this.time !== null) {
      this.video.currentTime = Math.max(0, Math.min(seconds, this.duration ?? seconds));
    }
  }

  step(seconds) {
    if (this.sheet || this.time === null) return;
    this.seek(this.time + seconds);
  }

  async fall() {
    const clip = this.clip;
    this.video.removeAttribute("src");
    this.video.load();
    this.goneReason.textContent = "The browser cannot play this clip. Fetching pictures from it…";
    this.reveal(this.gone, "waiting");
    let sheet;
    let failure = null;
    try {
      sheet = await ask(`/api/clips/${clip.id}/moments`);
    } catch (error) {
      failure = error;
    }
    if (this.clip !== clip) return; // somebody has moved on
    if (failure) {
      this.box.dataset.state = "failed";
      this.goneReason.textContent = `This clip cannot be shown: ${failure.message}`;
    } else {
      this.lay(clip, sheet);
    }
    this.onChange();
  }

  lay(clip, sheet) {
    this.sheet = { duration: sheet.duration_seconds, time: null };
    this.reason.textContent =
      "This browser cannot play this clip: it lacks the codec (H.265 is the usual one) or the file is damaged. " +
      "Here are frames from it with their times; choose one to set the time for I and O." +
      (sheet.remark ? ` About the file: ${sheet.remark}.` : "");
    this.moments.replaceChildren(...sheet.times_seconds.map((seconds, number) => this.moment(clip, seconds, number)));
    this.reveal(this.fallback, "pictures");
  }

  moment(clip, seconds, number) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    const picture = new Image();
    const time = document.createElement("span");
    picture.alt = "";
    picture.src = `/api/clips/${clip.id}/moments/${number}`;
    time.textContent = clock(seconds);
    button.type = "button";
    button.dataset.seconds = seconds;
    button.setAttribute("aria-label", `Frame at ${clock(seconds)}`);
    button.setAttribute("aria-pressed", "false");
    button.append(picture, time);
    button.addEventListener("click", () => this.choose(button));
    item.append(button);
    return item;
  }

  choose(chosen) {
    for (const button of this.moments.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button === chosen));
    }
    this.sheet.time = Number(chosen.dataset.seconds);
    this.onChange();
  }

  reveal(shown, state) {
    this.box.dataset.state = state;
    for (const part of [this.video, this.fallback, this.gone]) part.hidden = part !== shown;
  }
}
