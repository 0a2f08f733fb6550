import { useState } from "preact/hooks";
import type { Host, Switch } from "../api";
import { moment, rate } from "../format";
import { mostHosts, uses } from "./elements";
import { type Cable, cableName, forget, type Network, percent, short, type Way } from "./network";

export function Legend() {
  return (
    <ul class="legend" aria-label="Legend">
      <li><b>Use:</b></li>
      {uses.map((u, i) => <li key={u.name}><span class={`swatch use${i}`} aria-hidden="true" /> {u.name}</li>)}
      <li><span class="swatch wide" aria-hidden="true" /> wide: much capacity</li>
      <li><span class="swatch reserved" aria-hidden="true" /> green beside it: reserved</li>
      <li><span class="swatch dashed" aria-hidden="true" /> dashed, ✕: lost</li>
      <li><span class="swatch dotted" aria-hidden="true" /> dotted: use not known</li>
      <li><span class="swatch way" aria-hidden="true" /> path</li>
    </ul>
  );
}

/** Failures says what is lost or away, before anything else. */
export function Failures({ network, lost, pick, changed }: { network: Network; lost: Cable[]; pick: (id: string) => void; changed: () => void }) {
  const away = network.switches.filter((s) => !s.connected);
  if (!away.length && !lost.length) return <p class="good" role="status">All {network.switches.length} switches are connected, and no link was lost while you watched.</p>;
  return (
    <div class="trouble" role="alert">
      {away.length > 0 && <p>▲ {away.length === 1 ? "A switch is" : `${away.length} switches are`} away: {away.slice(0, 12).map((s) => <Pick key={s.dpid} id={s.dpid} pick={pick}>{short(s.dpid)}</Pick>)}{away.length > 12 && " and others"}</p>}
      {lost.length > 0 && (
        <p>▲ {lost.length === 1 ? "A link is" : `${lost.length} links are`} lost: {lost.slice(0, 12).map((c) => <Pick key={c.id} id={c.id} pick={pick}>{cableName(c)}</Pick>)}{lost.length > 12 && " and others"}{" "}
          <button type="button" class="small" onClick={() => { lost.forEach((c) => forget(c.id)); changed(); }}>They are gone for good</button>
        </p>
      )}
    </div>
  );
}

function Pick({ id, pick, children }: { id: string; pick: (id: string) => void; children: string }) {
  return <><button type="button" class="small" onClick={() => pick(id)}>{children}</button>{" "}</>;
}

/** Details says what is known of what is under the pointer, or was found. */
export function Details({ id, network, cables }: { id: string; network: Network; cables: Map<string, Cable> }) {
  const c = cables.get(id);
  if (c) return <OfCable c={c} />;
  const s = network.switches.find((s) => s.dpid === id);
  if (s) return <OfSwitch s={s} hosts={network.hosts.filter((h) => h.at?.dpid === id)} />;
  return <p class="quiet">Point at a switch or a link, or find one, to see what it is.{network.hosts.length > mostHosts && ` ${network.hosts.length} hosts are too many to draw: find one to see its switch.`}</p>;
}

function OfCable({ c }: { c: Cable }) {
  return (
    <dl>
      <dt>Link</dt><dd>{cableName(c)}</dd>
      <dt>State</dt><dd>{c.lost ? <b class="state degraded">▲ lost</b> : "carries"}</dd>
      <dt>Capacity</dt><dd>{rate(c.capacity)}</dd>
      <dt>Used</dt><dd>{percent(c.use)}{c.stale && " (old)"}</dd>
      <dt>Reserved</dt><dd>{percent(c.reserved)}</dd>
    </dl>
  );
}

function OfSwitch({ s, hosts }: { s: Switch; hosts: Host[] }) {
  return (
    <dl>
      <dt>Switch</dt><dd><a class="id" href={`#/operate/switches/${s.dpid}`}>{s.dpid}</a></dd>
      <dt>State</dt><dd>{s.connected ? `connected since ${moment(s.since)}` : <b class="state degraded">▲ away</b>}</dd>
      {s.description && <><dt>It is</dt><dd>{s.description}</dd></>}
      <dt>Ports</dt><dd>{s.ports.length}, of them down: {s.ports.filter((p) => !p.up).length}</dd>
      {hosts.length > 0 && <><dt>Hosts</dt><dd>{hosts.slice(0, 8).map((h) => h.addresses[0] ?? h.mac).join(", ")}{hosts.length > 8 && ` and ${hosts.length - 8} more`}</dd></>}
      {s.limitations.map((l) => <><dt>▲</dt><dd>{l}</dd></>)}
    </dl>
  );
}

const perPage = 50;

/** InWords says what the map shows, for those who cannot see it. */
export function InWords({ network, cables, way }: { network: Network; cables: Map<string, Cable>; way: Way }) {
  const [open, setOpen] = useState(false);
  const there = [...cables.values()].filter((c) => !c.lost).length;
  return (
    <details onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>{network.switches.length} switches, {there === 1 ? "1 link" : `${there} links`}, {network.hosts.length} hosts: in words</summary>
      {open && <Table cables={[...cables.values()]} way={way} />}
    </details>
  );
}

function Table({ cables, way }: { cables: Cable[]; way: Way }) {
  const [first, setFirst] = useState(0);
  const shown = cables.slice(first, first + perPage);
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label="Links">
        <table>
          <caption>Links between switches, {first + 1} to {first + shown.length} of {cables.length}</caption>
          <thead><tr><th scope="col">Link</th><th scope="col">State</th><th scope="col">Capacity</th><th scope="col">Used</th><th scope="col">Reserved</th><th scope="col">Path</th></tr></thead>
          <tbody>
            {shown.map((c) => (
              <tr key={c.id}><th scope="row">{cableName(c)}</th><td>{c.lost ? "▲ lost" : "carries"}</td><td>{rate(c.capacity)}</td><td>{percent(c.use)}{c.stale ? ", old" : ""}</td><td>{percent(c.reserved)}</td><td>{way.cables.has(c.id) ? "on it" : ""}</td></tr>
            ))}
          </tbody>
        </table>
      </div>
      <div class="actions">
        <button type="button" disabled={first === 0} onClick={() => setFirst(first - perPage)}>Before</button>
        <button type="button" disabled={first + perPage >= cables.length} onClick={() => setFirst(first + perPage)}>After</button>
      </div>
    </>
  );
}
