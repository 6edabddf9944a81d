// The studio's page: which part is shown, by the address after #.

import { html, render, useEffect, useState } from "./ui.js";
import { Home } from "./pages/home.js";
import { Compare } from "./pages/compare.js";
import { NewRun } from "./pages/new.js";
import { RunPage } from "./pages/run.js";
import { Inside } from "./pages/inside.js";
import { Labs } from "./pages/labs.js";

const PARTS = [
  ["#/", "Runs"],
  ["#/new", "New run"],
  ["#/inside", "Inside"],
  ["#/labs", "Labs"],
];

/** "#/runs/abc/explore" → ["runs", "abc", "explore"]. */
const place = () => location.hash.replace(/^#\/?/, "").split("/").filter(Boolean);

function App() {
  const [words, setWords] = useState(place());
  useEffect(() => {
    const moved = () => {
      setWords(place());
      document.getElementById("main")?.focus({ preventScroll: true });
      scrollTo(0, 0);
    };
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  const [part = "", ...rest] = words;
  const here = part === "runs" || part === "compare" ? "#/" : `#/${part}`;
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to content</a>
    <header class="top">
      <a class="brand" href="#/">dcgan studio</a>
      <nav aria-label="Parts of the studio">
        ${PARTS.map(
          ([address, name]) =>
            html`<a href=${address} aria-current=${address === here ? "page" : undefined}>${name}</a>`,
        )}
      </nav>
    </header>
    <main id="main" tabindex="-1">${shown(part, rest)}</main>
  `;
}

function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

function shown(part, rest) {
  if (part === "") return html`<${Home} />`;
  if (part === "new") return html`<${NewRun} inspection=${rest[0]} />`;
  if (part === "runs" && rest[0]) {
    return html`<${RunPage} key=${rest[0]} run=${rest[0]} tab=${rest[1] ?? ""} />`;
  }
  if (part === "compare" && rest[1]) return html`<${Compare} first=${rest[0]} second=${rest[1]} />`;
  if (part === "inside") return html`<${Inside} />`;
  if (part === "labs") return html`<${Labs} />`;
  return html`<h1>Nothing here</h1><p><a href="#/">Go to the runs</a></p>`;
}

render(html`<${App} />`, document.getElementById("app"));
