import { type Allocation, type Host, type Link, type LinkStats, list, type Switch } from "../api";
import { type Live, usePolled } from "../live";

/** A Network is what the map shows. */
export interface Network { switches: Switch[]; links: Link[]; hosts: Host[]; stats: LinkStats[] }

/** A Cable is both directions of a link, with the fuller one's figures; null: not known. */
export interface Cable {
  id: string;
  a: End;
  b: End;
  capacity: number; // bit/s
  use: number | null; // share of the capacity
  reserved: number | null;
  stale: boolean; // the figures are old
  lost: boolean; // it was there, and is no longer
}

export interface End { dpid: string; port: number }

const inventoryEvery = 60_000; // milliseconds; events tell of changes
const statsEvery = 5000;

/** useNetwork returns the network, kept up to date, and why it cannot be read. */
export function useNetwork(live: Live): { network?: Network; trouble: string } {
  const inventory = usePolled(inventoryEvery, "inventory", async (signal) => {
    const [switches, links, hosts] = await Promise.all([
      list<Switch>("switches", 5000, signal), list<Link>("links", 20000, signal), list<Host>("hosts", 5000, signal),
    ]);
    return { switches, links, hosts };
  }, live.topology);
  const stats = usePolled(statsEvery, "stats", (signal) => list<LinkStats>("stats/links", 20000, signal), live.topology);
  const trouble = inventory.trouble || stats.trouble;
  if (!inventory.value) return { trouble };
  return { network: joined(inventory.value, stats.value ?? none), trouble };
}

const none: LinkStats[] = [];
let last: Network | undefined;

/** joined returns the same object for the same answers, so that nothing is drawn twice. */
function joined(i: Omit<Network, "stats">, stats: LinkStats[]): Network {
  if (last?.switches !== i.switches || last.stats !== stats) last = { ...i, stats };
  return last;
}

const endOf = (e: End) => `${e.dpid}:${e.port}`;

/** cableId returns what names a cable, from either end. */
export function cableId(a: End, b: End): string {
  const [x, y] = [endOf(a), endOf(b)];
  return x < y ? `${x} ${y}` : `${y} ${x}`;
}

/** larger returns the larger one of two of which either may not be known. */
function larger(a: number | null, b: number | null | undefined): number | null {
  return a == null || b == null ? a ?? b ?? null : Math.max(a, b);
}

/** cablesOf returns the links between switches, both directions as one. */
export function cablesOf(n: Network): Map<string, Cable> {
  const used = new Map(n.stats.map((s) => [s.link_id, s]));
  const all = new Map<string, Cable>();
  for (const l of n.links) {
    if (!l.from || !l.to) continue;
    const id = cableId(l.from, l.to);
    const s = used.get(l.link_id);
    const c = all.get(id) ?? { id, a: l.from, b: l.to, capacity: l.capacity, use: null, reserved: null, stale: false, lost: false };
    c.use = larger(c.use, s?.utilisation);
    c.reserved = larger(c.reserved, s?.reservation);
    c.stale ||= s?.stale ?? false;
    all.set(id, c);
  }
  return all;
}

const seen = new Map<string, Cable>(); // outlasts a look at another page

/** withLost adds the cables that were there since this page was opened. */
export function withLost(now: Map<string, Cable>): Map<string, Cable> {
  const all = new Map(now);
  for (const [id, c] of seen) if (!now.has(id)) all.set(id, { ...c, use: null, reserved: null, lost: true });
  for (const [id, c] of now) seen.set(id, c);
  return all;
}

/** forget has a cable that is gone no longer count as lost. */
export function forget(id: string) {
  seen.delete(id);
}

/** A Way is what a path crosses. */
export interface Way { switches: Set<string>; cables: Set<string> }

/** waysOf returns what finds the way of an allocation. */
export function waysOf(cables: Iterable<Cable>): (a: Allocation | undefined) => Way {
  const at = new Map<string, string>();
  for (const c of cables) for (const e of [c.a, c.b]) if (!c.lost || !at.has(endOf(e))) at.set(endOf(e), c.id);
  return (a) => {
    const path = (a?.carried_by === "backup_path" ? a.backup_path : a?.path) ?? [];
    const cables = path.map((h) => at.get(`${h.dpid}:${h.out_port}`)).filter((id) => id != null);
    return { switches: new Set(path.map((h) => h.dpid)), cables: new Set(cables) };
  };
}

/** short returns a DPID without its leading zeros. */
export const short = (dpid: string) => dpid.replace(/^0+(?=.)/, "");

/** cableName returns a cable as people say it. */
export const cableName = (c: Pick<Cable, "a" | "b">) => `${short(c.a.dpid)} port ${c.a.port} – ${short(c.b.dpid)} port ${c.b.port}`;

/** percent returns a share in words. */
export const percent = (share: number | null | undefined) => (share == null ? "not known" : `${Math.round(100 * share)} %`);
