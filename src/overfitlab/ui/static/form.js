// Asks what a study would take and could decide, whenever something in the form has changed.

const PAUSE = 250; // milliseconds without a change
const form = document.querySelector("form.study");
const place = document.getElementById("outlook");
let waiting = null;
let asked = 0;

async function ask() {
  const number = ++asked;
  const answer = await fetch(form.dataset.outlook, {
    method: "POST",
    body: new URLSearchParams(new FormData(form)),
  }).catch(() => null);
  if (!answer?.ok || number !== asked) return; // another one has been asked since
  const html = new DOMParser().parseFromString(await answer.text(), "text/html");
  place.replaceChildren(...[...html.body.childNodes].map((node) => document.importNode(node, true)));
}

form.addEventListener("input", (event) => {
  if (event.target.name === "seeds") form.elements.mode.value = "fixed";
  if (event.target.name === "maximum") form.elements.mode.value = "until";
  clearTimeout(waiting);
  waiting = setTimeout(ask, PAUSE);
});
document.documentElement.classList.add("scripted");
