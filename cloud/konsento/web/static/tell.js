// "Tell me", on this phone: asks the browser for a push subscription and hands it to the server.
"use strict";

function bytesOf(base64url) {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

async function offerNotices(row) {
  if (!row.dataset.key || !("serviceWorker" in navigator) || !("PushManager" in window)) {
    // Shown until here, so that nothing moves where there are notices, however late this script comes.
    row.hidden = true;
    // On an iPhone the page has to be on the Home Screen first: its reader is told so.
    for (const why of document.querySelectorAll("[data-untold]")) why.hidden = false;
    return;
  }
  const button = row.querySelector("button");
  const remembered = `told:${row.dataset.tell}`;
  const worker = await navigator.serviceWorker.register("/sw.js");

  function show(on) {
    button.setAttribute("aria-pressed", String(on));
    button.textContent = on ? row.dataset.on : row.dataset.off;
    if (on) localStorage.setItem(remembered, "1");
    else localStorage.removeItem(remembered);
  }

  function send(path, body) {
    return fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  }

  button.addEventListener("click", async () => {
    try {
      if (button.getAttribute("aria-pressed") === "true") {
        const known = await worker.pushManager.getSubscription();
        if (known) await send(`${row.dataset.tell}/off`, { endpoint: known.endpoint });
        show(false);
        return;
      }
      if ((await Notification.requestPermission()) !== "granted") {
        row.querySelector("span").textContent = row.dataset.denied;
        return;
      }
      const options = { userVisibleOnly: true, applicationServerKey: bytesOf(row.dataset.key) };
      const subscription = await worker.pushManager.subscribe(options);
      const answer = await send(row.dataset.tell, subscription.toJSON());
      show(answer.ok);
    } catch {
      show(false);
    }
  });

  const on = localStorage.getItem(remembered) === "1" && Notification.permission === "granted";
  show(on);
  if (!on || !("keep" in row.dataset)) return;
  // What counts for years is handed over anew: browsers change their address, and the server forgets those that are gone.
  const known = await worker.pushManager.getSubscription();
  if (known) await send(row.dataset.tell, known.toJSON());
  else show(false);
}

for (const row of document.querySelectorAll("[data-tell]")) offerNotices(row).catch(() => {});
