// The page of a site: the states of its outlets, asked for again while somebody looks.
"use strict";

const LOOK_EVERY_MS = 10000;
const LONGEST_MS = 120000;

function watchSite(line) {
  const age = line.querySelector("[data-age]");
  let wait = LOOK_EVERY_MS;
  let next = null;

  function pill(place, text, tone) {
    const one = place.querySelector("[data-pill]");
    if (one.textContent !== text) one.textContent = text;
    one.className = `pill ${tone}`;
  }

  function show(now) {
    pill(line, now.says, now.tone);
    for (const place of document.querySelectorAll("[data-outlet]")) {
      const outlet = now.outlets[place.dataset.outlet];
      if (!outlet) continue;
      if (place.matches(".pin")) {
        place.setAttribute("class", `pin ${outlet.standing}`);
        place.setAttribute("aria-label", `${place.dataset.name}: ${outlet.state}`);
      } else {
        pill(place, outlet.state, outlet.tone);
        place.querySelector("[data-seen]").textContent = outlet.seen;
      }
    }
  }

  async function look() {
    clearTimeout(next);
    try {
      const answer = await fetch(line.dataset.site, { headers: { Accept: "application/json" } });
      if (answer.status === 404) return location.reload();
      if (!answer.ok) throw new Error(answer.status);
      show(await answer.json());
      age.textContent = "";
      wait = LOOK_EVERY_MS;
    } catch {
      age.textContent = line.dataset.stale;
      wait = Math.min(wait * 2, LONGEST_MS);
    }
    if (document.visibilityState === "visible") next = setTimeout(look, wait);
  }

  next = setTimeout(look, wait);
  document.addEventListener("visibilitychange", () => {
    clearTimeout(next);
    if (document.visibilityState === "visible") look();
  });
  addEventListener("online", look);
}

for (const line of document.querySelectorAll("[data-site]")) watchSite(line);
