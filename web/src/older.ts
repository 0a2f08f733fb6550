import { useEffect, useState } from "preact/hooks";
import { type Allocation, list, textOf } from "./api";

const most = 500; // allocations that are asked for
const address = /^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-f]*:[0-9a-f:.]*)(\/[0-9]{1,3})?$/i;
const name = /^[^\s?&#]{1,64}$/;

/** queryOf returns what to ask the server for, which keeps more that is complete than the page has; undefined: nothing. */
function queryOf(text: string, state: string): string | undefined {
  const one = text.trim();
  if (state !== "complete" && state !== "all") return undefined;
  if (address.test(one)) return `address=${encodeURIComponent(one)}`;
  if (name.test(one)) return `user_id=${encodeURIComponent(one)}`;
  return undefined;
}

/** useOlder returns complete allocations of an address or a user, as the server finds them. */
export function useOlder(text: string, state: string): { found: Allocation[]; trouble: string } {
  const [got, setGot] = useState<{ query?: string; found: Allocation[]; trouble: string }>({ found: [], trouble: "" });
  const query = queryOf(text, state);
  useEffect(() => {
    if (!query) return;
    const stop = new AbortController();
    const timer = setTimeout(() => {
      list<Allocation>(`allocations?order=newest&state=complete&${query}`, most, stop.signal).then(
        (found) => setGot({ query, found, trouble: "" }),
        (err) => { if (!stop.signal.aborted) setGot({ query, found: [], trouble: textOf(err) }); },
      );
    }, 400); // until nothing more is typed
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [query]);
  return got.query === query ? got : { found: [], trouble: "" };
}
