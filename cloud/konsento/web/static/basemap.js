// What every map here begins with: outlines of land and borders from this server, in the colours of the page, and the
// operator's pictures over them where there are some.
"use strict";

const FINER_FROM_ZOOM = 5;
const CELL_DEGREES = 30;

function land(features) {
  return L.geoJSON(features, {
    interactive: false,
    style: (feature) => ({ className: feature.properties.kind, fill: feature.properties.kind === "land", weight: 1 }),
  });
}

// The outlines of the world at once, finer ones of what is looked at.
async function drawOutlines(map, address) {
  const folder = address.slice(0, address.lastIndexOf("/"));
  const finer = new Map();
  const world = await (await fetch(address)).json();
  const coarse = land(world).addTo(map);

  async function look() {
    const near = map.getZoom() >= FINER_FROM_ZOOM;
    const view = map.getBounds();
    const west = Math.floor(view.getWest() / CELL_DEGREES), east = Math.floor(view.getEast() / CELL_DEGREES);
    const south = Math.floor(view.getSouth() / CELL_DEGREES), north = Math.floor(view.getNorth() / CELL_DEGREES);
    for (let x = west; near && x <= east; x++) {
      for (let y = south; y <= north; y++) {
        const name = `${x * CELL_DEGREES}_${y * CELL_DEGREES}`;
        if (!(name in world.cells) || finer.has(name)) continue;
        finer.set(name, null);
        try {
          const answer = await fetch(`${folder}/${name}.geojson?v=${world.cells[name]}`);
          finer.set(name, land(await answer.json()));
        } catch {
          // The coarse outlines stay where the finer ones do not come.
          finer.delete(name);
        }
      }
    }
    const there = [...finer.values()].filter(Boolean);
    const whole = map.getZoom() >= FINER_FROM_ZOOM && there.length === finer.size && finer.size > 0;
    for (const layer of there) whole ? layer.addTo(map) : layer.remove();
    whole ? coarse.remove() : coarse.addTo(map);
  }

  map.on("moveend", look);
  await look();
}

// The words of whoever made the pictures; addresses in them become links.
function credit(text) {
  const line = document.createElement("span");
  line.translate = false;
  for (const word of text.split(/\s+/)) {
    const part = document.createElement(/^https?:\/\//.test(word) ? "a" : "span");
    part.textContent = word;
    if (part.matches("a")) part.href = word;
    line.append(part, " ");
  }
  return line.outerHTML;
}

// Makes a map of an element: its outlines (`data-world`), the operator's pictures (`data-tiles`) and their
// `data-attribution`, the part to begin with (`data-box`: south,west,north,east) and the words of its buttons.
function makeMap(place) {
  const given = place.dataset;
  const map = L.map(place, {
    zoomControl: false,
    attributionControl: false,
    minZoom: 1,
    maxZoom: 18,
    zoomSnap: 0.5,
    // What fades in cannot be read for a moment.
    fadeAnimation: false,
    maxBounds: [[-90, -200], [90, 200]],
    maxBoundsViscosity: 0.5,
  });
  L.control.zoom({ position: "bottomright", zoomInTitle: given.zoomIn, zoomOutTitle: given.zoomOut }).addTo(map);
  // Its units read alike in every language.
  L.control.scale({ imperial: false, position: "bottomleft" }).addTo(map).getContainer().translate = false;
  L.control.attribution({ prefix: false, position: "topright" }).addAttribution(credit(given.attribution)).addTo(map);
  const box = given.box ? given.box.split(",").map(Number) : [-55, -170, 70, 175];
  // Outlines alone say something from far away only.
  const maxZoom = given.tiles ? 11 : 8;
  map.fitBounds([[box[0], box[1]], [box[2], box[3]]], { padding: [36, 36], maxZoom, animate: false });
  drawOutlines(map, given.world).catch(() => {});
  // Tile servers want to know which page asks; the origin is enough for that.
  if (given.tiles) L.tileLayer(given.tiles, { maxZoom: 18, referrerPolicy: "origin" }).addTo(map);
  return map;
}
