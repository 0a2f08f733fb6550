import { useMemo, useState } from "preact/hooks";
import type { Network, Cable } from "./network";
import { cableName, short } from "./network";

const most = 8;

interface Hit { id: string; name: string; words: string }

/** Find finds switches, hosts and links by what they are called. */
export function Find({ network, cables, pick }: { network: Network; cables: Map<string, Cable>; pick: (id: string) => void }) {
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  const all = useMemo(() => (wanted ? hitsOf(network, cables) : []), [network, cables, wanted !== ""]);
  const hits = wanted ? all.filter((h) => h.words.includes(wanted)) : [];
  return (
    <form role="search" aria-label="On the map" onSubmit={(e) => { e.preventDefault(); if (hits[0]) pick(hits[0].id); }}>
      <label>Find <input type="search" name="find" value={text} placeholder="switch, host, address or link" onInput={(e) => setText(e.currentTarget.value)} /></label>
      <p class="hint" role="status">{wanted && (hits.length === 0 ? "Nothing is called that." : `${hits.length} found${hits.length > most ? `; the first ${most} are` : ":"}`)}</p>
      {hits.length > 0 && (
        <ul class="hits">{hits.slice(0, most).map((h, i) => <li key={i}><button type="button" class="small" onClick={() => pick(h.id)}>{h.name}</button></li>)}</ul>
      )}
    </form>
  );
}

function hitsOf(n: Network, cables: Map<string, Cable>): Hit[] {
  const hit = (id: string, name: string, ...more: (string | null)[]): Hit => ({ id, name, words: [id, name, ...more].join(" ").toLowerCase() });
  return [
    ...n.switches.map((s) => hit(s.dpid, `switch ${short(s.dpid)}`, s.description, s.address, ...s.ports.map((p) => p.name))),
    ...n.hosts.flatMap((h) => (h.at ? [hit(h.at.dpid, `host ${h.addresses[0] ?? h.mac}, at ${short(h.at.dpid)} port ${h.at.port}`, h.mac, ...h.addresses)] : [])),
    ...[...cables.values()].map((c) => hit(c.id, `link ${cableName(c)}`)),
  ];
}
