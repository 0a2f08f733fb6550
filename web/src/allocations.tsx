import { useMemo, useState } from "preact/hooks";
import type { Allocation } from "./api";
import { end, local, rate } from "./format";
import { type Live, useNow } from "./live";
import { useOlder } from "./older";
import { type Column, columns, Heads, type Order, ordered } from "./order";
import { Spark } from "./spark";
import { Progress, State, stateOf } from "./state";

const most = 500; // rows that are drawn

/** fits reports whether an allocation is in a state that was chosen, and has all words. */
function fits(a: Allocation, state: string, words: string[]): boolean {
  if (state === "current" ? a.state === "complete" : state === "degraded" ? !a.degraded : state !== "all" && a.state !== state) return false;
  const hay = [a.src_ip, a.dst_ip, a.user_id, a.project_id, a.allocation_id, a.protocol, a.src_port, a.dst_port, a.reason].join(" ").toLowerCase();
  return words.every((w) => hay.includes(w));
}

/** AllocationList shows the allocations, with a filter and an order. */
export function AllocationList({ live, writes }: { live: Live; writes: boolean }) {
  const now = useNow();
  const [text, setText] = useState("");
  const [state, setState] = useState("current");
  const [order, setOrder] = useState<Order>({ column: "start", down: true });
  const older = useOlder(text, state);
  const all = useMemo(() => [...live.allocations.values(), ...older.found.filter((a) => !live.allocations.has(a.allocation_id!))], [live, older.found]);
  const shown = useMemo(() => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const asked = new Set(older.found); // a prefix is in no text
    return ordered(all.filter((a) => (asked.has(a) ? fits(a, state, []) : fits(a, state, words))), order);
  }, [all, text, state, order]);
  return (
    <>
      <div class="head">
        <h1>Allocations</h1>
        {writes && <a class="button main" href="#/new">New allocation</a>}
      </div>
      <form class="filter" role="search" aria-label="Filter and sort" onSubmit={(e) => e.preventDefault()}>
        <label>Find <input type="search" value={text} placeholder="address, user, port…" onInput={(e) => setText(e.currentTarget.value)} /></label>
        <label>State{" "}
          <select value={state} onChange={(e) => setState(e.currentTarget.value)}>
            <option value="current">pending and active</option>
            <option value="pending">pending</option>
            <option value="active">active</option>
            <option value="degraded">degraded</option>
            <option value="complete">complete</option>
            <option value="all">all</option>
          </select>
        </label>
        <label class="narrow">Sort by{" "}
          <select value={order.column} onChange={(e) => setOrder({ column: e.currentTarget.value as Column, down: columns[e.currentTarget.value as Column].down })}>
            {Object.entries(columns).map(([k, c]) => <option key={k} value={k}>{c.name}</option>)}
          </select>
        </label>
      </form>
      {live.trouble && <p class="trouble" role="alert">The list cannot be read: {live.trouble} It is tried again by itself.</p>}
      {older.trouble && <p class="trouble" role="alert">Those that ended long ago cannot be read: {older.trouble}</p>}
      <p role="status" class="quiet">{!live.loaded ? (live.trouble ? "" : "Loading…") : `${shown.length} of ${all.length} shown`}</p>
      {live.loaded && shown.length === 0 && <Empty none={all.length === 0} writes={writes} />}
      {shown.length > 0 && (
        <table class="list" aria-label="Allocations">
          <Heads order={order} choose={setOrder} />
          <tbody>{shown.slice(0, most).map((a) => <Row key={a.allocation_id} a={a} now={now} />)}</tbody>
        </table>
      )}
      {shown.length > most && <p class="quiet">Only the first {most} are drawn; find or filter to see the others.</p>}
    </>
  );
}

function Empty({ none, writes }: { none: boolean; writes: boolean }) {
  return (
    <p class="empty">{none ? "There are no allocations yet." : "No allocation is like that; change the filter to see others."}{" "}
      {writes && none && <a href="#/new">Ask for the first one</a>}
    </p>
  );
}

function Row({ a, now }: { a: Allocation; now: number }) {
  return (
    <tr class={`card ${stateOf(a).kind}`}>
      <th scope="row" class="title">
        <a href={`#/allocation/${encodeURIComponent(a.allocation_id!)}`}>
          {end(a.src_ip, a.src_port)} <span aria-label="to">→</span> {end(a.dst_ip, a.dst_port)}
        </a>
        {a.reason && a.state !== "complete" && <p class="reason">{local(a.reason)}</p>}
      </th>
      <td><State a={a} /></td>
      <td>{rate(a.bandwidth)}{a.protocol !== "tcp" ? `, ${a.protocol}` : ""}</td>
      <td class="carried">{a.state === "active" && <Spark id={a.allocation_id!} />}</td>
      <td class="quiet">{a.user_id}, {a.project_id}</td>
      <td><Progress a={a} now={now} /></td>
    </tr>
  );
}
