import { ask, type MeterStats, type PortStats, type Switch, type TableStats } from "../api";
import { bytes, rate, span, zonedMoment } from "../format";
import { type Live, usePolled } from "../live";
import { Flows } from "./flows";
import { List, usePaged } from "./paged";
import { Connected, number } from "./switches";

/** OneSwitch shows what a switch is, what it holds, and whose that is. */
export function OneSwitch({ dpid, live }: { dpid: string; live: Live }) {
  const at = encodeURIComponent(dpid);
  const { value, trouble } = usePolled(10_000, dpid, (signal) => ask<Switch>("GET", `switches/${at}`, undefined, signal), live.topology);
  const s = value?.[0];
  return (
    <>
      <p><a href="#/operate/switches">All switches</a></p>
      <div class="head"><h1>Switch <span class="id">{dpid}</span></h1>{s && <Connected s={s} />}</div>
      {trouble && <p class="trouble" role="alert">{trouble}</p>}
      {!s ? !trouble && <p class="wait" role="status">Loading…</p> : (
        <>
          <Limits s={s} />
          <WhatItIs s={s} />
          <Ports s={s} at={at} />
          <Flows at={at} />
          <Tables at={at} />
          <Meters at={at} />
        </>
      )}
    </>
  );
}

function Limits({ s }: { s: Switch }) {
  const ports = s.ports.filter((p) => p.limitation);
  if (!s.limitations.length && !ports.length) return null;
  return (
    <div class="note">
      <b>▲ What it cannot do</b>
      <ul>
        {s.limitations.map((l, i) => <li key={i}>{l}</li>)}
        {ports.map((p) => <li key={p.port}>Port {p.port} ({p.name}): {p.limitation}</li>)}
      </ul>
    </div>
  );
}

function WhatItIs({ s }: { s: Switch }) {
  return (
    <dl>
      <dt>It is</dt><dd>{s.description ?? "not known yet"}</dd>
      <dt>Address</dt><dd>{s.address ?? "not connected"}</dd>
      <dt>Connected since</dt><dd>{s.since == null ? "never" : zonedMoment(s.since)}</dd>
      <dt>CONGA is its</dt><dd>{s.role ?? "none, since it is not connected"}</dd>
      <dt>Tables, room for meters</dt><dd>{number(s.tables)}, {number(s.meters)}</dd>
    </dl>
  );
}

function Ports({ s, at }: { s: Switch; at: string }) {
  const ports = usePaged<PortStats>(`stats/switches/${at}/ports`, 5000);
  const of = new Map(s.ports.map((p) => [p.port, p]));
  return (
    <section aria-labelledby="ports">
      <h2 id="ports">Ports</h2>
      <List of={ports} caption="Ports" empty="It has told of no port yet." name={(p) => String(p.port)}
        heads={["Port", "Name", "State", "Leads to", "Capacity", "Received", "Sent", "Lost"]}
        row={(p) => {
          const is = of.get(p.port);
          const lost = (p.received.dropped ?? 0) + (p.sent.dropped ?? 0) + (p.received.errors ?? 0) + (p.sent.errors ?? 0);
          return [
            String(p.port), p.name ?? is?.name ?? "none", is && !is.up ? <b>▲ down</b> : "up",
            is ? { edge: "hosts", trunk: "a switch", undetermined: "not known" }[is.role] : "not known", is ? rate(is.capacity) : "not known",
            p.received.rate == null ? "not known" : rate(p.received.rate), p.sent.rate == null ? "not known" : rate(p.sent.rate), `${number(lost)} packets`,
          ];
        }} />
    </section>
  );
}

function Tables({ at }: { at: string }) {
  const tables = usePaged<TableStats>(`stats/switches/${at}/tables`);
  return (
    <section aria-labelledby="tables">
      <h2 id="tables">Tables</h2>
      <p class="hint">Those without entries, of which no packet was looked up, are left out.</p>
      <List of={{ ...tables, items: tables.items?.filter((t) => t.entries > 0 || t.lookups) }} caption="Tables" empty="None of these tables has entries." name={(t) => String(t.table)}
        heads={["Table", "Entries", "Packets looked up", "of them matched", "Looked up a second"]}
        row={(t) => [String(t.table), number(t.entries), number(t.lookups), number(t.matched), number(t.lookup_rate == null ? null : Math.round(t.lookup_rate))]} />
    </section>
  );
}

const purposes: Record<MeterStats["kind"], string> = {
  "best-effort": "best effort", policer: "polices an allocation", flood: "floods", "unknown-sources": "hosts that are not known yet",
  teaching: "what is learned from", foreign: "not CONGA's",
};

function Meters({ at }: { at: string }) {
  const meters = usePaged<MeterStats>(`stats/switches/${at}/meters`);
  return (
    <section aria-labelledby="meters">
      <h2 id="meters">Meters</h2>
      <List of={meters} caption="Meters" empty="It has no meters at the moment." name={(m) => String(m.meter)}
        heads={["Meter", "Whose", "Entries", "Came in", "Dropped", "Age"]}
        row={(m) => [
          String(m.meter),
          <>{purposes[m.kind]}{m.port != null && ` of port ${m.port}`}{m.allocation_id && <> <a href={`#/allocation/${encodeURIComponent(m.allocation_id)}`}>its allocation</a></>}</>,
          number(m.entries), bytes(m.entered.bytes), bytes(m.dropped.bytes), span(m.age),
        ]} />
    </section>
  );
}
