// The button in every <div data-place-picker hidden> beside fields named latitude and longitude opens a map on which the
// place is picked by a click, or with the arrow keys. Without a script there are the fields alone. The template
// `place_picker.html`, in the page's head, loads this and gives it what every map needs.
"use strict";

const GIVEN = document.currentScript.dataset;

const PICKED_ZOOM = 14;
const DIGITS = 5; // About a metre.

// The map's parts come when somebody wants the map.
async function loadParts() {
  for (const address of GIVEN.styles.split(" ")) document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: address }));
  for (const address of GIVEN.scripts.split(" ")) {
    await new Promise((loaded, failed) => {
      document.head.append(Object.assign(document.createElement("script"), { src: address, onload: loaded, onerror: failed }));
    });
  }
}

function offer(box) {
  box.querySelector("button").addEventListener("click", () => loadParts().then(() => pickPlace(box)), { once: true });
  box.hidden = false;
}

function pickPlace(box) {
  const form = box.closest("form") ?? document;
  const latitude = form.querySelector("[name=latitude]");
  const longitude = form.querySelector("[name=longitude]");
  if (!latitude || !longitude) return;
  const place = document.createElement("div");
  place.className = "map";
  Object.assign(place.dataset, GIVEN);
  const help = document.createElement("small");
  help.textContent = GIVEN.help;
  box.replaceChildren(place, help);
  box.hidden = false;
  const map = makeMap(place);
  const icon = L.divIcon({ className: "mark picked", iconSize: [44, 44] });
  const mark = L.marker([0, 0], { icon, draggable: true, keyboard: false });

  function typed() {
    const [north, east] = [latitude, longitude].map((field) => (field.value.trim() === "" ? NaN : Number(field.value)));
    return Math.abs(north) <= 90 && Math.abs(east) <= 180 ? L.latLng(north, east) : null;
  }

  function show(at) {
    if (at) mark.setLatLng(at).addTo(map);
    else mark.remove();
  }

  function pick(at) {
    const picked = at.wrap();
    latitude.value = picked.lat.toFixed(DIGITS);
    longitude.value = picked.lng.toFixed(DIGITS);
    for (const field of [latitude, longitude]) field.dispatchEvent(new Event("change", { bubbles: true }));
    show(picked);
  }

  map.on("click", (event) => pick(event.latlng));
  mark.on("dragend", () => pick(mark.getLatLng()));
  // The map takes the arrow keys by itself; Enter picks its middle.
  map.getContainer().addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target !== map.getContainer()) return;
    event.preventDefault();
    pick(map.getCenter());
  });
  for (const field of [latitude, longitude]) {
    field.addEventListener("input", () => {
      const at = typed();
      show(at);
      if (at) map.setView(at, Math.max(map.getZoom(), PICKED_ZOOM));
    });
  }
  const at = typed();
  show(at);
  if (at) map.setView(at, PICKED_ZOOM, { animate: false });
}

for (const box of document.querySelectorAll("[data-place-picker]")) offer(box);
