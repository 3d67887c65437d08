// The form for an amount: shows what it comes to while somebody types. Without a script a button asks for that.
"use strict";

const ESTIMATE_AFTER_MS = 250;

function watchAmount(form) {
  const place = form.querySelector("[data-estimate]");
  const button = form.querySelector("[data-says]");
  const problem = document.getElementById("problem");
  let waiting = null;
  let latest = 0;

  async function estimate() {
    const mine = ++latest;
    const wanted = new URLSearchParams(new FormData(form));
    try {
      const answer = await fetch(`${form.dataset.estimateAt}?${wanted}`, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const says = await answer.json();
      if (mine !== latest) return;
      place.textContent = says.text;
      place.classList.toggle("bad", !says.ok);
      button.textContent = says.button;
    } catch {
      // Out of reach for a moment.
    }
  }

  form.addEventListener("input", (event) => {
    // What was wrong with the amount before is no news about the one being typed.
    if (problem) problem.hidden = true;
    if (event.target.name === "kind" && event.target.dataset.usual) form.elements.amount.value = event.target.dataset.usual;
    clearTimeout(waiting);
    waiting = setTimeout(estimate, ESTIMATE_AFTER_MS);
  });
  // The browser may have put back what was typed before; the server knows only what the page came with.
  const inputs = [...form.querySelectorAll("input")];
  if (inputs.some((one) => one.value !== one.defaultValue || one.checked !== one.defaultChecked)) estimate();
}

for (const form of document.querySelectorAll("[data-estimate-at]")) watchAmount(form);
