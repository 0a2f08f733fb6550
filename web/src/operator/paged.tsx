import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type Page, page } from "../api";
import { usePolled } from "../live";

const perPage = 50;

/** A Paged is one page of a list, as the server cuts it. */
export interface Paged<T> { items?: T[]; trouble: string; back?: () => void; on?: () => void }

/** usePaged reads a list page by page, by the links that the server gives, and each again and again. */
export function usePaged<T>(path: string, every = 10_000, poke = 0): Paged<T> {
  const first = `${path}${path.includes("?") ? "&" : "?"}per_page=${perPage}`;
  const [trail, setTrail] = useState([first]); // the pages up to this one
  useEffect(() => setTrail([first]), [first]);
  const at = trail[0] === first ? trail[trail.length - 1]! : first;
  const { value, trouble } = usePolled<Page<T>>(every, at, (signal) => page<T>(at, signal), poke);
  return {
    items: value?.results, trouble,
    back: trail.length > 1 ? () => setTrail(trail.slice(0, -1)) : undefined,
    on: value?.next ? () => setTrail([...trail, value.next!]) : undefined,
  };
}

interface Props<T> {
  of: Paged<T>;
  caption: string;
  heads: string[]; // the first is what a row is of
  empty: string;
  row: (one: T) => ComponentChildren[];
  name: (one: T) => string; // by which rows are told apart
}

/** List shows a page of a list as a table, which on a narrow screen scrolls in itself. */
export function List<T>({ of, caption, heads, empty, row, name }: Props<T>) {
  return (
    <>
      {of.trouble && <p class="trouble" role="alert">{of.trouble}</p>}
      {!of.items && !of.trouble && <p class="wait" role="status">Loading…</p>}
      {of.items?.length === 0 && <p class="empty">{empty}</p>}
      {of.items && of.items.length > 0 && (
        <div class="table" tabIndex={0} role="region" aria-label={caption}>
          <table>
            <caption class="unseen">{caption}</caption>
            <thead><tr>{heads.map((h) => <th key={h} scope="col">{h}</th>)}</tr></thead>
            <tbody>
              {of.items.map((one) => (
                <tr key={name(one)}>{row(one).map((cell, i) => (i === 0 ? <th key={i} scope="row">{cell}</th> : <td key={i}>{cell}</td>))}</tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {(of.back || of.on) && (
        <nav class="actions" aria-label={`Pages of ${caption}`}>
          <button type="button" disabled={!of.back} onClick={of.back}>Page before</button>
          <button type="button" disabled={!of.on} onClick={of.on}>Next page</button>
        </nav>
      )}
    </>
  );
}
