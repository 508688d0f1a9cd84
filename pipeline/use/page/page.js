// The page: what is given goes to the server one after another, and what comes back is shown and kept for the table.

import { askAbout, askPatiently, Refused } from "./asking.js";
import { startCamera } from "./camera.js";
import { makeRefusal, makeView } from "./views.js";

const part = Object.fromEntries([...document.querySelectorAll("[id]")].map((element) => [element.id, element]));
const SHOWN = 40; // at most: a picture takes some 10 MB of memory
const waiting = []; // files that are still to be looked at
let rows = []; // of all that was given, for the table
let about;
let looking = false;
let stopCamera = null;

const say = (text) => (part.status.textContent = text);
const complain = (text) => (part.problem.textContent = text);
const many = (number, one) => `${number} ${one}${number === 1 ? "" : "s"}`;

// What one-line errors are made of. Anything else is a defect, for the console, which is not to end what follows.
async function attempt(doing, otherwise) {
  try {
    return await doing();
  } catch (error) {
    if (error instanceof Refused) return otherwise(error.message);
    reportError(error);
    return otherwise("The page failed. See the browser's console.");
  }
}

function keep(element, newRows) {
  part.views.prepend(element);
  part.kept.hidden = false;
  if (part.views.childElementCount > SHOWN) {
    part.views.lastElementChild.remove();
    part.older.hidden = false;
  }
  rows.push(...newRows);
}

// Turned as EXIF says, as the server does it; null if this browser does not know the format, or not how it is turned.
async function picture(file, { width, height }) {
  const shown = await createImageBitmap(file).catch(() => null);
  return shown?.width === width && shown.height === height ? shown : null;
}

async function lookAt(file) {
  if (!file.size) throw new Refused("is empty; give a photograph");
  if (file.size > about.max_bytes) throw new Refused(`is larger than ${about.max_bytes >> 20} MB; reduce it`);
  const answer = await askPatiently(file, file.name);
  const shown = await picture(file, answer);
  const view = makeView(file.name, about);
  view.show(shown, answer, `${answer.milliseconds} ms${shown ? "" : " · this browser cannot show the picture"}`);
  shown?.close();
  keep(view.element, answer.rows);
  return answer.faces.length;
}

async function give(files) {
  waiting.push(...files);
  if (looking || !waiting.length) return;
  looking = true;
  try {
    await lookAtAll();
  } finally {
    looking = false;
  }
}

async function lookAtAll() {
  complain("");
  let [done, faces, refused] = [0, 0, 0];
  for (let file; (file = waiting.shift()); done++) {
    say(`Looking at ${file.name}${waiting.length ? `, ${waiting.length} more to come` : ""} …`);
    faces += await attempt(
      () => lookAt(file),
      (reason) => {
        const line = reason.replace(`${file.name}: `, "");
        keep(makeRefusal(file.name, line), [[file.name, `unreadable: ${line}`]]);
        complain(`${file.name}: ${line}`);
        refused++;
        return 0;
      },
    );
  }
  const seen = done - refused;
  say(seen ? `${many(seen, "photograph")}, ${faces ? many(faces, "face") : "no face was found"}.` : "");
}

function endCamera() {
  stopCamera?.();
  stopCamera = null;
  part.live.replaceChildren();
  part.camera.textContent = "Switch the camera on";
}

async function beginCamera() {
  const view = makeView("Camera", about);
  const button = view.element.querySelector(".keep");
  let latest, answered;
  complain("");
  say("Waiting for the camera …");
  const show = (canvas, answer, seconds) => {
    const now = performance.now();
    const rate = answered ? `${(1000 / (now - answered)).toFixed(0)} frames a second, ` : "";
    answered = now;
    view.show(canvas, answer, `${rate}each ${Math.round(1000 * seconds)} ms old`);
    latest = { answer, canvas };
    button.hidden = false;
  };
  button.addEventListener("click", () => {
    const name = `camera ${new Date().toLocaleTimeString()}`;
    const kept = makeView(name, about);
    kept.show(latest.canvas, latest.answer);
    keep(kept.element, latest.answer.rows.map(([, ...others]) => [name, ...others]));
    say(`Kept as ${name}.`);
  });
  const ended = (reason) => {
    endCamera();
    complain(reason);
    say("The camera is off.");
  };
  stopCamera = await startCamera(show, ended);
  part.live.replaceChildren(view.element);
  part.camera.textContent = "Switch the camera off";
  say("The camera is on.");
}

async function switchCamera() {
  if (stopCamera) {
    endCamera();
    say("The camera is off.");
    return;
  }
  part.camera.disabled = true;
  await attempt(beginCamera, (reason) => {
    say("");
    complain(reason);
  });
  part.camera.disabled = false;
}

function download() {
  const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const line = (row) => about.columns.map((_, place) => quoted(String(row[place] ?? ""))).join(",");
  const lines = [about.columns, ...rows].map(line);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([lines.join("\r\n"), "\r\n"], { type: "text/csv" }));
  link.download = "faces.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function clear() {
  part.views.replaceChildren();
  part.kept.hidden = part.older.hidden = true;
  rows = [];
  complain("");
  say("Cleared.");
  part.files.focus();
}

function listen() {
  for (const input of [part.files, part.take]) {
    input.addEventListener("change", () => {
      give([...input.files]);
      input.value = ""; // so that the same file can be chosen again
    });
  }
  document.addEventListener("paste", (event) => give([...event.clipboardData.files]));
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    part.give.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) part.give.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    part.give.classList.remove("over");
    give([...event.dataTransfer.files]);
  });
  part.camera.addEventListener("click", switchCamera);
  part.download.addEventListener("click", download);
  part.clear.addEventListener("click", clear);
}

async function start() {
  about = await askAbout();
  part.most.textContent = about.max_bytes >> 20;
  part.models.textContent = `Trained on ${about.trained_on}. Faces are found by ${about.face_detector}.`;
  part.caution.hidden = !about.drawn;
  part.caution.textContent = "These models have only seen drawn faces: what they say of real ones means nothing.";
  listen();
  if (about.camera) await switchCamera();
}

attempt(start, complain);
