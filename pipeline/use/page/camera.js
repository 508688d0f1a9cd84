// The camera: one frame in flight, the newest one, and what is shown is the frame that the answer is about.

import { askFaces, Busy, Refused, second } from "./asking.js";

const WIDTH = 640; // pixels that a frame is sent with at most
const QUALITY = 0.9;
const LOST = 5; // frames in a row that are not answered: by then nobody answers
const REASONS = {
  NotAllowedError: "The browser was not allowed to use the camera. Allow it for this page and try again.",
  NotFoundError: "There is no camera.",
  NotReadableError: "The camera is used by another program. Close that and try again.",
};

// A running camera. show(canvas, answer, seconds since the frame was taken) is called for each answer; the canvas keeps
// its frame until the next call. ended(reason) is called if it ends by itself. Gives a function that switches it off.
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
  try {
    await video.play();
  } catch (error) {
    stop();
    throw new Refused(`The camera does not start: ${error.message}`);
  }
  follow(video, show, () => running).catch((error) => {
    fail(error instanceof Refused ? error.message : "The page failed. See the browser's console.");
    if (!(error instanceof Refused)) throw error;
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
  // One is shown, and may be kept, while the other takes the next frame.
  let [canvas, shown] = [document.createElement("canvas"), document.createElement("canvas")];
  let last = -1;
  let lost = 0;
  while (isRunning()) {
    await repaint();
    if (document.hidden || video.currentTime === last) continue; // no newer frame yet
    last = video.currentTime;
    const taken = performance.now();
    const answer = await ask(take(video, canvas));
    if (answer && isRunning()) {
      show(canvas, answer, (performance.now() - taken) / 1000);
      [canvas, shown] = [shown, canvas];
    }
  }

  // What is said of a frame; null if it is not answered, and it is time to take a newer one.
  async function ask(frame) {
    try {
      const answer = await askFaces(await frame, "camera");
      lost = 0;
      return answer;
    } catch (error) {
      if (!(error instanceof Refused) || (!(error instanceof Busy) && ++lost === LOST)) throw error;
      await second();
      return null;
    }
  }
}

// The frame of this moment, drawn and as a JPEG.
function take(video, canvas) {
  const scale = Math.min(1, WIDTH / video.videoWidth);
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
}

// The next time that the browser draws the page; never while it is hidden.
const repaint = () => new Promise((resolve) => requestAnimationFrame(resolve));
