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
