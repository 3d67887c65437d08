// The page on which a driver shows that they are there: goes on by itself when the outlet's button was pressed.
"use strict";

const LOOK_EVERY_MS = 1000;

function watchPresence(page) {
  const shown = page.dataset.presence;
  let over = false;

  async function look() {
    if (over || document.visibilityState === "hidden") return;
    try {
      const answer = await fetch(page.dataset.state, { headers: { Accept: "application/json" }, cache: "no-store" });
      const { view } = answer.ok ? await answer.json() : { view: "" };
      if (over || view === shown) return;
      over = true;
      const go = document.querySelector("[data-go] form");
      if (view === "shown" && go) go.requestSubmit();
      else location.reload();
    } catch {
      // Out of reach for a moment: the next look comes.
    }
  }

  setInterval(look, LOOK_EVERY_MS);
  document.addEventListener("visibilitychange", look);
  // A driver who answers by hand is not to be overtaken.
  document.addEventListener("submit", () => {
    over = true;
  });
}

const asked = document.querySelector("[data-presence=button], [data-presence=lamp], [data-presence=label], [data-presence=taken]");
if (asked) watchPresence(asked);
