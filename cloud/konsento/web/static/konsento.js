// What every page does with a script. Each page works without it.
"use strict";

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

const LOOK_AGAIN_AFTER_MS = 15000;
const TRY_AGAIN_MS = 5000;

// What cannot be used now may be free again; a page that nobody looks at waits until somebody does.
function lookAgain() {
  if (document.visibilityState === "visible") location.reload();
  else document.addEventListener("visibilitychange", lookAgain, { once: true });
}
if (document.querySelector("[data-look-again]")) setTimeout(lookAgain, LOOK_AGAIN_AFTER_MS);

// Without a connection the worker shows a page that says so; it goes away with the first sign of one.
navigator.serviceWorker?.register("/sw.js").catch(() => {});
if (document.querySelector("[data-offline]")) {
  addEventListener("online", () => location.reload());
  // A phone says that it is connected before anything gets through: then it is tried again.
  setInterval(() => { if (navigator.onLine) location.reload(); }, TRY_AGAIN_MS);
}

// Whoever does not want a passkey is not asked again in this browser.
for (const offer of document.querySelectorAll("[data-passkey-offer]")) {
  offer.querySelector("button").addEventListener("click", () => {
    document.cookie = "konsento_no_passkey=1; Path=/; Max-Age=31536000; SameSite=Lax";
    offer.hidden = true;
  });
}
