// Draws what is known of the clips and of the one that is shown.

import { clock } from "/static/times.js";

const WORDS = { highlight: "Highlight", normal: "Normal", skip: "Skipped" };

export function drawCounts(find, clips) {
  const count = (verdict) => clips.filter((clip) => clip.verdict === verdict).length;
  const [highlights, normal, skipped] = [count("highlight"), count("normal"), count("skip")];
  find("progress").max = clips.length;
  find("progress").value = highlights + normal + skipped;
  find("counts").textContent =
    `${highlights + normal} of ${clips.length} labelled: ${highlights} highlight${highlights === 1 ? "" : "s"}, ` +
    `${normal} normal${skipped ? `, ${skipped} skipped` : ""}`;
}

export function drawVerdict(find, clip) {
  find("verdict").textContent = WORDS[clip.verdict] ?? "Unlabelled";
  find("verdict").dataset.verdict = clip.verdict ?? "";
}

export function drawSpans(find, clip, { seek, remove }) {
  find("spans").replaceChildren(
    ...clip.spans.map((span) => {
      const times = `${clock(span[0])} to ${clock(span[1])}`;
      const item = document.createElement("li");
      item.append(
        button(times, `Go to the span from ${times}`, () => seek(span)),
        button("×", `Remove the span from ${times}`, () => remove(span)),
      );
      return item;
    }),
  );
}

function button(text, label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.setAttribute("aria-label", label);
  made.addEventListener("click", act);
  return made;
}

// The line below the film: known spans, the one being marked, and now. Times in seconds; null where there is none.
export function drawLine(find, { spans, start, end, length, now }) {
  const what = start !== null && end !== null ? " span" : "";
  find("highlight-text").textContent = `Highlight${what}`;
  find("normal-text").textContent = `Normal${what}`;
  find("in-text").textContent = start === null ? "Mark start" : `Start ${clock(start)}`;
  find("out-text").textContent = end === null ? "Mark end" : `End ${clock(end)}`;
  find("drop").disabled = start === null && end === null;
  find("line").classList.toggle("empty", length === null);
  if (length === null) return;
  const parts = spans.map((span) => part(span, length, "known"));
  if (start !== null || end !== null) parts.push(part([start ?? end, end ?? start], length, "new"));
  find("line-marks").replaceChildren(...parts);
  find("line-now").hidden = now === null;
  find("line-now").style.left = `${(100 * (now ?? 0)) / length}%`;
}

function part([from, to], length, name) {
  const made = document.createElement("span");
  made.className = name;
  made.style.left = `${(100 * from) / length}%`;
  made.style.width = `${(100 * Math.max(0, Math.min(to, length) - from)) / length}%`;
  return made;
}

export function drawModel(find, scoring) {
  find("model").textContent = !scoring
    ? ""
    : scoring.error
      ? `The model failed: ${scoring.error}`
      : scoring.done < scoring.total
        ? `The model has looked at ${scoring.done} of ${scoring.total}; the least certain come first`
        : "The clips that the model is least certain of come first";
}
