import type { Switch, SwitchStats } from "../api";
import type { Live } from "../live";
import { List, usePaged } from "./paged";

/** number returns a count, or that it is not known. */
export const number = (n: number | null | undefined) => (n == null ? "not known" : n.toLocaleString());

/** Connected says whether a switch is, with a sign, so that it needs no colour. */
export function Connected({ s }: { s: Switch }) {
  if (s.connected) return <span class="state active"><span aria-hidden="true">●</span> connected</span>;
  return <span class="state degraded"><span aria-hidden="true">▲</span> {s.role === "slave" ? "another controller's" : "away"}</span>;
}

/** Switches lists the switches, and what they hold. */
export function Switches({ live }: { live: Live }) {
  const list = usePaged<Switch>("switches", 10_000, live.topology);
  const stats = usePaged<SwitchStats>("stats/switches");
  // Both lists are cut alike, since they have the same order.
  const both = { ...list, back: list.back && (() => { list.back!(); stats.back?.(); }), on: list.on && (() => { list.on!(); stats.on?.(); }) };
  const counted = new Map(stats.items?.map((s) => [s.dpid, s]));
  return (
    <>
      <h1>Switches</h1>
      <List of={both} caption="Switches" empty="No switch has connected yet. Point switches at this daemon's address for switches." name={(s) => s.dpid}
        heads={["Switch", "State", "What it is", "Address", "Flow entries", "Meters", "Ports", "Limits"]}
        row={(s) => [
          <a class="id" href={`#/operate/switches/${s.dpid}`}>{s.dpid}</a>, <Connected s={s} />, s.description ?? "not known", s.address ?? "none",
          number(counted.get(s.dpid)?.flows), `${number(counted.get(s.dpid)?.meters)} of ${number(s.meters)}`,
          `${s.ports.filter((p) => p.up).length} of ${s.ports.length} up`,
          s.limitations.length ? `▲ ${s.limitations.length}` : "none",
        ]} />
      <p class="hint">Limits: what a switch cannot do of what is asked of it; its own page says what.</p>
    </>
  );
}
