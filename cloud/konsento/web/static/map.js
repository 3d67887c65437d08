// The map of sites: what lies in the part that is shown, as marks and as the list beneath, and what is near the phone.
// The phone's position is used here alone; the server is asked for parts of the map with rounded edges.
"use strict";

const LOOK_EVERY_MS = 30000;
const WIDEN_DEGREES = [0.1, 0.4, 1.5, 5, 10];
const NEAREST_SHOWN = 3;

function watchMap(place) {
  const section = place.closest(".with-map");
  const says = section.querySelector("[data-says]");
  const near = section.querySelector("[data-near]");
  const list = document.querySelector("[data-sites]");
  const item = document.querySelector("template[data-site]");
  const words = new URLSearchParams(location.search).get("q") ?? "";
  const map = makeMap(place);
  const marks = L.layerGroup().addTo(map);
  let here = null;
  let shown = "";
  let latest = 0;
  let about = "";

  // What is said of the phone's position stays when the part of the map that is shown is looked at again.
  function tell(text) {
    about = text;
    says.textContent = text;
  }

  async function sitesIn(south, west, north, east) {
    // Outward to 0.01 degrees, about a kilometre: what is asked tells no more than the part of the map.
    const box = [Math.floor(south * 100) / 100, Math.floor(west * 100) / 100, Math.ceil(north * 100) / 100, Math.ceil(east * 100) / 100];
    const asked = new URLSearchParams({ box: box.join(","), q: words });
    const answer = await fetch(`/map/sites?${asked}`, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(answer.status);
    return answer.json();
  }

  function distance(at) {
    return here ? map.distance(here, at) : 0;
  }

  function inWords(metres) {
    const far = metres >= 1000;
    const value = far ? metres / 1000 : Math.max(10, Math.round(metres / 10) * 10);
    const form = { style: "unit", unit: far ? "kilometer" : "meter", maximumFractionDigits: value < 10 ? 1 : 0 };
    return new Intl.NumberFormat(document.documentElement.lang, form).format(value);
  }

  function entry(site) {
    const row = item.content.cloneNode(true).firstElementChild;
    row.querySelector("a").href = site.page;
    row.querySelector("b").textContent = site.name;
    row.querySelector("[data-place]").textContent = site.place;
    row.querySelector("[data-distance]").textContent = here ? inWords(distance(site.at)) : "";
    const pill = row.querySelector(".pill");
    pill.textContent = site.says;
    if (site.tone) pill.classList.add(site.tone);
    return row;
  }

  function mark(at, kind, text, title) {
    const sign = document.createElement("span");
    sign.textContent = text;
    const icon = L.divIcon({ className: `mark ${kind}`, html: sign, iconSize: [44, 44] });
    const one = L.marker(at, { icon, title, keyboard: true }).addTo(marks);
    one.getElement().setAttribute("aria-label", title);
    return one;
  }

  function show(found) {
    says.textContent = found.says || about;
    const now = JSON.stringify([found, here]);
    if (now === shown) return;
    shown = now;
    // An opened entry stays open while its mark is renewed.
    const opened = marks.getLayers().find((layer) => layer.isPopupOpen?.())?.options.title;
    marks.clearLayers();
    if (here) L.circleMarker(here, { className: "you", radius: 7 }).bindTooltip(near.dataset.you).addTo(marks);
    for (const group of found.groups) {
      mark(group.at, "group", String(group.sites), group.says).on("click keypress", (event) => {
        if (event.type === "click" || event.originalEvent.key === "Enter") map.setView(group.at, map.getZoom() + 2);
      });
    }
    for (const site of found.sites) {
      const one = mark(site.at, site.state, site.state === "free" ? String(site.free) : "", `${site.name}: ${site.says}`);
      one.bindPopup(() => entry(site).firstElementChild, { closeButton: false, maxWidth: place.clientWidth - 60, autoPanPadding: [12, 12] });
      if (one.options.title === opened) one.openPopup();
    }
    // Where sites are gathered in groups the list stays as the page came.
    if (found.groups.length) return;
    found.sites.sort((a, b) => distance(a.at) - distance(b.at) || a.name.localeCompare(b.name, document.documentElement.lang));
    list.replaceChildren(...found.sites.map(entry));
  }

  async function look() {
    const mine = ++latest;
    const view = map.getBounds();
    try {
      const found = await sitesIn(view.getSouth(), view.getWest(), view.getNorth(), view.getEast());
      if (mine === latest) show(found);
    } catch {
      // Out of reach for a moment: what is shown stays, and is asked for again.
    }
  }

  // The smallest part of the map around the phone that has a site.
  async function goNear(position) {
    here = L.latLng(position.coords.latitude, position.coords.longitude);
    for (const half of WIDEN_DEGREES) {
      const wide = half / Math.max(0.2, Math.cos((here.lat * Math.PI) / 180));
      const found = await sitesIn(here.lat - half, here.lng - wide, here.lat + half, here.lng + wide);
      const places = [...found.sites, ...found.groups].map((one) => L.latLng(one.at)).sort((a, b) => distance(a) - distance(b));
      if (!places.length) continue;
      tell("");
      map.fitBounds(L.latLngBounds([here, ...places.slice(0, NEAREST_SHOWN)]), { padding: [40, 40], maxZoom: 14 });
      return look();
    }
    tell(near.dataset.nothing);
  }

  near.addEventListener("click", () => {
    if (!isSecureContext || !navigator.geolocation) {
      tell(near.dataset.insecure);
      return;
    }
    tell(near.dataset.asking);
    navigator.geolocation.getCurrentPosition(
      (position) => goNear(position).catch(() => tell(near.dataset.unknown)),
      (error) => tell(error.code === error.PERMISSION_DENIED ? near.dataset.refused : near.dataset.unknown),
      { timeout: 15000, maximumAge: 60000 },
    );
  });

  map.on("moveend", look);
  setInterval(() => { if (document.visibilityState === "visible") look(); }, LOOK_EVERY_MS);
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") look(); });
  look();
}

for (const place of document.querySelectorAll("[data-map]")) watchMap(place);
