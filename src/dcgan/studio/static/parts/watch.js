// A run as it changes, in the form in which the page shows it.

import { follow } from "../api.js";
import { useEffect, useState } from "../ui.js";

/**
 * `{connection, gone, details, job, columns}` of a run. `connection` is "open" or "lost"; `gone`
 * is a line if there is nothing to show. `columns` is a new object at each change.
 */
export function useRun(run) {
  const [state, setState] = useState({ columns: {} });
  const change = (part) => setState((old) => ({ ...old, ...part }));
  useEffect(
    () =>
      follow(run, {
        state: (connection, gone) => change(gone ? { connection: "open", gone } : { connection }),
        job: (job) => change({ job }),
        run: (details) => change({ details, gone: undefined }),
        log: ({ from, columns }) =>
          setState((old) => ({ ...old, columns: joined(old.columns, from, columns) })),
      }),
    [run],
  );
  return state;
}

/** The columns with new values from a line on; those that had no such column have gaps. */
function joined(old, from, fresh) {
  const known = from > 0 ? old : {};
  const found = {};
  for (const name of new Set([...Object.keys(known), ...Object.keys(fresh)])) {
    const before = (known[name] ?? []).slice(0, from);
    while (before.length < from) before.push(null);
    const added = fresh[name] ?? new Array(fresh.images?.length ?? 0).fill(null);
    found[name] = before.concat(added);
  }
  return found;
}
