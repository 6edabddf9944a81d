// Elements of the explorer: each control has an element and can be reset.

/**
 * Create an element with properties and children; empty children are left out. `role` and names
 * with a hyphen are attributes: not every browser has properties for them.
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "role" || name.includes("-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== "" && child != null));
  return element;
}

/** A number with two digits and a real minus sign. */
export function valueText(value) {
  return value.toFixed(2).replace("-", "−");
}

/** A labeled slider. `text(value, isSet)` is what is shown beside it. */
export function range({ name, about = "", min, max, step, start, text, onInput }) {
  const input = make("input", { type: "range", min, max, step, value: start });
  const output = make("output", {}, text(start, false));
  const show = (isSet) => {
    output.textContent = text(Number(input.value), isSet);
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => {
    show(true);
    onInput(Number(input.value));
  });
  show(false);
  return {
    element: make("label", { className: "dcgan-range", title: about },
      make("span", {}, name), output, input),
    reset() {
      input.value = start;
      show(false);
    },
  };
}

/** A labeled list, whose first entry is null: as it is in each sample. */
export function select({ name, options, onInput }) {
  const list = make("select", {},
    make("option", { value: "" }, "varies"),
    ...options.map((option, value) => make("option", { value }, option)));
  list.addEventListener("change", () => onInput(list.value === "" ? null : Number(list.value)));
  return {
    element: make("label", { className: "dcgan-select" }, make("span", {}, name), list),
    reset() {
      list.value = "";
    },
  };
}

/** Give the user a file. */
export function saveAs(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
