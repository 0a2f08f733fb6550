import { configured, golden, type Point, remember, remembered } from "./positions";
import type { Cable, Network } from "./network";

/** A Question is what the worker lays out. */
export interface Question { nodes: string[]; links: [string, string][]; fixed: Record<string, Point> }

let worker: Worker | undefined;

/** begin has the worker there when it is needed. */
export function begin(): Worker {
  return (worker ??= new Worker(new URL("./layout.worker.ts", import.meta.url), { type: "module" }));
}

/**
 * positionsOf returns where all switches are drawn: as configured, where they
 * were, and else near what they are connected to.
 */
export async function positionsOf(n: Network, cables: Iterable<Cable>): Promise<Map<string, Point>> {
  const fixed = new Map([...remembered(), ...configured(n.switches)]);
  const out = new Map(n.switches.flatMap((s) => (fixed.has(s.dpid) ? [[s.dpid, fixed.get(s.dpid)!] as const] : [])));
  if (out.size === n.switches.length) return out;
  const links: [string, string][] = [];
  for (const c of cables) links.push([c.a.dpid, c.b.dpid]);
  const known = new Set(n.switches.map((s) => s.dpid));
  const found = await ask({
    nodes: [...known], links: links.filter(([a, b]) => known.has(a) && known.has(b)), fixed: Object.fromEntries(out),
  }).catch(() => [...known].map((id, i): [string, Point] => [id, golden(i, 60 * Math.sqrt(i))]));
  for (const [id, p] of found) if (!out.has(id)) out.set(id, p);
  remember(out);
  return out;
}

function ask(q: Question): Promise<[string, Point][]> {
  return new Promise((done, failed) => {
    const w = begin();
    w.onmessage = (m: MessageEvent<[string, Point][]>) => done(m.data);
    w.onerror = failed;
    w.postMessage(q);
  });
}
