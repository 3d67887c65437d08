// Sheets of labels: a page of its own, made for paper (A4), that needs nothing but itself.

import { make } from "./base.js";

/** Sizes, mm: so many fit on a sheet of A4 with margins of 10 mm. */
export const SIZES = {
  small: { width: 62, height: 45, columns: 3, rows: 6 },
  medium: { width: 95, height: 68, columns: 2, rows: 4 },
  large: { width: 190, height: 136, columns: 1, rows: 2 },
};

/** Lines of words that a label has room for at their full size. */
const LINES = 10;
/** Below this share of it words are cut off rather than set smaller. */
const SMALLEST = 0.35;

/** Both on every label: nobody knows who will stand before it. */
const SCAN_OR_TYPE = ["QRの読み取りかコード入力で充電", "Scan or type the code to charge"];
const SCAN = ["QRを読み取って充電", "Scan to charge"];
const CHECK = "アドレスを確認 · Check the address:";

const STYLE = `
  :root { color-scheme: light; }
  body { margin: 0; background: #ddd; color: #000; font-family: system-ui, "Noto Sans JP", "Hiragino Sans", "Yu Gothic", sans-serif; }
  header { padding: 16px; display: flex; gap: 16px; align-items: center; flex-wrap: wrap; background: #fff; }
  header p { margin: 0; max-width: 60ch; }
  button { font: inherit; padding: 12px 24px; border: 0; border-radius: 8px; background: #005a9c; color: #fff; cursor: pointer; }
  button:focus-visible { outline: 3px solid #000; outline-offset: 2px; }
  main { display: flex; flex-direction: column; align-items: center; gap: 8mm; padding: 8mm 0; overflow-x: auto; }
  .sheet { box-sizing: border-box; inline-size: 210mm; block-size: 297mm; padding: 10mm; background: #fff; display: grid; align-content: start; justify-content: center; grid-template-columns: repeat(var(--columns), var(--width)); }
  .label { box-sizing: border-box; inline-size: var(--width); block-size: var(--height); padding: var(--edge) var(--edge) var(--edge) 0; border: .2mm dashed #aaa; display: grid; grid-template-columns: 44% 1fr; align-items: center; overflow: hidden; break-inside: avoid; }
  .label svg { inline-size: 100%; max-block-size: 100%; }
  .words { min-inline-size: 0; max-block-size: calc(var(--height) - 2 * var(--edge)); overflow: hidden; display: flex; flex-direction: column; gap: .15em; font-size: var(--unit); line-height: 1.25; word-break: auto-phrase; overflow-wrap: anywhere; }
  .name { font-size: 1.2em; font-weight: 700; }
  .code { font-size: 1.6em; font-weight: 700; white-space: nowrap; }
  .how { font-size: .68em; }
  .host { font-size: .85em; font-weight: 700; white-space: nowrap; }
  .place { font-size: .72em; }
  @page { size: A4; margin: 0; }
  @media print {
    body { background: #fff; print-color-adjust: exact; }
    header { display: none; }
    main { display: block; padding: 0; overflow: visible; }
    .sheet { break-after: page; }
    .sheet:last-child { break-after: auto; }
  }
`;

/** Draw a QR code: `size` modules in a row with the quiet zone, `path` of the dark ones. */
export const qrCode = ({ size, path }, label) =>
  make(
    "svg",
    { viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": label, "shape-rendering": "crispEdges" },
    make("rect", { width: size, height: size, fill: "#fff" }),
    make("path", { d: path, fill: "#000" }),
  );

const line = (className, text, lang) => make("div", { class: className, lang }, text);

const labelOf = ({ title, evse, code, url, qr }, site) => {
  const [japanese, english] = code ? SCAN_OR_TYPE : SCAN;
  return make(
    "div",
    { class: "label" },
    qrCode(qr, title),
    make(
      "div",
      { class: "words" },
      ...(code ? [line("code", code)] : []),
      line("name", title),
      line("place", `${site} · ${evse}`),
      line("how", japanese, "ja"),
      line("how", english, "en"),
      line("how", CHECK),
      line("host", new URL(url).host),
    ),
  );
};

/**
 * Fill a page with labels. `page` is its document; `size` one of SIZES; `texts` title, print and help; `print` is
 * called by its button.
 */
export const fillSheets = (page, { labels, site, size, texts, language, print }) => {
  const { width, height, columns, rows } = SIZES[size];
  const each = columns * rows;
  const sheets = Array.from({ length: Math.ceil(labels.length / each) }, (_, number) =>
    make(
      "section",
      { class: "sheet" },
      ...labels.slice(number * each, (number + 1) * each).map((label) => labelOf(label, site)),
    ),
  );
  page.documentElement.lang = language;
  page.title = texts.title;
  page.head.replaceChildren(
    make("meta", { charset: "utf-8" }),
    make("meta", { name: "viewport", content: "width=device-width" }),
    make("title", {}, texts.title),
    make("style", {}, `:root { --width: ${width}mm; --height: ${height}mm; --columns: ${columns}; --edge: ${height / 20}mm; --unit: ${height / LINES}mm; } ${STYLE}`),
  );
  page.body.replaceChildren(
    make("header", {}, make("button", { type: "button", onclick: print }, texts.print), make("p", {}, texts.help)),
    make("main", {}, ...sheets),
  );
  for (const words of page.querySelectorAll(".words")) fit(words);
};

/** Set words smaller until they have room; a long name must not push the address off the label. */
const fit = (words) => {
  const full = Number.parseFloat(words.ownerDocument.defaultView.getComputedStyle(words).fontSize);
  const tooLarge = () => words.scrollHeight > words.clientHeight || words.scrollWidth > words.clientWidth;
  for (let share = 1; share > SMALLEST && tooLarge(); share *= 0.96) words.style.fontSize = `${full * share}px`;
};
