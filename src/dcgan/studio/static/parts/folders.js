// The folder picker: what is in a folder of the machine on which the studio runs.

import { get } from "../api.js";
import { Loaded, html, useEffect, useLoaded, useRef, useState } from "../ui.js";
import { counted } from "../words.js";

export function Folders({ choose, isBusy }) {
  const [path, setPath] = useState("");
  const loaded = useLoaded(() => get(`/folders?path=${encodeURIComponent(path)}`), path);
  const [typed, setTyped] = useState(null); // null: the path that is shown
  const here = useRef();
  const [hasMoved, setHasMoved] = useState(false);
  const open = (to) => {
    setHasMoved(true);
    setPath(to);
    setTyped(null);
  };
  useEffect(() => {
    if (hasMoved) here.current?.focus(); // the button that was pressed is gone
  }, [loaded.value?.path]);
  const inside = (name) => `${loaded.value.path}/${name}`;
  const use = (chosen) => choose({ data: chosen, name: lastOf(chosen).replace(/\.[a-z]+$/i, "") });
  return html`<div class="folders">
    <form
      class="row"
      onSubmit=${(event) => {
        event.preventDefault();
        if (typed !== null) open(typed);
      }}
    >
      <label class="grow">Path
        <input
          type="text"
          spellcheck="false"
          value=${typed ?? loaded.value?.path ?? ""}
          onInput=${(event) => setTyped(event.target.value)}
        />
      </label>
      <button>Open</button>
    </form>
    <${Loaded} loaded=${loaded}>
      ${(listing) => html`
        <p ref=${here} tabindex="-1">
          ${listing.images > 0 ? counted(listing.images, "image") : "No images"} directly in this
          folder, ${counted(listing.folders.length, "folder")}
          ${listing.is_cut && " (not all are shown)"}
        </p>
        <ul class="listing">
          ${listing.parent &&
          html`<li>
            <button type="button" onClick=${() => open(listing.parent)}>
              Up to ${lastOf(listing.parent)}
            </button>
          </li>`}
          ${listing.folders.map(
            (name) => html`<li key=${name}>
              <button type="button" onClick=${() => open(inside(name))}>${name}/</button>
            </li>`,
          )}
          ${listing.files.map(
            (name) => html`<li key=${name}>
              <button type="button" disabled=${isBusy} onClick=${() => use(inside(name))}>
                Inspect ${name}
              </button>
            </li>`,
          )}
        </ul>
        <button type="button" class="main" disabled=${isBusy} onClick=${() => use(listing.path)}>
          Inspect the images of this folder
        </button>
        <p class="soft">
          Images in folders below it are used too; the names of these folders become labels.
        </p>
      `}
    <//>
  </div>`;
}

const lastOf = (path) => path.split(/[/\\]/).filter(Boolean).pop() ?? path;
