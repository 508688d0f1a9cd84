// The page: what is given goes to the server one after another, and what comes back is shown and kept for the table.

import { askAbout, askFaces, Refused } from "./asking.js";
import { startCamera } from "./camera.js";
import { makeRefusal, makeView } from "./views.js";

const part = Object.fromEntries([...document.querySelectorAll("[id]")].map((element) => [element.id, element]));
const SHOWN = 40; // at most: a picture takes some 10 MB of memory
const waiting = []; // files that are still to be looked at
let rows = []; // of the faces that are shown below, for the table
let about;
let looking = false;
let stopCamera = null;

const say = (text) => (part.status.textContent = text);
const complain = (text) => (part.problem.textContent = text);
const many = (number, one) => `${number} ${one}${number === 1 ? "" : "s"}`;

// What one-line errors are made of; anything else is a defect and goes on.
async function attempt(doing, otherwise) {
  try {
    return await doing();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return otherwise(error.message);
  }
}

function keep(element, newRows = []) {
  part.views.prepend(element);
  part.kept.hidden = false;
  if (part.views.childElementCount > SHOWN) {
    part.views.lastElementChild.remove();
    part.older.hidden = false;
  }
  rows.push(...newRows);
  part.download.disabled = !rows.length;
}

async function lookAt(file) {
  if (!file.size) throw new Refused("is empty; give a JPEG or a PNG");
  if (file.size > about.max_bytes) throw new Refused(`is larger than ${about.max_bytes >> 20} MB; reduce it`);
  const answer = await askFaces(file, file.name);
  let shown;
  try {
    shown = await createImageBitmap(file); // turned as EXIF says, as the server does it
  } catch {
    throw new Refused("was read by fercrop, but this browser cannot show it");
  }
  const view = makeView(file.name, about);
  view.show(shown, answer, `${answer.milliseconds} ms`);
  shown.close();
  keep(view.element, answer.faces.map((face) => face.row));
  return answer.faces.length;
}

async function give(files) {
  waiting.push(...files);
  if (looking || !waiting.length) return;
  looking = true;
  complain("");
  let [done, faces, refused] = [0, 0, 0];
  for (let file; (file = waiting.shift()); done++) {
    say(`Looking at ${file.name}${waiting.length ? `, ${waiting.length} more to come` : ""} …`);
    faces += await attempt(
      () => lookAt(file),
      (reason) => {
        const line = reason.replace(`${file.name}: `, "");
        keep(makeRefusal(file.name, line));
        complain(`${file.name}: ${line}`);
        refused++;
        return 0;
      },
    );
  }
  const seen = done - refused;
  say(seen ? `${many(seen, "photograph")}, ${faces ? many(faces, "face") : "no face was found"}.` : "");
  looking = false;
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
    keep(kept.element, latest.answer.faces.map(({ row: [, ...others] }) => [name, ...others]));
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
  const lines = [about.columns, ...rows].map((row) => row.map(quoted).join(","));
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
