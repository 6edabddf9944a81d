// A field of a form: its label, what it is for, and what is wrong with it.

import { html, useEffect, useRef } from "../ui.js";

/**
 * `children` is a function from attributes to the control. If `problem` is set, it is shown at the
 * control, which gets the focus: also in closed details.
 */
export function Field({ name, label, help, problem, children }) {
  const place = useRef();
  useEffect(() => {
    if (!problem) return;
    const details = place.current.closest("details");
    if (details) details.open = true;
    place.current.querySelector("input, select").focus();
  }, [problem]);
  const ids = [help && `about-${name}`, problem && `wrong-${name}`].filter(Boolean).join(" ");
  const attributes = {
    ...(ids && { "aria-describedby": ids }),
    ...(problem && { "aria-invalid": "true" }),
  };
  return html`<div class="field" ref=${place}>
    <label>${label}${children(attributes)}</label>
    ${help && html`<small id=${`about-${name}`}>${help}</small>`}
    ${problem && html`<small id=${`wrong-${name}`} class="problem" role="alert">${problem}</small>`}
  </div>`;
}

/** For forms: a control that the browser finds wrong must be seen to be corrected. */
export const showInvalid = (event) => {
  const details = event.target.closest("details");
  if (details) details.open = true;
};
