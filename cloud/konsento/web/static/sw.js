// Shows notices (Declarative Web Push, for browsers that need a worker for it) and opens what they are about.
"use strict";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  const { notification } = event.data.json();
  const { title, navigate, ...rest } = notification;
  event.waitUntil(self.registration.showNotification(title, { ...rest, data: { navigate }, icon: "/static/icon.svg" }));
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
