// Requests to the server. Every failure is a Problem with one line for people.

/** A request that failed; `message` is one line in plain words, `field` what it is about. */
export class Problem extends Error {
  constructor(message, field = "") {
    super(message);
    this.field = field;
  }
}

const GONE = "The studio does not answer. Is dcgan studio still running?";

async function ask(method, path, body, type) {
  let answer;
  try {
    answer = await fetch(`/api${path}`, {
      method,
      body,
      headers: type ? { "content-type": type } : {},
    });
  } catch {
    throw new Problem(GONE);
  }
  if (answer.ok) return answer;
  let line = `${answer.status} ${answer.statusText}`;
  let field;
  try {
    ({ problem: line = line, field } = await answer.json());
  } catch {
    // no JSON: the status has to do
  }
  throw new Problem(line, field);
}

export const get = async (path) => (await ask("GET", path)).json();
export const post = async (path, content) =>
  (await ask("POST", path, JSON.stringify(content ?? {}), "application/json")).json();
export const remove = async (path) => (await ask("DELETE", path)).json();
export const bytes = async (path) => (await ask("GET", path)).arrayBuffer();

/** Send a file as it is: PUT for a dataset, POST for a single image. */
export const send = async (method, path, file) => (await ask(method, path, file)).json();

/** The answer to a POST as a file for the user. */
export const film = async (path, content) =>
  (await ask("POST", path, JSON.stringify(content), "application/json")).blob();

/** Milliseconds without an event after which a connection counts as lost, as after sleep. */
const SILENCE = 40_000;
const RETRY = 2000;

/**
 * Follow a run. At each change `on.job(job)`, `on.run(details)` and `on.log({from, columns})` are
 * called; `on.state(state, line)` when the connection is "open", when it is "lost", and when the
 * server says in a line why there is nothing to follow: "gone". It reconnects by itself, and rests
 * while the page is hidden: a browser opens only six connections to one server.
 * Returns a function that ends it.
 */
export function follow(run, on) {
  let stream, retry;
  let mark = ""; // which log lines the page has
  let heard = Date.now();
  const hear = (name, call) =>
    stream.addEventListener(name, (event) => {
      heard = Date.now();
      mark = event.lastEventId || mark;
      call(event.data && JSON.parse(event.data));
    });
  const connect = () => {
    clearTimeout(retry);
    stream?.close();
    heard = Date.now();
    stream = new EventSource(`/api/runs/${run}/events?after=${mark}`);
    hear("job", on.job);
    hear("run", on.run);
    hear("log", on.log);
    for (const name of ["open", "job", "run"]) hear(name, () => on.state("open"));
    stream.addEventListener("error", failed);
  };
  const failed = async () => {
    on.state("lost");
    if (stream?.readyState !== EventSource.CLOSED) return; // the browser tries again
    const refused = stream;
    const line = await refusal(run);
    if (refused !== stream) return;
    if (line) on.state("gone", line);
    else retry = setTimeout(connect, RETRY);
  };
  const rest = () => {
    clearTimeout(retry);
    stream?.close();
    stream = undefined;
  };
  const turn = () => (document.hidden ? rest() : connect());
  const check = () => {
    if (!stream || Date.now() - heard < SILENCE) return;
    on.state("lost");
    connect();
  };
  turn();
  const timer = setInterval(check, SILENCE / 4);
  document.addEventListener("visibilitychange", turn);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", turn);
    rest();
  };
}

/** Why the server has no events of a run; undefined if it does not answer at all. */
async function refusal(run) {
  try {
    const answer = await fetch(`/api/runs/${run}`);
    return answer.ok ? undefined : (await answer.json()).problem;
  } catch {
    return undefined;
  }
}
