// The folder picker: what is in a folder of the machine on which the studio runs.

import { get } from "../api.js";
import { Loaded, html, useEffect, useLoaded, useRef, useState } from "../ui.js";
import { counted } from "../words.js";
import { Field } from "./field.js";

export function Folders({ choose, change, isBusy }) {
  const [asked, setAsked] = useState({ path: "", within: "" });
  const address = `/folders?${new URLSearchParams(asked)}`;
  const loaded = useLoaded(() => get(address), address);
  const [typed, setTyped] = useState(null); // null: the path that is shown
  // the path of the first folder must not come under the cursor of somebody who begins to type
  const keep = () => loaded.value ?? setTyped("");
  const here = useRef();
  const [hasMoved, setHasMoved] = useState(false);
  const open = (path) => {
    setHasMoved(true);
    setAsked({ path, within: loaded.value?.path ?? "" });
    change();
  };
  const type = (event) => {
    setTyped(event.target.value);
    change();
  };
  useEffect(() => {
    if (!hasMoved) return; // somebody may type before the first folder is there
    setTyped(null);
    here.current?.focus(); // the button that was pressed is gone
  }, [loaded.value]);
  // a problem is about the path that was asked for, not about one that is being typed
  const problem = typed === null || typed === asked.path ? loaded.problem : undefined;
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
      <${Field} name="path" label="Path" problem=${problem}>
        ${(more) => html`<input type="text" spellcheck="false"
          value=${typed ?? loaded.value?.path ?? ""}
          onFocus=${keep} onInput=${type} ...${more} />`}
      <//>
      <button>Open</button>
    </form>
    <${Loaded} loaded=${loaded.value ? { value: loaded.value } : loaded}>
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
