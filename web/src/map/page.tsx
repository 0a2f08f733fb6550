import { useEffect, useMemo, useState } from "preact/hooks";
import type { Allocation } from "../api";
import { end, rate } from "../format";
import type { Live } from "../live";
import { stateOf } from "../state";
import { Drawing, prepare } from "./drawing";
import { Find } from "./find";
import { cablesOf, type Network, useNetwork, waysOf, withLost } from "./network";
import { Details, Failures, InWords, Legend } from "./words";

/** NetworkMap draws switches, links and hosts, and the path of an allocation. */
export function NetworkMap({ live, selected }: { live: Live; selected: string }) {
  useEffect(prepare, []);
  const { network, trouble } = useNetwork(live);
  return (
    <>
      <div class="head"><h1>Map</h1></div>
      {trouble && <p class="trouble" role="alert">The network cannot be read: {trouble}</p>}
      {network ? <Shown network={network} live={live} selected={selected} /> : !trouble && <p role="status">Loading…</p>}
    </>
  );
}

const most = 60; // allocations that are listed

function Shown({ network, live, selected }: { network: Network; live: Live; selected: string }) {
  const [picked, pick] = useState("");
  const [pointed, point] = useState("");
  const [forgotten, setForgotten] = useState(0);
  const cables = useMemo(() => withLost(cablesOf(network)), [network, forgotten]);
  const wayOf = useMemo(() => waysOf(cables.values()), [cables]);
  const shown = live.allocations.get(pointed || selected);
  const way = useMemo(() => wayOf(shown), [wayOf, shown]);
  const lost = [...cables.values()].filter((c) => c.lost);
  if (network.switches.length === 0) return <p class="empty">No switch has connected yet. Point switches at this daemon's address for switches.</p>;
  return (
    <>
      <Failures network={network} lost={lost} pick={pick} changed={() => setForgotten(forgotten + 1)} />
      <Legend />
      <div class="beside">
        <Drawing network={network} cables={cables} way={way} picked={picked} pick={pick} />
        <div>
          <Find network={network} cables={cables} pick={pick} />
          <section aria-labelledby="what"><h2 id="what">{picked ? "What it is" : "Look closer"}</h2><Details id={picked} network={network} cables={cables} /></section>
          <Carried live={live} picked={picked} selected={selected} wayOf={wayOf} point={point} all={() => pick("")} />
        </div>
      </div>
      <InWords network={network} cables={cables} way={way} />
    </>
  );
}

/** Carried lists allocations; the path of that under the pointer, or with the focus, is drawn. */
function Carried({ live, picked, selected, wayOf, point, all }: { live: Live; picked: string; selected: string; wayOf: ReturnType<typeof waysOf>; point: (id: string) => void; all: () => void }) {
  const there = useMemo(() => {
    const current = [...live.allocations.values()].filter((a) => a.state === "active" || (a.state === "pending" && a.path));
    if (!picked) return current;
    return current.filter((a) => { const w = wayOf(a); return w.switches.has(picked) || w.cables.has(picked); });
  }, [live, picked, wayOf]);
  const chosen = live.allocations.get(selected);
  const list = [...(chosen && !there.includes(chosen) ? [chosen] : []), ...there].slice(0, most);
  return (
    <section aria-labelledby="carried">
      <h2 id="carried">{picked ? "Allocations here" : "Allocations"}</h2>
      <p class="hint" role="status">
        {there.length === 0 ? (picked ? "None crosses it." : "None has a path at the moment.") : `${there.length}${there.length > most ? `, of which ${most} are listed` : ""}. Point at one to see its path; press it to keep that.`}{" "}
        {picked && <button type="button" class="small" onClick={all}>Those of the whole network</button>}
      </p>
      <ul class="carried">
        {list.map((a) => <One key={a.allocation_id} a={a} chosen={a.allocation_id === selected} point={point} />)}
      </ul>
    </section>
  );
}

function One({ a, chosen, point }: { a: Allocation; chosen: boolean; point: (id: string) => void }) {
  const id = a.allocation_id!;
  const to = chosen ? "#/map" : `#/map/${encodeURIComponent(id)}`;
  return (
    <li onMouseEnter={() => point(id)} onMouseLeave={() => point("")}>
      <a href={to} aria-current={chosen ? "true" : undefined} onFocus={() => point(id)} onBlur={() => point("")}>
        {end(a.src_ip, a.src_port)} <span aria-label="to">→</span> {end(a.dst_ip, a.dst_port)}
      </a>{" "}
      <span class="quiet">{rate(a.bandwidth)}, {stateOf(a).word}</span>{" "}
      <a href={`#/allocation/${encodeURIComponent(id)}`} aria-label={`Details of ${end(a.src_ip, a.src_port)} to ${end(a.dst_ip, a.dst_port)}`}>details</a>
    </li>
  );
}
