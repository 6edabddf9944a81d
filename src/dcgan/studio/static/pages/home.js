// Home: all runs and models; delete with undo, choose two to compare, import a model.

import { get, post, remove } from "../api.js";
import {
  ActionButton,
  Loaded,
  html,
  useEffect,
  useEvery,
  useLoaded,
  useRef,
  useState,
  useTitle,
} from "../ui.js";
import { Card } from "../parts/card.js";
import { Importer } from "../parts/importer.js";
import { isOpen } from "../parts/job.js";

const LOOK_EVERY = 3000;

export function Home() {
  const home = useLoaded(() => get("/home"), "");
  useTitle("Runs");
  useEvery(LOOK_EVERY, home.reload);
  return html`<div class="row between">
      <h1>Runs</h1>
      <a class="button main" href="#/new">New run</a>
    </div>
    <${Loaded} loaded=${home}>
      ${(found) => html`<${Lists} found=${found} reload=${home.reload} />`}
    <//>`;
}

const MOST_DELETED = 3;

/** The newest deleted runs: they stay while another part of the studio is shown. */
let remembered = [];

function Lists({ found, reload }) {
  const [chosen, setChosen] = useState([]);
  const [deleted, setDeleted] = useState(remembered);
  const notices = useRef();
  useEffect(() => {
    if (deleted === remembered) return;
    remembered = deleted;
    // the button that was pressed is gone
    notices.current.querySelector("p:last-child button")?.focus({ preventScroll: true });
  }, [deleted]);
  const bin = `${found.folder.split(/[/\\]/).pop()}/.studio/bin`;
  const choose = (card, isChosen) =>
    setChosen((old) =>
      [...old.filter((one) => one.id !== card.id), ...(isChosen ? [card] : [])].slice(-2),
    );
  const discard = async (card) => {
    const { discarded } = await remove(`/runs/${card.id}`);
    setDeleted((old) => [...old, { discarded, name: card.name }].slice(-MOST_DELETED));
    choose(card, false);
    reload();
  };
  const restore = async (one) => {
    await post(`/bin/${one.discarded}/restore`);
    setDeleted((old) => old.filter((other) => other !== one));
    reload();
  };
  const compare = (card) => html`<label class="check">
    <input
      type="checkbox"
      checked=${chosen.some((one) => one.id === card.id)}
      onChange=${(event) => choose(card, event.target.checked)}
    />
    Compare<span class="hidden"> ${card.name}</span>
  </label>`;
  const runs = (cards) => html`<ul class="cards">
    ${cards.map(
      (card) => html`<${Card} key=${card.id} card=${card}>
        ${compare(card)}
        <${ActionButton} act=${() => discard(card)} disabled=${card.state === "training"}>
          Delete<span class="hidden"> ${card.name}</span>
        <//>
      <//>`,
    )}
  </ul>`;
  const starting = found.jobs.filter(
    (job) => job.kind === "train" && isOpen(job) && !job.has_begun,
  );
  const isEmpty = found.runs.length === 0;
  return html`
    <${Starting} jobs=${starting} />
    ${isEmpty &&
    found.folders.length + starting.length === 0 &&
    html`<${NoRuns} hasModels=${found.models.length > 0} />`}
    <h2 class="hidden">Your runs</h2>
    ${runs(found.runs)}
    ${found.folders.map(
      (folder, place) => html`<${Folder}
        key=${folder.name}
        folder=${folder}
        isFirst=${isEmpty && place === 0}
        draw=${runs}
      />`,
    )}
    ${found.models.length > 0 &&
    html`<h2>Built-in models</h2>
      <p class="soft">These models are trained already. Open one to move through its images.</p>
      <ul class="cards">
        ${found.models.map(
          (card) =>
            html`<${Card} key=${card.id} card=${card} address=${`#/runs/${card.id}/explore`}>
              ${compare(card)}
            <//>`,
        )}
      </ul>`}
    <${Importer} />
    <p class="soft">Runs are in ${found.folder}. dcgan ${found.version}</p>
    <div class="bars">
      <div role="status" ref=${notices}>
        ${deleted.map(
          (one) => html`<p class="bar row" key=${one.discarded}>
            <span>${one.name} is in the bin (${bin}).</span>
            <${ActionButton} act=${() => restore(one)}>
              Undo<span class="hidden"> deleting ${one.name}</span>
            <//>
          </p>`,
        )}
      </div>
      <${Compared} chosen=${chosen} />
    </div>
  `;
}

/** The runs of a folder inside the folder of runs, such as those of a lab. */
function Folder({ folder, isFirst, draw }) {
  const [isShown, setShown] = useState(isFirst);
  const count = `${folder.count} ${folder.count === 1 ? "run" : "runs"}`;
  const show = (event) => setShown(event.target.open);
  return html`<details class="panel" open=${isShown} onToggle=${show}>
    <summary><h2>${folder.name}: ${count}</h2></summary>
    ${isShown && html`<${Inside} folder=${folder} draw=${draw} />`}
  </details>`;
}

function Inside({ folder, draw }) {
  const cards = useLoaded(
    () => get(`/home/folder?name=${encodeURIComponent(folder.name)}`),
    folder.count,
  );
  useEvery(LOOK_EVERY, cards.reload);
  return html`<${Loaded} loaded=${cards}>${draw}<//>`;
}

const Starting = ({ jobs }) =>
  jobs.map(
    (job) => html`<p class="notice" key=${job.id}>
      <a href=${`#/runs/${job.run}`}>${job.subject.split(/[/\\]/).pop()}</a> is starting.
    </p>`,
  );

const NoRuns = ({ hasModels }) => html`<div class="empty">
  <p><strong>No runs yet.</strong> A run is one training, with all that it makes.</p>
  <p>
    <a href="#/new">Start a new run</a> on images of your own, or on a dataset that comes with
    dcgan.${hasModels && " To see first what a trained model does, open a built-in one below."}
  </p>
</div>`;

/** What to do with the runs that are chosen to be compared. */
function Compared({ chosen }) {
  if (chosen.length === 0) return null;
  const [first, second] = chosen;
  return html`<div class="bar row" role="status">
    ${second
      ? html`<span>${first.name} and ${second.name}</span>
          <a class="button main" href=${`#/compare/${first.id}/${second.id}`}>Compare</a>`
      : html`<span>${first.name}: choose another run to compare it with</span>`}
  </div>`;
}
