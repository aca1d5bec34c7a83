"use strict";
// Protocol: ITU-R BS.1534-3 (2015), with one anchor. All of it runs in this page; ratings leave it as a CSV file only.

const FADE_SECONDS = 0.01; // from one sound to another: short enough to be immediate, long enough not to click
const SCREENING_RATING = 90; // post-screening: who rates the hidden reference below this ...
const SCREENING_SHARE = 0.15; // ... in more than this share of the trials is set aside

const material = JSON.parse(document.getElementById("material").textContent);
const key = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(material.key), (c) => c.charCodeAt(0))));
const storeName = "listening-test-" + material.id;
const element = (id) => document.getElementById(id);

// ---- what is remembered: who listens, in which order, and all ratings so far

let progress = remembered();

function remembered() {
  try {
    const kept = JSON.parse(localStorage.getItem(storeName));
    return Array.isArray(kept?.trials) ? kept : null;
  } catch {
    return null; // a browser that stores nothing for files: the test works, but not across a reload
  }
}

function remember() {
  try {
    if (progress) localStorage.setItem(storeName, JSON.stringify(progress));
    else localStorage.removeItem(storeName);
  } catch {
    // as above
  }
}

// Marsaglia 2003, "Xorshift RNGs": enough for shuffling, and the same in every browser.
function randomNumbers(seed) {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function shuffled(count, random) {
  const order = [...Array(count).keys()];
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

function begin(listener, experience) {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0];
  const random = randomNumbers(seed);
  for (let i = 0; i < 16; i++) random(); // a small seed starts with small numbers
  const unrated = (trial) => {
    const order = shuffled(material.sounds[trial].length, random);
    return { trial, order, ratings: order.map(() => null), heard: order.map(() => false), seconds: 0 };
  };
  const trials = shuffled(key.length, random).map(unrated);
  const practice = { ...unrated(trials.at(-1).trial), isPractice: true }; // of what comes last: first impressions stay
  progress = { listener, experience, seed, position: 0, trials: [practice, ...trials] };
  remember();
}

const scored = () => progress.trials.filter((row) => !row.isPractice);

// ---- sound: everything of a trial runs at once, in step, and only one of it is let through

const player = { context: null, buffers: [], gains: [], sources: [], active: null };

async function load(sounds) {
  player.context ??= new AudioContext();
  const bytes = (uri) => Uint8Array.from(atob(uri.slice(uri.indexOf(",") + 1)), (c) => c.charCodeAt(0)).buffer;
  return Promise.all(sounds.map((uri) => player.context.decodeAudioData(bytes(uri))));
}

function startAll() {
  const context = player.context;
  const when = context.currentTime + 0.05;
  player.gains = player.buffers.map(() => new GainNode(context, { gain: 0 }));
  player.sources = player.buffers.map((buffer, index) => {
    const source = new AudioBufferSourceNode(context, { buffer, loop: true });
    source.connect(player.gains[index]).connect(context.destination);
    source.start(when);
    return source;
  });
}

function play(index) {
  if (!player.buffers.length) return;
  player.context.resume();
  if (player.active === null) startAll();
  const now = player.context.currentTime;
  player.gains.forEach((node, other) => {
    node.gain.cancelScheduledValues(now);
    node.gain.setValueAtTime(node.gain.value, now);
    node.gain.linearRampToValueAtTime(other === index ? 1 : 0, now + FADE_SECONDS);
  });
  player.active = index;
}

function stop() {
  player.sources.forEach((source) => source.stop());
  player.gains.forEach((node) => node.disconnect());
  player.sources = [];
  player.gains = [];
  player.active = null;
}

// ---- one trial

let shownAt = 0;
let chosen = null; // "reference", or the number of a row

const current = () => progress.trials[progress.position];

function tick() {
  const now = performance.now();
  current().seconds += (now - shownAt) / 1000;
  shownAt = now;
  remember();
}

function choose(what) {
  const row = current();
  if (what === null) stop();
  else play(what === "reference" ? key[row.trial].reference : row.order[what]);
  chosen = player.active === null ? null : what;
  if (typeof chosen === "number") row.heard[chosen] = true;
  tick();
  refresh();
}

function refresh() {
  const row = current();
  element("reference").setAttribute("aria-pressed", String(chosen === "reference"));
  [...element("rows").children].forEach((line, index) => {
    line.querySelector("button").setAttribute("aria-pressed", String(chosen === index));
    line.querySelector("input").disabled = !row.heard[index];
    line.querySelector("output").textContent = row.ratings[index] ?? "–";
  });
  const missing = row.ratings.filter((rating) => rating === null).length;
  element("next").disabled = missing > 0;
  element("missing").textContent = missing ? `${missing} to be heard and rated` : "";
  element("next").textContent = progress.position + 1 < progress.trials.length ? "Next" : "Finish";
}

function makeRow(index) {
  const name = `Sound ${String.fromCharCode(65 + index)}`;
  const line = document.createElement("div");
  line.className = "row";
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
  button.addEventListener("click", () => choose(index));
  const slider = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 100, step: 1 });
  slider.value = current().ratings[index] ?? 50;
  slider.setAttribute("aria-label", `Rating of ${name}`);
  const rate = () => {
    current().ratings[index] = Number(slider.value);
    tick();
    refresh();
  };
  slider.addEventListener("input", rate);
  slider.addEventListener("change", rate); // a click in the middle does not move a slider that is there already
  slider.addEventListener("pointerup", () => slider.disabled || rate());
  line.append(button, slider, document.createElement("output"));
  return line;
}

async function showTrial() {
  show("trial");
  const row = current();
  element("heading").textContent = row.isPractice
    ? "Practice: nothing here counts"
    : `Trial ${scored().indexOf(row) + 1} of ${scored().length}`;
  element("rows").replaceChildren(...row.order.map((_, index) => makeRow(index)));
  element("state").textContent = "loading …";
  player.buffers = [];
  shownAt = performance.now();
  refresh();
  const buffers = await load(material.sounds[row.trial]);
  if (progress?.trials[progress.position] !== row) return; // somebody was quicker: these are the sounds of another trial
  player.buffers = buffers;
  element("state").textContent = "";
}

function next() {
  choose(null);
  progress.position += 1;
  remember();
  route();
}

// ---- results

function screening() {
  const all = scored().map((row) => row.ratings[row.order.indexOf(key[row.trial].reference)]);
  const ratings = all.filter((rating) => rating !== null); // a test may be left half-way
  const low = ratings.filter((rating) => rating < SCREENING_RATING).length;
  return { low, count: ratings.length, isFlagged: low / ratings.length > SCREENING_SHARE };
}

function csv() {
  const quoted = (value) => `"${String(value).replaceAll('"', '""')}"`;
  const { isFlagged } = screening();
  const header =
    "test,listener,experience,trial,excerpt,condition,rating,trial_order,sound_order,seed,seconds,reference_below_90_too_often";
  const lines = scored().flatMap((row, trialOrder) =>
    row.order.map((sound, soundOrder) =>
      [
        quoted(material.id),
        quoted(progress.listener),
        progress.experience,
        row.trial + 1,
        quoted(key[row.trial].name),
        quoted(key[row.trial].conditions[sound]),
        row.ratings[soundOrder],
        trialOrder + 1,
        soundOrder + 1,
        progress.seed,
        row.seconds.toFixed(1),
        isFlagged,
      ].join(","),
    ),
  );
  return "\ufeff" + [header, ...lines].join("\r\n") + "\r\n"; // the mark tells spreadsheets that it is UTF-8
}

function download() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
  link.download = `listening-test-${progress.listener.replaceAll(/[^\p{L}\p{N}_-]+/gu, "-")}-${progress.seed}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // some browsers read it later
  progress.isDownloaded = true;
  remember();
}

// ---- pages

function show(id) {
  for (const name of ["start", "trial", "end"]) element(name).hidden = name !== id;
}

function showEnd() {
  show("end");
  const { low, count, isFlagged } = screening();
  element("screening").textContent = isFlagged
    ? `The hidden reference was rated below ${SCREENING_RATING} in ${low} of ${count} trials: these results are marked ` +
      "for post-screening (ITU-R BS.1534-3)."
    : "";
}

function route() {
  if (!progress) show("start");
  else if (progress.position >= progress.trials.length) showEnd();
  else showTrial().catch(fail);
}

function fail(error) {
  element("failure").hidden = false;
  element("failure").textContent = `The sounds cannot be played in this browser (${error.message}). Try another one.`;
}

element("who").addEventListener("submit", (event) => {
  event.preventDefault();
  begin(element("listener").value.trim(), new FormData(element("who")).get("experience"));
  route();
});
element("reference").addEventListener("click", () => choose("reference"));
element("stop").addEventListener("click", () => choose(null));
element("next").addEventListener("click", next);
element("download").addEventListener("click", download);
function anew() {
  if (progress && !progress.isDownloaded) download(); // nothing is lost
  progress = null;
  remember();
  element("who").reset();
  route();
}

element("again").addEventListener("click", anew);
document.addEventListener("keydown", (event) => {
  if (element("trial").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
  const number = Number.parseInt(event.key, 10);
  if (event.key.toLowerCase() === "r") choose("reference");
  else if (number === 0) choose(null);
  else if (number <= current().order.length) choose(number - 1);
});
if (progress && !confirm(`Go on as ${progress.listener}? If not, the ratings so far are downloaded and a new test begins.`))
  anew();
else route();
