// What all pages share: Preact, hooks for loading, and small components.

import {
  html,
  render,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "./vendor/htm-preact.js";

export { html, render, useCallback, useEffect, useMemo, useRef, useState };

/** Load something: `{value, problem, isLoading, reload}`. `key` says when to load anew. */
export function useLoaded(load, key) {
  const [state, setState] = useState({ isLoading: true });
  const [count, setCount] = useState(0);
  useEffect(() => {
    let isCurrent = true;
    load().then(
      (value) => isCurrent && setState({ value }),
      (error) => isCurrent && setState((old) => ({ value: old.value, problem: error.message })),
    );
    return () => {
      isCurrent = false;
    };
  }, [key, count]);
  return { ...state, reload: () => setCount((old) => old + 1) };
}

/** Call something every so many milliseconds while the page is shown. */
export function useEvery(milliseconds, call) {
  const latest = useRef(call);
  latest.current = call;
  useEffect(() => {
    const timer = setInterval(() => document.hidden || latest.current(), milliseconds);
    return () => clearInterval(timer);
  }, [milliseconds]);
}

const PAUSE = 250;

/**
 * Load something anew whenever `key` has not changed for a moment, as while somebody types:
 * `{value, problem}` of this key, and nothing until it is there. Nothing is loaded without a key.
 */
export function useAnswer(load, key) {
  const [state, setState] = useState({});
  useEffect(() => {
    if (!key) return undefined;
    let isCurrent = true;
    const show = (found) => isCurrent && setState({ key, ...found });
    const ask = () => load().then((value) => show({ value }), (error) => show({ problem: error }));
    const timer = setTimeout(ask, PAUSE);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [key]);
  return state.key === key ? state : {};
}

/** The title of the window while a page is shown. */
export function useTitle(text) {
  useEffect(() => {
    document.title = `${text} · dcgan studio`;
  }, [text]);
}

/** One line about what went wrong; nothing without a problem. */
export const ProblemLine = ({ problem }) =>
  problem ? html`<p class="problem" role="alert">${problem}</p>` : null;

/** The same as the answer to something that the user did: it is scrolled into view. */
export function ProblemAnswer({ problem }) {
  const line = useRef();
  useEffect(() => line.current.scrollIntoView({ block: "nearest" }), [problem]);
  return html`<div ref=${line}><${ProblemLine} problem=${problem} /></div>`;
}

/** A button whose click starts something that takes a while. It shows its own problem. */
export function ActionButton({ act, children, kind = "", disabled = false }) {
  const [state, setState] = useState({});
  const click = async () => {
    setState({ isBusy: true });
    try {
      await act();
      setState({});
    } catch (error) {
      setState({ problem: error.message });
    }
  };
  return html`<span class="action">
    <button type="button" class=${kind} disabled=${disabled || state.isBusy} onClick=${click}>
      ${children}
    </button>
    <${ProblemLine} problem=${state.problem} />
  </span>`;
}

/** The content of a page while it loads, if it cannot be loaded, and when it is there. */
export function Loaded({ loaded, children }) {
  if (loaded.value === undefined) {
    return loaded.problem
      ? html`<${ProblemLine} problem=${loaded.problem} />
          <button type="button" onClick=${loaded.reload}>Try again</button>`
      : html`<p class="soft" aria-busy="true">Loading …</p>`;
  }
  return html`<${ProblemLine} problem=${loaded.problem} />${children(loaded.value)}`;
}

/** A bar of progress with its number in words. */
export const Progress = ({ part, text }) => html`<div class="progress">
  <progress max="1" value=${Math.min(1, Math.max(0, part))} aria-label=${text}></progress>
  <span>${text}</span>
</div>`;

/** How serious a verdict or a finding is, as a word with a color. */
export const Severity = ({ level }) =>
  html`<span class=${`severity ${level}`}>${level === "early" ? "too early" : level}</span>`;

/** Text with `settings` in backticks as code. */
export const Prose = ({ text }) =>
  html`${text.split("`").map((part, place) => (place % 2 ? html`<code>${part}</code>` : part))}`;
