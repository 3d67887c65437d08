// Live values of the driver's pages. Every page works without this file; with it, nobody has to reload.
"use strict";

const POLL_EVERY_MS = 2000;
const STALE_AFTER_MS = 20000;
const ESTIMATE_AFTER_MS = 250;
const LOOK_AGAIN_AFTER_MS = 15000;

// A page that is shown again from the browser's memory could show a session as it was long ago.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

// One tap is one request: the outlet may take some seconds to answer.
document.addEventListener("submit", (event) => {
  const button = event.target.querySelector("button[data-busy]");
  if (!button) return;
  if (button.getAttribute("aria-disabled") === "true") {
    event.preventDefault();
    return;
  }
  button.setAttribute("aria-disabled", "true");
  button.textContent = button.dataset.busy;
});

function watchSession(page) {
  const age = page.querySelector("[data-age]");
  let heard = Date.now();
  let poll = null;
  let over = false;

  function show(progress) {
    heard = Date.now();
    for (const [key, text] of Object.entries(progress.texts)) {
      for (const place of document.querySelectorAll(`[data-live="${key}"]`)) {
        if (place.textContent !== text) place.textContent = text;
      }
    }
    document.title = `${progress.texts.title} · konsento`;
    const ring = page.querySelector(".ring");
    ring.classList.toggle("none", progress.share === 0);
    ring.querySelector(".reached").setAttribute("stroke-dasharray", `${progress.share} 100`);
    page.querySelector("[data-curve]").setAttribute("d", progress.curve);
    document.querySelector("[data-stop]").hidden = !progress.can_stop;
    // The server decides what the page shows; another picture of the same session comes as a whole page.
    if (progress.view !== page.dataset.session) {
      over = true;
      stop();
      location.reload();
    }
  }

  async function ask() {
    try {
      const answer = await fetch(page.dataset.progress, { headers: { Accept: "application/json" }, cache: "no-store" });
      if (answer.status === 401 || answer.status === 404) location.reload();
      else if (answer.ok && !over) show(await answer.json());
    } catch {
      // Out of reach for a moment: the age of the values says so, and the next question comes.
    }
  }

  const events = new EventSource(page.dataset.events);
  events.onmessage = (message) => {
    clearInterval(poll);
    poll = null;
    show(JSON.parse(message.data));
  };
  events.onerror = () => {
    if (poll === null && !over) poll = setInterval(ask, POLL_EVERY_MS);
  };

  const clock = setInterval(() => {
    const silent = Date.now() - heard;
    age.hidden = silent < STALE_AFTER_MS;
    if (!age.hidden) age.textContent = age.dataset.age.replace("{seconds}", Math.round(silent / 1000));
  }, 1000);

  function stop() {
    events.close();
    clearInterval(poll);
    clearInterval(clock);
  }

  addEventListener("pagehide", stop);
}

function watchAmount(form) {
  const place = form.querySelector("[data-estimate]");
  const button = form.querySelector("[data-says]");
  let waiting = null;
  let latest = 0;

  async function estimate() {
    const mine = ++latest;
    const wanted = new URLSearchParams(new FormData(form));
    try {
      const answer = await fetch(`${form.dataset.estimateAt}?${wanted}`, { headers: { Accept: "application/json" } });
      const says = await answer.json();
      if (mine !== latest) return;
      place.textContent = says.text;
      place.classList.toggle("bad", !says.ok);
      button.textContent = says.button;
    } catch {
      // The next page tells the price as well.
    }
  }

  function soon() {
    clearTimeout(waiting);
    waiting = setTimeout(estimate, ESTIMATE_AFTER_MS);
  }

  const problem = document.getElementById("problem");

  form.addEventListener("input", (event) => {
    // What was wrong with the amount before is no news about the one being typed.
    if (problem) problem.hidden = true;
    if (event.target.name === "kind") form.elements.amount.value = event.target.dataset.usual;
    soon();
  });
  if (!problem) estimate();
}

for (const page of document.querySelectorAll("[data-session]")) watchSession(page);
for (const form of document.querySelectorAll("[data-estimate-at]")) watchAmount(form);
// What cannot be used now may be free again; a page that nobody looks at waits until somebody does.
function lookAgain() {
  if (document.visibilityState === "visible") location.reload();
  else document.addEventListener("visibilitychange", lookAgain, { once: true });
}
if (document.querySelector("[data-look-again]")) setTimeout(lookAgain, LOOK_AGAIN_AFTER_MS);
