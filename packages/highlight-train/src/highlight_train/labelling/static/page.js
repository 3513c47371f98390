// The page: what is known of the clips, which one is shown, and what each key does.

import { drawCounts, drawLine, drawModel, drawSpans, drawVerdict } from "/static/details.js";
import { reordered } from "/static/order.js";
import { ask, say } from "/static/server.js";
import { Stage } from "/static/stage.js";
import { Strip } from "/static/strip.js";
import { clock } from "/static/times.js";

const POLL_MS = 2000;
const SEEK_SECONDS = 2;
const UNMARKED = { verdict: null, spans: [] };
const SAID = { highlight: "highlight", normal: "normal", skip: "skipped" };

const find = (id) => document.getElementById(id);

const clips = new Map(); // id -> {id, name, index, verdict, spans, score, saved}; saved: the last verdict and spans the server told
const visited = new Set();
let order = [];
let current = null;
let revision = 0;
let scored = 0;
let scoring = null;
let unsaved = 0;
let start = null;
let end = null;

const stage = new Stage(find, drawTimes);
const strip = new Strip(find("strip"), find("strip-inner"), (id) => go(id));

// What the server knows

async function load() {
  const all = await ask("/api/library");
  all.clips.forEach(({ id, name }, index) => {
    clips.set(id, { id, name, index, score: null, ...UNMARKED, saved: UNMARKED });
  });
  order = [...clips.keys()];
  find("file").textContent = all.labels_file;
  document.title = `Label clips: ${all.library}`;
  take(all, 0);
}

function take(news, from) {
  if (news.revision < revision) return; // overtaken by a later answer
  revision = news.revision;
  for (const [id, mark] of Object.entries(news.marks)) Object.assign(clips.get(id), mark, { saved: mark });
  for (const [id, score] of news.scores) clips.get(id).score = score;
  scored = Math.max(scored, from + news.scores.length);
  scoring = news.scoring;
  if (news.scores.length) order = reordered(order, clips, (id) => visited.has(id) || clips.get(id).verdict !== null);
  draw();
}

const known = () => `since=${revision}&scored=${scored}`;

async function poll() {
  if (document.visibilityState === "visible" && clips.size) {
    const from = scored;
    try {
      take(await ask(`/api/changes?${known()}`), from);
      if (!unsaved) warn(null, "server");
    } catch (error) {
      warn(error.message, "server");
    }
  }
  setTimeout(poll, POLL_MS);
}

async function send(path, body) {
  unsaved += 1;
  drawSaved();
  let from = 0;
  try {
    const answer = await say(() => {
      from = scored;
      return `${path}?${known()}`;
    }, body);
    take(answer, from);
    warn(null, "label");
    return answer;
  } catch (error) {
    warn(`Not saved: ${error.message}`, "label");
    return null;
  } finally {
    unsaved -= 1;
    drawSaved();
  }
}

// Keys and buttons

async function label(verdict) {
  if (current === null) return;
  const clip = clips.get(current);
  if (start !== null || end !== null) {
    await labelSpan(clip, verdict);
    return;
  }
  const saved = send(`/api/clips/${clip.id}/mark`, { verdict });
  Object.assign(clip, { verdict, spans: [] });
  const next = nextUnlabelled();
  if (next === null) draw();
  else go(next);
  tell(`${clip.name}: ${SAID[verdict]}${next === null ? ". Every clip is labelled or skipped" : ""}`);
  if (!(await saved)) {
    Object.assign(clip, clip.saved); // it was shown before it was saved
    draw();
  }
}

async function labelSpan(clip, verdict) {
  if (verdict === "skip") {
    tell("Skip is for whole clips: drop the marks first (Esc)");
  } else if (start === null || end === null) {
    tell(start === null ? "Mark where the span starts (I) first" : "Mark where the span ends (O) first, or drop the mark (Esc)");
  } else {
    await saySpan(clip, verdict, [start, end]);
  }
}

async function saySpan(clip, verdict, span) {
  if (!(await send(`/api/clips/${clip.id}/mark`, { verdict, span }))) return;
  tell(`${clip.name}, ${clock(span[0])} to ${clock(span[1])}: ${verdict}`);
  if (current === clip.id) drop();
}

async function undo() {
  const answer = await send("/api/undo", {});
  if (!answer) return;
  if (answer.clip === null) {
    tell("Nothing to undo");
  } else {
    if (answer.clip !== current) go(answer.clip);
    tell(`Undone: ${clips.get(answer.clip).name}`);
  }
}

function mark(which) {
  const time = stage.time === null ? null : Math.round(stage.time * 1000) / 1000;
  if (time === null) {
    tell(stage.sheet ? "Choose a frame first" : "The clip is not there yet");
  } else if (which === "start") {
    start = time;
    if (end !== null && end <= start) end = null;
    tell(`The span starts at ${clock(start)}`);
  } else if (start !== null && time <= start) {
    tell(`The end must come after the start, ${clock(start)}`);
  } else {
    end = time;
    tell(`The span ends at ${clock(end)}`);
  }
  drawTimes();
}

function drop() {
  start = null;
  end = null;
  drawTimes();
}

function go(id) {
  current = id;
  visited.add(id);
  start = null;
  end = null;
  tell("");
  history.replaceState(null, "", `/#${id}`); // a reload comes back to it; and the key leaves the address bar
  stage.show(clips.get(id));
  draw();
}

function move(step) {
  const shown = visible();
  const next = shown[shown.findIndex((clip) => clip.id === current) + step];
  if (next) go(next.id);
  else tell(step > 0 ? "This is the last clip" : "This is the first clip");
}

function nextUnlabelled() {
  const position = order.indexOf(current);
  const later = [...order.slice(position + 1), ...order.slice(0, Math.max(position, 0))];
  return later.find((id) => clips.get(id).verdict === null) ?? null;
}

function visible() {
  const all = order.map((id) => clips.get(id));
  return find("filter").checked ? all.filter((clip) => clip.verdict === null || clip.id === current) : all;
}

function toggleHelp() {
  const help = find("help");
  if (help.open) help.close();
  else help.showModal();
}

const ACTIONS = {
  h: () => label("highlight"),
  n: () => label("normal"),
  s: () => label("skip"),
  u: undo,
  i: () => mark("start"),
  o: () => mark("end"),
  escape: drop,
  " ": () => stage.toggle(),
  j: () => stage.step(-SEEK_SECONDS),
  l: () => stage.step(SEEK_SECONDS),
  arrowleft: () => move(-1),
  arrowright: () => move(1),
  "?": toggleHelp,
};
const REPEATING = new Set(["arrowleft", "arrowright", "j", "l"]);

document.addEventListener("keydown", (event) => {
  const key = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey || event.altKey || !(key in ACTIONS)) return;
  if (find("help").open && key !== "?") return;
  if (key === " " && event.target.closest("button, input")) return; // it presses what has the focus
  event.preventDefault();
  if (!event.repeat || REPEATING.has(key)) ACTIONS[key]();
});

for (const button of document.querySelectorAll("[data-key]")) {
  button.addEventListener("click", () => ACTIONS[button.dataset.key]());
}
document.addEventListener("click", (event) => {
  // After a click with the mouse the space bar is to play, not to press the same button again.
  if (event.detail > 0) event.target.closest("button")?.blur();
});
find("open-help").addEventListener("click", toggleHelp);
find("close-help").addEventListener("click", toggleHelp);
find("filter").addEventListener("change", () => {
  draw();
  strip.reveal();
});
window.addEventListener("beforeunload", (event) => unsaved && event.preventDefault());

// What is seen

function draw() {
  if (current === null) return;
  const clip = clips.get(current);
  const shown = visible();
  drawCounts(find, [...clips.values()]);
  find("name").textContent = clip.name;
  find("place").textContent = `${shown.indexOf(clip) + 1} of ${shown.length}${find("filter").checked ? " unlabelled" : ""}`;
  find("score").textContent = clip.score === null ? "" : `model: ${clip.score.toFixed(2)}`;
  drawVerdict(find, clip);
  drawSpans(find, clip, {
    seek: (span) => stage.seek(span[0]),
    remove: (span) => saySpan(clip, "normal", span),
  });
  drawModel(find, scoring);
  drawTimes();
  strip.show(shown, current);
}

function drawTimes() {
  if (current !== null) drawLine(find, { spans: clips.get(current).spans, start, end, length: stage.duration, now: stage.time });
}

function drawSaved() {
  find("saved").textContent = unsaved ? "Saving…" : find("alert").dataset.cause === "label" ? "Not saved" : "All labels saved";
}

function tell(text) {
  find("status").textContent = text;
}

function warn(text, cause) {
  const box = find("alert");
  if (text === null) {
    if (box.dataset.cause !== cause) return;
    delete box.dataset.cause;
  } else {
    box.dataset.cause = cause;
  }
  if (box.textContent !== (text ?? "")) box.textContent = text ?? "";
  box.hidden = text === null;
}

try {
  await load();
  const wanted = location.hash.slice(1);
  go(clips.has(wanted) ? wanted : (order.find((id) => clips.get(id).verdict === null) ?? order[0]));
  drawSaved();
} catch (error) {
  warn(error.message, "server");
}
poll();
