// Reads values off a figure: where the pointer is, or with the arrow keys, and follows dots to their runs.

const SVG = "http://www.w3.org/2000/svg";
const places = new WeakMap(); // panel -> number of the epoch that is read

function data(panel) {
  return JSON.parse(panel.querySelector(".read").dataset.pointed);
}

function ticks(found) {
  const known = new Map();
  for (const line of found.lines) line.at.forEach((x, place) => known.set(x, line.x[place]));
  return [...known].sort((one, other) => one[0] - other[0]);
}

function mark(name, values) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(values)) made.setAttribute(key, value);
  return made;
}

function clear(panel) {
  panel.querySelectorAll(".pointer, .pointer-dot").forEach((each) => each.remove());
  const read = panel.querySelector(".read");
  if (read) read.textContent = "";
}

function show(panel, place) {
  const found = data(panel);
  const known = ticks(found);
  if (!known.length) return;
  place = Math.min(Math.max(place, 0), known.length - 1);
  places.set(panel, place);
  const [x, label] = known[place];
  clear(panel);
  const svg = panel.querySelector("svg");
  const [, top, , bottom] = found.box;
  svg.append(mark("path", { class: "pointer", d: `M${x} ${top}L${x} ${bottom}`, fill: "none" }));
  const said = [];
  for (const line of found.lines) {
    const at = line.at.indexOf(x);
    if (at < 0) continue;
    const y = line.height[at];
    if (y >= top && y <= bottom) {
      svg.append(mark("circle", { class: `pointer-dot fill-${line.color}`, cx: x, cy: y, r: 2.6 }));
    }
    said.push(`${line.name} ${line.y[at]}`);
  }
  panel.querySelector(".read").textContent = `${found.x} ${label}: ${said.join(", ")}`;
}

function nearest(panel, event) {
  const svg = panel.querySelector("svg");
  const box = svg.getBoundingClientRect();
  const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
  const known = ticks(data(panel));
  let best = 0;
  known.forEach(([at], place) => {
    if (Math.abs(at - x) < Math.abs(known[best][0] - x)) best = place;
  });
  return best;
}

const panelOf = (event) => event.target.closest?.(".reads");

document.addEventListener("pointermove", (event) => {
  const panel = panelOf(event);
  if (panel) show(panel, nearest(panel, event));
});
document.addEventListener("pointerout", (event) => {
  const panel = panelOf(event);
  if (panel && !panel.contains(event.relatedTarget)) {
    places.delete(panel);
    clear(panel);
  }
});
document.addEventListener("focusout", (event) => {
  const panel = panelOf(event);
  if (panel) {
    places.delete(panel);
    clear(panel);
  }
});
document.addEventListener("keydown", (event) => {
  const panel = panelOf(event);
  if (!panel || panel !== event.target) return;
  const now = places.get(panel) ?? -1;
  const next = { ArrowRight: now + 1, ArrowLeft: Math.max(now - 1, 0), Home: 0, End: Infinity }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  show(panel, next);
});
document.addEventListener("parts", () => {
  document.querySelectorAll(".reads").forEach((panel) => {
    if (places.has(panel)) show(panel, places.get(panel)); // it grew under the pointer
  });
});
document.addEventListener("click", (event) => {
  const dot = event.target.closest?.("[data-reference]");
  if (dot) location.assign(dot.dataset.reference);
});
