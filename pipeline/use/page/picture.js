// Draws a photograph with what was found in it.

const MOST = 1600; // pixels of the larger side, and
const LEAST = 800; // the least: lines on an enlarged photograph stay fine
const COLOURS = ["#ffd60a", "#5ac8fa", "#ff8ad8", "#7ee787", "#ffa657", "#c8b6ff"];

export const colourOf = (index) => COLOURS[index % COLOURS.length];

// source: what the answer is about, upright: an ImageBitmap or a canvas; null if it cannot be shown.
// contours: lists of numbers of points.
export function draw(canvas, source, answer, contours) {
  const larger = Math.max(answer.width, answer.height);
  const scale = Math.min(MOST, Math.max(LEAST, larger)) / larger;
  canvas.width = Math.max(1, Math.round(answer.width * scale));
  canvas.height = Math.max(1, Math.round(answer.height * scale));
  const pen = canvas.getContext("2d");
  pen.imageSmoothingQuality = "high";
  if (source) pen.drawImage(source, 0, 0, canvas.width, canvas.height);
  answer.faces.forEach((face, index) => drawFace(pen, face, index, contours, scale));
}

function drawFace(pen, face, index, contours, scale) {
  // Whole numbers are the middles of pixels.
  const place = ([x, y]) => [(x + 0.5) * scale, (y + 0.5) * scale];
  const points = face.points.map(place);
  const [left, top] = place(face.box);
  const [right, bottom] = place(face.box.slice(2));
  const room = 0.12 * (right - left);
  const unit = Math.min(Math.max(pen.canvas.width, pen.canvas.height) / 800, (right - left) / 90);
  pen.lineJoin = pen.lineCap = "round";
  // Everything twice: dark and wider below, so that it is seen on any skin and any light.
  for (const [colour, width] of [["rgb(0 0 0 / .5)", 3.2], [colourOf(index), 1.4]]) {
    pen.strokeStyle = pen.fillStyle = colour;
    pen.lineWidth = width * unit;
    pen.strokeRect(left - room, top - room, right - left + 2 * room, bottom - top + 2 * room);
    pen.globalAlpha = 0.55;
    for (const contour of points.length ? contours : []) {
      pen.beginPath();
      contour.forEach((point) => pen.lineTo(...points[point]));
      pen.stroke();
    }
    pen.globalAlpha = 1;
    for (const [x, y] of points) {
      pen.beginPath();
      pen.arc(x, y, width * unit, 0, 2 * Math.PI);
      pen.fill();
    }
  }
  drawNumber(pen, String(index + 1), left - room, top - room, colourOf(index));
}

function drawNumber(pen, number, x, y, colour) {
  const radius = Math.max(pen.canvas.width, pen.canvas.height) / 50;
  pen.fillStyle = colour;
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fill();
  pen.fillStyle = "#14161a";
  pen.font = `700 ${1.15 * radius}px system-ui, sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(number, x, y);
}
