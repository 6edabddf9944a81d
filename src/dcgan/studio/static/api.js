// Requests to the server. Every failure is a Problem with one line for people.

/** A request that failed; `message` is one line in plain words. */
export class Problem extends Error {}

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
  try {
    line = (await answer.json()).problem ?? line;
  } catch {
    // no JSON: the status has to do
  }
  throw new Problem(line);
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

/**
 * Follow a run: `on.run(details)` and `on.log({from, columns})` are called at each change, and
 * `on.state("open" | "lost")` when the connection is there or has gone. It reconnects by itself.
 * Returns a function that ends it.
 */
export function follow(run, on) {
  const stream = new EventSource(`/api/runs/${run}/events`);
  stream.addEventListener("run", (event) => on.run(JSON.parse(event.data)));
  stream.addEventListener("log", (event) => on.log(JSON.parse(event.data)));
  stream.addEventListener("open", () => on.state("open"));
  stream.addEventListener("error", () => on.state("lost"));
  return () => stream.close();
}
