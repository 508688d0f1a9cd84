// The camera: one frame in flight, the newest one, and what is shown is the frame that the answer is about.

import { askFaces, Refused } from "./asking.js";

const WIDTH = 640; // pixels that a frame is sent with at most
const QUALITY = 0.9;
const REASONS = {
  NotAllowedError: "The browser was not allowed to use the camera. Allow it for this page and try again.",
  NotFoundError: "There is no camera.",
  NotReadableError: "The camera is used by another program. Close that and try again.",
};

// A running camera. show(canvas, answer, seconds since the frame was taken) is called for each answer, and
// ended(reason) if it ends by itself. Gives a function that switches it off.
export async function startCamera(show, ended) {
  const stream = await open();
  const video = document.createElement("video");
  video.muted = video.playsInline = true;
  video.srcObject = stream;
  let running = true;
  const stop = () => {
    running = false;
    stream.getTracks().forEach((track) => track.stop());
  };
  const fail = (reason) => {
    if (running) {
      stop();
      ended(reason);
    }
  };
  stream.getVideoTracks()[0].addEventListener("ended", () => fail("The camera has been taken away."));
  await video.play();
  follow(video, show, () => running).catch((error) => {
    if (!(error instanceof Refused)) throw error;
    fail(error.message);
  });
  return stop;
}

async function open() {
  // Over plain HTTP browsers have cameras only for pages of their own machine.
  if (!navigator.mediaDevices) {
    throw new Refused(`The browser gives no camera to ${location.host}. Open 127.0.0.1 on the machine itself.`);
  }
  try {
    return await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: WIDTH }, facingMode: "user" } });
  } catch (error) {
    throw new Refused(REASONS[error.name] ?? `The camera does not start: ${error.message}.`);
  }
}

async function follow(video, show, isRunning) {
  const canvas = document.createElement("canvas");
  let last = -1;
  while (isRunning()) {
    await repaint();
    if (document.hidden || video.currentTime === last) continue; // no newer frame yet
    last = video.currentTime;
    const taken = performance.now();
    const scale = Math.min(1, WIDTH / video.videoWidth);
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    const frame = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
    const answer = await askFaces(frame, "camera");
    if (isRunning()) show(canvas, answer, (performance.now() - taken) / 1000);
  }
}

// The next time that the browser draws the page; never while it is hidden.
const repaint = () => new Promise((resolve) => requestAnimationFrame(resolve));
