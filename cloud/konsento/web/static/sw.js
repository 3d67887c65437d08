// Beside the pages: says in the reader's language that there is no connection, and shows notices (Declarative Web
// Push, for browsers that need a worker for it).
"use strict";

const OFFLINE = "/offline";

async function keepOfflinePage() {
  const kept = await caches.open("offline");
  const page = await fetch(OFFLINE);
  if (!page.ok) return;
  const assets = (await page.clone().text()).match(/\/static\/konsento\.(?:css|js)\?v=\w+/g);
  await kept.addAll(assets);
  await kept.put(OFFLINE, page);
}

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(keepOfflinePage());
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  if (request.mode === "navigate") event.respondWith(navigate(event));
  // Only when the server cannot be reached, and only for what the page above needs.
  else if (request.url.includes("/static/konsento."))
    event.respondWith(fetch(request).catch(async () => (await caches.match(request)) ?? Response.error()));
});

async function navigate(event) {
  const kept = await caches.match(OFFLINE);
  try {
    const page = await fetch(event.request);
    const language = page.headers.get("Content-Language");
    if (language && kept?.headers.get("Content-Language") !== language) event.waitUntil(keepOfflinePage());
    return page;
  } catch {
    return kept ?? Response.error();
  }
}

self.addEventListener("push", (event) => {
  const { notification } = event.data.json();
  const { title, navigate, ...rest } = notification;
  event.waitUntil(self.registration.showNotification(title, { ...rest, data: { navigate }, icon: "/static/icon.svg" }));
});

// A push service may give a browser another address at any time; the server follows.
self.addEventListener("pushsubscriptionchange", (event) => {
  const { oldSubscription: before, newSubscription: given } = event;
  if (!before) return;
  event.waitUntil(
    (async () => {
      const now = given ?? (await self.registration.pushManager.subscribe(before.options));
      await fetch("/account/advice/push/renew", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ ...now.toJSON(), old: before.endpoint }),
      });
    })(),
  );
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const address = event.notification.data.navigate;
  event.waitUntil(
    (async () => {
      const pages = await self.clients.matchAll({ type: "window" });
      const open = pages.find((page) => page.url === address);
      await (open ? open.focus() : self.clients.openWindow(address));
    })(),
  );
});
