// The live page of a session: server-sent events, questions where those fail, and the truth after a phone has slept.
"use strict";

const POLL_EVERY_MS = 2000;
const ASK_AFTER_MS = 20000;
const STALE_AFTER_MS = 30000;
const LISTEN_ANEW_AFTER_MS = 30000;

function watchSession(page) {
  const age = page.querySelector("[data-age]");
  let heard = Date.now();
  let events = null;
  let poll = null;
  let asking = false;
  let listening = 0;
  let over = false;

  function show(progress) {
    if (over) return;
    heard = Date.now();
    for (const [key, text] of Object.entries(progress.texts)) {
      for (const place of document.querySelectorAll(`[data-live="${key}"]`)) {
        if (place.textContent !== text) place.textContent = text;
      }
      for (const place of document.querySelectorAll(`[data-label="${key}"]`)) place.setAttribute("aria-label", text);
    }
    document.title = `${progress.texts.title} · konsento`;
    const ring = page.querySelector(".ring");
    ring.classList.toggle("none", progress.share === 0);
    ring.querySelector(".reached").setAttribute("stroke-dasharray", `${progress.share} 100`);
    page.querySelector("[data-curve]").setAttribute("d", progress.curve);
    document.querySelector("[data-stop]").hidden = !progress.can_stop;
    document.querySelector("[data-change]").hidden = !progress.can_change;
    // The server decides what the page shows; another picture of the same session comes as a whole page.
    if (progress.view !== page.dataset.session) {
      over = true;
      close();
      location.reload();
    }
  }

  async function ask() {
    if (asking) return;
    asking = true;
    try {
      const answer = await fetch(page.dataset.progress, {
        headers: { Accept: "application/json" },
        cache: "no-store",
        signal: AbortSignal.timeout(ASK_AFTER_MS),
      });
      if (answer.status === 401 || answer.status === 404) location.reload();
      else if (answer.ok) show(await answer.json());
      // A stream that was refused, for example while the server started anew, does not come back by itself.
      if (answer.ok && events?.readyState === EventSource.CLOSED && Date.now() - listening > LISTEN_ANEW_AFTER_MS) listen();
    } catch {
      // Out of reach for a moment: the age of the values says so, and the next question comes.
    } finally {
      asking = false;
    }
  }

  function listen() {
    if (over) return;
    if (events) events.close();
    listening = Date.now();
    events = new EventSource(page.dataset.events);
    events.onmessage = (message) => {
      clearInterval(poll);
      poll = null;
      show(JSON.parse(message.data));
    };
    events.onerror = () => {
      if (poll === null && !over) poll = setInterval(ask, POLL_EVERY_MS);
    };
  }

  // A stream that a sleeping phone has lost does not always notice: ask at once, and listen anew.
  function wake() {
    if (over || document.visibilityState === "hidden") return;
    ask();
    listen();
  }

  function ageOf(silent) {
    const seconds = Math.round(silent / 1000);
    if (seconds < 120) return age.dataset.seconds.replace("{seconds}", seconds);
    return age.dataset.minutes.replace("{minutes}", Math.floor(seconds / 60));
  }

  // Also for a stream that some proxy holds back: nothing is wrong with the connection until a question fails as well.
  const clock = setInterval(() => {
    const silent = Date.now() - heard;
    if (silent >= ASK_AFTER_MS && poll === null) ask();
    if (silent >= STALE_AFTER_MS) age.textContent = age.dataset.age.replace("{age}", ageOf(silent));
  }, 1000);

  function close() {
    if (events) events.close();
    clearInterval(poll);
    clearInterval(clock);
  }

  listen();
  document.addEventListener("visibilitychange", wake);
  addEventListener("online", wake);
  addEventListener("pagehide", close);
}

for (const page of document.querySelectorAll("[data-session]")) watchSession(page);
