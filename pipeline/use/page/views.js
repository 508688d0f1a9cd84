// A view is a photograph, or the camera, and a card for each of its faces.

import { colourOf, draw } from "./picture.js";

const percent = (share) => `${Math.round(100 * share)}%`;
const counted = (faces) => (faces.length ? `${faces.length} face${faces.length === 1 ? "" : "s"}` : "no face");
const best = (shares) => shares.indexOf(Math.max(...shares));

function copy(template) {
  // Not cloneNode: what belongs to no page has no fonts.
  return document.importNode(document.getElementById(template).content.firstElementChild, true);
}

function add(parent, tag, text = "", kind = "") {
  const element = parent.appendChild(document.createElement(tag));
  element.textContent = text;
  if (kind) element.className = kind;
  return element;
}

// about: what the server says of its models. Gives the element and `show(source, answer, summary)`.
export function makeView(title, about) {
  const element = copy("view");
  const [heading, summary, canvas, room] = ["h2", ".summary", "canvas", ".cards"].map((one) => element.querySelector(one));
  heading.textContent = title;
  const cards = [];
  function show(source, answer, said = "") {
    draw(canvas, source, answer, about.contours);
    while (cards.length > answer.faces.length) cards.pop().element.remove();
    while (cards.length < answer.faces.length) {
      cards.push(makeCard(cards.length, about));
      room.append(cards.at(-1).element);
    }
    const says = answer.faces.map((face, index) => cards[index].show(face));
    const found = counted(answer.faces);
    const pictured = answer.faces.length ? says.map((one, index) => `face ${index + 1}: ${one}`).join("; ") : found;
    canvas.setAttribute("aria-label", `${title}, ${pictured}`);
    summary.textContent = [found, `${answer.width} × ${answer.height} pixels`, said].filter(Boolean).join(" · ");
  }
  return { element, canvas, show };
}

// In place of a view: why there is none.
export function makeRefusal(title, reason) {
  const element = document.createElement("article");
  element.className = "view refused";
  add(element, "h2", title);
  add(element, "p", reason);
  return element;
}

function makeCard(index, about) {
  const element = copy("card");
  const number = element.querySelector(".number");
  number.textContent = index + 1;
  number.style.setProperty("--colour", colourOf(index));
  const crops = about.classifiers.map((one) => makeCrop(element.querySelector(".crops"), one.region));
  const head = element.querySelector("thead tr");
  for (const { region, network } of about.classifiers) {
    add(add(head, "th", region, "figure"), "small", network);
    head.lastElementChild.scope = "col";
  }
  const rows = about.classes.map((name) => makeRow(element.querySelector("tbody"), name, about.classifiers.length));
  function show(face) {
    const first = best(face.joined);
    const says = `${about.classes[first]}, ${percent(face.joined[first])}`;
    element.querySelector(".says").textContent = says;
    element.querySelector(".error").textContent = face.error;
    about.classifiers.forEach(({ region }, which) => crops[which](face.crops[region], face.fell_back[region]));
    const columns = about.classifiers.map(({ name }) => face.probabilities[name]);
    rows.forEach((row, which) => row([face.joined, ...columns].map((shares) => shares[which]), which === first));
    return says;
  }
  return { element, show };
}

function makeCrop(list, region) {
  const item = add(list, "li");
  const image = add(item, "img");
  image.alt = `The region ${region} of this face`;
  add(item, "span", region);
  const note = add(item, "small");
  return (source, fellBack) => {
    image.src = source;
    note.textContent = fellBack ? "whole face kept" : "";
  };
}

function makeRow(body, name, classifiers) {
  const line = add(body, "tr");
  add(line, "th", name).scope = "row";
  const cell = add(line, "td", "", "bar");
  cell.setAttribute("aria-hidden", "true"); // the next cell says it
  const bar = add(cell, "div");
  const joined = add(line, "td", "", "figure joined");
  const others = Array.from({ length: classifiers }, () => add(line, "td", "", "figure"));
  return (shares, first) => {
    line.className = first ? "best" : "";
    bar.style.setProperty("--share", shares[0]);
    joined.textContent = percent(shares[0]);
    others.forEach((other, which) => {
      other.textContent = percent(shares[which + 1]);
      other.style.setProperty("--share", shares[which + 1]);
    });
  };
}
