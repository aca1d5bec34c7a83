// Takes the listening test: node listening_page_driver.js PAGE prints the headings that were shown and the CSV file.
"use strict";

const page = require("node:fs").readFileSync(process.argv[2], "utf8");
const material = page.match(/<script type="application\/json" id="material">(.*?)<\/script>/s)[1];
const script = page.match(/<script>\s*([\s\S]*?)<\/script>\s*<\/body>/)[1];

class Element {
  constructor(tag = "") {
    Object.assign(this, { tag, hidden: false, disabled: false, value: "", textContent: "", children: [], told: {} });
  }
  addEventListener(event, action) {
    (this.told[event] ??= []).push(action);
  }
  tell(event) {
    for (const action of this.told[event] ?? []) action({ preventDefault() {} });
  }
  click() {
    this.tell("click");
  }
  append(...children) {
    this.children.push(...children);
  }
  replaceChildren(...children) {
    this.children = children;
  }
  querySelector(tag) {
    return this.children.find((child) => child.tag === tag);
  }
  setAttribute() {}
  reset() {}
}

class AudioNode {
  gain = { value: 0, cancelScheduledValues() {}, setValueAtTime() {}, linearRampToValueAtTime() {} };
  connect(next) {
    return next;
  }
  disconnect() {}
  start() {}
  stop() {}
}

const elements = {};
const kept = {};
let saved = "";
let made = null;
const browser = {
  document: {
    getElementById: (id) => (elements[id] ??= new Element()),
    createElement: (tag) => (made = new Element(tag)),
    addEventListener() {},
  },
  localStorage: {
    getItem: (name) => kept[name] ?? null,
    setItem: (name, text) => (kept[name] = text),
    removeItem: (name) => delete kept[name],
  },
  AudioContext: class {
    currentTime = 0;
    resume() {}
    decodeAudioData = async (bytes) => bytes;
  },
  GainNode: AudioNode,
  AudioBufferSourceNode: AudioNode,
  FormData: class {
    get = () => "trained";
  },
  Blob: class {
    constructor(parts) {
      saved = parts.join("");
    }
  },
  URL: { createObjectURL: () => "", revokeObjectURL() {} },
  confirm: () => true,
  setTimeout() {},
};
browser.document.getElementById("material").textContent = material;
const run = new Function(...Object.keys(browser), `${script}\nreturn { progress: () => progress, key };`);
const { progress, key } = run(...Object.values(browser));

async function listen() {
  const headings = [];
  elements.listener = Object.assign(new Element(), { value: 'Zoë "A", B' });
  elements.who.tell("submit");
  while (!elements.trial.hidden) {
    await new Promise(setImmediate);
    headings.push(elements.heading.textContent);
    const row = progress().trials[progress().position];
    elements.rows.children.forEach((line, index) => {
      if (!elements.next.disabled) throw new Error("could leave before everything was rated");
      if (!line.querySelector("input").disabled) throw new Error("could rate before listening");
      line.querySelector("button").click();
      const isReference = row.order[index] === key[row.trial].reference;
      line.querySelector("input").value = row.isPractice ? 1 : isReference ? 100 : 10 * row.order[index];
      line.querySelector("input").tell("input");
    });
    elements.next.click();
  }
  elements.download.click();
  console.log(JSON.stringify({ headings, key, csv: saved, file: made.download }));
}

listen();
