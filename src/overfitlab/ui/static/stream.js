// Puts parts of the page in place as they change. While the page is hidden nothing is asked for; the name of the last
// state goes along when it is seen again, so that nothing is sent that is here already.

const RETRY = 2000; // milliseconds after which a refused stream is asked for again

const source = document.querySelector("[data-events]");
const banner = document.getElementById("connection");
let stream = null;
let since = source?.dataset.since ?? "";
let waiting = null;

function parsed(html) {
  const made = document.createElement("template"); // which takes a piece of a table, too
  made.innerHTML = html;
  return made.content;
}

// Makes `old` like `now`, and keeps elements that are alike: focus, open details and what is typed stay.
function become(old, now) {
  const before = [...old.childNodes];
  const after = [...now.childNodes];
  after.forEach((child, place) => {
    const there = before[place];
    if (!there) old.append(document.importNode(child, true));
    else if (there.isEqualNode(child)) return;
    else if (there.nodeType !== child.nodeType || there.nodeName !== child.nodeName) {
      there.replaceWith(document.importNode(child, true));
    } else if (there.nodeType === Node.ELEMENT_NODE) {
      attributes(there, child);
      become(there, child);
    } else there.nodeValue = child.nodeValue;
  });
  before.slice(after.length).forEach((child) => child.remove());
}

function attributes(old, now) {
  for (const { name } of [...old.attributes]) {
    if (!now.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS")) old.removeAttribute(name);
  }
  for (const { name, value } of [...now.attributes]) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

function section(id) {
  const made = document.createElement("section");
  made.id = id;
  made.className = "part";
  made.setAttribute("aria-labelledby", `${id}-title`);
  source.parentElement.append(made);
  return made;
}

// Sections stand as the contents list them; new ones come, and when a study has ended others are the first.
function inOrder() {
  const wanted = [...document.querySelectorAll("#contents a")].map((link) => link.hash.slice(1));
  const there = [...document.querySelectorAll("main > section.part")].map((each) => each.id);
  if (wanted.length && wanted.join() !== there.join()) {
    wanted.forEach((id) => source.parentElement.append(document.getElementById(id) ?? ""));
  }
}

function put(parts) {
  const names = Object.keys(parts); // none where a state has a new name, and looks the same
  if (names.length && !names.some((id) => document.getElementById(id))) {
    close();
    location.reload(); // another kind of page has come of it
    return;
  }
  for (const [id, html] of Object.entries(parts)) {
    const place = document.getElementById(id) ?? section(id);
    become(place, parsed(html));
  }
  inOrder();
  document.dispatchEvent(new CustomEvent("parts"));
}

function address() {
  const query = new URLSearchParams(location.search);
  if (since) query.set("since", since);
  return `${source.dataset.events}?${query}`;
}

function lost() {
  banner.textContent = document.body.dataset.lost;
  banner.className = "";
  banner.hidden = false;
}

function back() {
  if (banner.hidden) return;
  banner.textContent = document.body.dataset.back;
  banner.className = "back";
  setTimeout(() => (banner.hidden = true), 2000);
}

function close() {
  clearTimeout(waiting);
  stream?.close();
  stream = null;
}

function open() {
  close();
  if (!source || document.hidden) return;
  stream = new EventSource(address());
  stream.addEventListener("open", back);
  stream.addEventListener("parts", (event) => {
    since = event.lastEventId;
    put(JSON.parse(event.data));
  });
  stream.addEventListener("gone", () => {
    close();
    location.reload();
  });
  stream.addEventListener("error", () => {
    if (!stream) return;
    lost();
    if (stream.readyState === EventSource.CLOSED) waiting = setTimeout(open, RETRY);
  });
}

// The view: what is wanted goes into the address, so that a reload and a link show the same.
let views = 0;
async function viewed(form) {
  const query = new URLSearchParams(new FormData(form));
  const number = ++views;
  history.replaceState(null, "", `?${query}${location.hash}`);
  const answer = await fetch(`${source.dataset.parts}?${query}`);
  const parts = answer.ok ? await answer.json() : null;
  if (number !== views) return; // another one has been asked for since
  if (parts) put(parts);
  open();
}

document.addEventListener("input", (event) => {
  const form = event.target.closest("form.view");
  if (form) viewed(form);
});
document.addEventListener("submit", (event) => {
  if (event.target.matches("form.view")) {
    event.preventDefault();
    viewed(event.target);
  }
  if (event.target.matches("form.settings")) {
    event.target.elements.back.value = location.pathname + location.search;
  }
});

document.documentElement.classList.add("scripted");
document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
addEventListener("pagehide", close);
addEventListener("pageshow", open);
