import { useMemo, useState } from "preact/hooks";
import type { Allocation } from "./api";
import { end, local, rate } from "./format";
import { type Live, useNow } from "./live";
import { Progress, State, stateOf } from "./state";

const orders: Record<string, { name: string; key: (a: Allocation) => number | string; down?: boolean }> = {
  start: { name: "Start, newest first", key: (a) => a.start_time ?? Infinity, down: true },
  end: { name: "End, soonest first", key: (a) => a.end_time ?? Infinity },
  rate: { name: "Rate, highest first", key: (a) => a.bandwidth ?? 0, down: true },
  user: { name: "User", key: (a) => a.user_id },
  source: { name: "Source", key: (a) => a.src_ip },
};

const most = 500;

/** AllocationList shows the allocations, with a filter and an order. */
export function AllocationList({ live, writes }: { live: Live; writes: boolean }) {
  const now = useNow();
  const [text, setText] = useState("");
  const [state, setState] = useState("current");
  const [order, setOrder] = useState("start");
  const all = useMemo(() => [...live.allocations.values()], [live]);
  const shown = useMemo(() => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const o = orders[order]!;
    return all
      .filter((a) => (state === "current" ? a.state !== "complete" : state === "all" || (state === "degraded" ? a.degraded : a.state === state)))
      .filter((a) => {
        const hay = [a.src_ip, a.dst_ip, a.user_id, a.project_id, a.allocation_id, a.protocol, a.src_port, a.dst_port, a.reason].join(" ").toLowerCase();
        return words.every((w) => hay.includes(w));
      })
      .sort((a, b) => {
        const x = o.key(a), y = o.key(b);
        const by = x < y ? -1 : x > y ? 1 : 0;
        return o.down ? -by : by;
      });
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
        <label>Sort by{" "}
          <select value={order} onChange={(e) => setOrder(e.currentTarget.value)}>
            {Object.entries(orders).map(([k, o]) => <option key={k} value={k}>{o.name}</option>)}
          </select>
        </label>
      </form>
      {live.trouble && <p class="trouble" role="alert">The list cannot be read: {live.trouble}</p>}
      <p role="status" class="quiet">{!live.loaded ? "Loading…" : `${shown.length} of ${all.length} shown`}</p>
      {live.loaded && shown.length === 0 && (
        <p class="empty">{all.length === 0 ? "Your project has no allocations yet." : "No allocation is like that; change the filter to see others."}{" "}
          {writes && all.length === 0 && <a href="#/new">Ask for the first one</a>}
        </p>
      )}
      <ul class="cards">{shown.slice(0, most).map((a) => <Card key={a.allocation_id} a={a} now={now} />)}</ul>
      {shown.length > most && <p class="quiet">Only the first {most} are drawn; find or filter to see the others.</p>}
    </>
  );
}

function Card({ a, now }: { a: Allocation; now: number }) {
  return (
    <li class={`card ${stateOf(a).kind}`}>
      <div class="row">
        <a class="title" href={`#/allocation/${encodeURIComponent(a.allocation_id!)}`}>
          {end(a.src_ip, a.src_port)} <span aria-label="to">→</span> {end(a.dst_ip, a.dst_port)}
        </a>
        <State a={a} />
      </div>
      <div class="row">
        <span>{rate(a.bandwidth)}{a.protocol !== "tcp" ? `, ${a.protocol}` : ""}</span>
        <span class="quiet">{a.user_id}, {a.project_id}</span>
        <Progress a={a} now={now} />
      </div>
      {a.reason && a.state !== "complete" && <p class="reason">{local(a.reason)}</p>}
    </li>
  );
}
