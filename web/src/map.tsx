import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Core, ElementDefinition } from "cytoscape";
import { type Allocation, type Host, type Link, type LinkStats, list, type Switch } from "./api";
import { end, rate } from "./format";
import { type Live, usePolled } from "./live";
import { Missing } from "./missing";

interface Network { switches: Switch[]; links: Link[]; hosts: Host[]; stats: LinkStats[] }

/** The colours of use, of Okabe and Ito's set, which the colour-blind tell apart. */
const uses = [
  { below: 0.01, colour: "#999999", name: "idle" },
  { below: 0.5, colour: "#56b4e9", name: "below half" },
  { below: 0.8, colour: "#e69f00", name: "half to 80 %" },
  { below: Infinity, colour: "#d55e00", name: "above 80 %" },
];

function useOf(share: number) { return uses.find((u) => share < u.below)!; }

const positionsKey = "conga.map.positions"; // holds nothing that opens anything

/** NetworkMap draws switches, links and hosts, and the path of an allocation. */
export function NetworkMap({ live, selected }: { live: Live; selected: string }) {
  const { value: network, trouble } = usePolled(5000, "network", async (signal): Promise<Network> => {
    const [switches, links, hosts, stats] = await Promise.all([
      list<Switch>("switches", 5000, signal), list<Link>("links", 20000, signal),
      list<Host>("hosts", 5000, signal), list<LinkStats>("stats/links", 20000, signal),
    ]);
    return { switches, links, hosts, stats };
  }, live.topology);
  const last = useRef<Network>(undefined);
  if (network) last.current = network;
  const shown = network ?? last.current;
  const [find, setFind] = useState("");
  const active = useMemo(
    () => [...live.allocations.values()].filter((a) => a.state !== "complete" && a.path).slice(0, 300), [live]);
  const chosen = live.allocations.get(selected);
  return (
    <>
      <div class="head"><h1>Map</h1></div>
      <form class="filter" role="search" aria-label="On the map" onSubmit={(e) => e.preventDefault()}>
        <label>Find <input type="search" value={find} placeholder="switch or host" onInput={(e) => setFind(e.currentTarget.value)} /></label>
        <label>Path of{" "}
          <select value={selected} onChange={(e) => { location.hash = e.currentTarget.value ? `#/map/${encodeURIComponent(e.currentTarget.value)}` : "#/map"; }}>
            <option value="">no allocation</option>
            {active.map((a) => <option key={a.allocation_id} value={a.allocation_id!}>{end(a.src_ip, a.src_port)} → {end(a.dst_ip, a.dst_port)}</option>)}
          </select>
        </label>
      </form>
      {trouble && <p class="trouble" role="alert">The network cannot be read: {trouble}</p>}
      {!shown ? <p role="status">Loading…</p> : (
        <>
          <Legend />
          {shown.switches.length === 0 && <p class="empty">No switch has connected yet. Point switches at this daemon's address for switches.</p>}
          <Drawing network={shown} chosen={chosen} find={find} />
          <InWords network={shown} chosen={chosen} />
        </>
      )}
    </>
  );
}

function Legend() {
  return (
    <ul class="legend" aria-label="Legend">
      {uses.map((u, i) => <li key={u.name}><span class={`swatch use${i}`} aria-hidden="true" /> {u.name}</li>)}
      <li><span class="swatch reserved" aria-hidden="true" /> green beside it: reserved</li>
      <li><span class="swatch wide" aria-hidden="true" /> wide: much capacity</li>
      <li><span class="swatch dashed" aria-hidden="true" /> dashed: lost</li>
      <li><span class="swatch dotted" aria-hidden="true" /> dotted: use not known, or old</li>
      <li><span class="swatch way" aria-hidden="true" /> the allocation's path</li>
    </ul>
  );
}

const cable = (a: string, b: string) => (a < b ? `${a} ${b}` : `${b} ${a}`);

/** larger returns the larger one of two of which either may not be known. */
function larger(a: number | null, b: number | null | undefined): number | null {
  return a == null || b == null ? a ?? b ?? null : Math.max(a, b);
}

const percent = (share: number | null) => (share == null ? "not known" : `${Math.round(100 * share)} %`);

/** Cables returns links with both directions as one, with what is used of it. */
function cablesOf(n: Network) {
  const used = new Map(n.stats.map((s) => [s.link_id, s]));
  const all = new Map<string, { id: string; a: string; b: string; capacity: number; use: number | null; reserved: number | null; stale: boolean }>();
  for (const l of n.links) {
    if (!l.from || !l.to) continue;
    const id = cable(`${l.from.dpid}:${l.from.port}`, `${l.to.dpid}:${l.to.port}`);
    const s = used.get(l.link_id);
    const c = all.get(id) ?? { id, a: l.from.dpid, b: l.to.dpid, capacity: l.capacity, use: null, reserved: null, stale: false };
    c.use = larger(c.use, s?.utilisation);
    c.reserved = larger(c.reserved, s?.reservation);
    c.stale ||= s?.stale ?? false;
    all.set(id, c);
  }
  return [...all.values()];
}

type Cable = ReturnType<typeof cablesOf>[number];

/** wayOf returns the cables and switches of a path. */
function wayOf(a: Allocation | undefined, n: Network) {
  const path = (a?.carried_by === "backup_path" ? a.backup_path : a?.path) ?? [];
  const switches = new Set(path.map((h) => h.dpid));
  const cables = new Set<string>();
  const to = new Map(n.links.filter((l) => l.from && l.to).map((l) => [`${l.from!.dpid}:${l.from!.port}`, `${l.to!.dpid}:${l.to!.port}`]));
  for (const h of path) {
    const from = `${h.dpid}:${h.out_port}`;
    const other = to.get(from);
    if (other) cables.add(cable(from, other));
  }
  return { switches, cables };
}

function elementsOf(n: Network, lost: Cable[]): ElementDefinition[] {
  const known = new Set(n.switches.map((s) => s.dpid));
  const out: ElementDefinition[] = n.switches.map((s) => ({
    group: "nodes", data: { id: s.dpid, label: s.dpid.replace(/^0+(?=.)/, ""), words: `${s.dpid} ${s.description ?? ""}`.toLowerCase() },
    classes: s.connected ? "switch" : "switch down",
  }));
  for (const h of n.hosts) {
    if (!h.at || !known.has(h.at.dpid)) continue;
    const id = `host ${h.mac} ${h.vlan ?? ""}`;
    out.push({ group: "nodes", data: { id, label: h.addresses[0] ?? h.mac, words: `${h.mac} ${h.addresses.join(" ")}`.toLowerCase() }, classes: "host" });
    out.push({ group: "edges", data: { id: `at ${id}`, source: id, target: h.at.dpid, width: 1, colour: "#999999" }, classes: "access" });
  }
  const edge = (c: Cable, classes: string) => {
    if (!known.has(c.a) || !known.has(c.b)) return;
    out.push({
      group: "edges", classes,
      data: { id: c.id, source: c.a, target: c.b, width: Math.max(2, Math.min(14, 2 * Math.log10(Math.max(10, c.capacity)) - 12)), colour: useOf(c.use ?? 0).colour, reserved: c.reserved ?? 0 },
    });
  };
  for (const c of cablesOf(n)) edge(c, c.stale || c.use == null ? "cable stale" : "cable");
  for (const c of lost) edge(c, "cable lost");
  return out;
}

function styles(dark: boolean) {
  const ink = dark ? "#e8e8e8" : "#1a1a1a";
  const paper = dark ? "#16181c" : "#ffffff";
  return [
    { selector: "node", style: { label: "data(label)", color: ink, "font-size": 11, "text-valign": "bottom", "text-margin-y": 4, "background-color": ink, width: 26, height: 26, "min-zoomed-font-size": 7 } },
    { selector: ".switch", style: { shape: "round-rectangle", "background-color": dark ? "#9bb7d4" : "#345" } },
    { selector: ".host", style: { shape: "ellipse", width: 12, height: 12, "background-color": dark ? "#aaa" : "#777" } },
    { selector: ".down", style: { "background-color": paper, "border-width": 3, "border-style": "dashed", "border-color": "#d55e00" } },
    { selector: "edge", style: { width: "data(width)", "line-color": "data(colour)", "curve-style": "bezier" } },
    { selector: ".stale", style: { "line-style": "dotted" } },
    { selector: ".lost", style: { "line-style": "dashed", "line-color": "#d55e00", width: 2 } },
    { selector: ".cable[reserved > 0]", style: { "underlay-color": "#009e73", "underlay-opacity": 0.5, "underlay-padding": 4 } },
    { selector: ".way", style: { "overlay-color": "#cc79a7", "overlay-opacity": 0.55, "overlay-padding": 5 } },
    { selector: ".found", style: { "border-width": 4, "border-color": "#0072b2" } },
  ];
}

/** lostOf remembers cables that were there, so that a failure is seen. */
function useLost(n: Network): Cable[] {
  const seen = useRef(new Map<string, Cable>());
  const now = cablesOf(n);
  const there = new Set(now.map((c) => c.id));
  for (const c of now) seen.current.set(c.id, c);
  return [...seen.current.values()].filter((c) => !there.has(c.id));
}

function Drawing({ network, chosen, find }: { network: Network; chosen?: Allocation; find: string }) {
  const box = useRef<HTMLDivElement>(null);
  const [cy, setCy] = useState<Core>();
  const [missing, setMissing] = useState(false);
  const lost = useLost(network);
  useEffect(() => {
    let core: Core | undefined;
    let gone = false;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const paint = () => core?.style(styles(dark.matches) as never);
    void import("cytoscape").then(({ default: cytoscape }) => {
      if (gone || !box.current) return;
      core = cytoscape({ container: box.current, style: styles(dark.matches) as never, minZoom: 0.05, maxZoom: 1.6, hideEdgesOnViewport: true, textureOnViewport: true });
      core.on("dragfree", "node", () => remember(core!));
      setCy(core);
    }, () => setMissing(true));
    dark.addEventListener("change", paint);
    return () => {
      gone = true;
      dark.removeEventListener("change", paint);
      core?.destroy();
    };
  }, []);
  useEffect(() => { if (cy) draw(cy, elementsOf(network, lost)); }, [cy, network]);
  useEffect(() => {
    if (!cy) return;
    const way = wayOf(chosen, network);
    cy.batch(() => {
      cy.elements().removeClass("way found");
      for (const id of [...way.switches, ...way.cables]) cy.getElementById(id).addClass("way");
      const text = find.trim().toLowerCase();
      if (text) cy.nodes().filter((e) => String(e.data("words")).includes(text)).addClass("found");
    });
    const found = cy.nodes(".found");
    if (found.nonempty()) cy.animate({ center: { eles: found }, duration: 200 });
  }, [cy, chosen, network, find]);
  const zoom = (by: number) => cy?.zoom({ level: cy.zoom() * by, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
  return (
    <div class="drawing">
      {missing && <Missing />}
      <div class="canvas" ref={box} role="img" aria-label="Map of the network; the table below it says the same in words" />
      <div class="actions">
        <button type="button" onClick={() => zoom(1.3)}>Zoom in</button>
        <button type="button" onClick={() => zoom(1 / 1.3)}>Zoom out</button>
        <button type="button" onClick={() => cy?.fit(undefined, 30)}>Whole network</button>
      </div>
    </div>
  );
}

function remember(cy: Core) {
  const at: Record<string, { x: number; y: number }> = {};
  cy.nodes().forEach((n) => { at[n.id()] = n.position(); });
  try { sessionStorage.setItem(positionsKey, JSON.stringify(at)); } catch { /* a browser may have none */ }
}

function remembered(): Record<string, { x: number; y: number }> {
  try { return JSON.parse(sessionStorage.getItem(positionsKey) ?? "{}"); } catch { return {}; }
}

/** beside returns a place for a newcomer: near what it is connected to, where all else stays. */
function beside(cy: Core, id: string, elements: ElementDefinition[]): { x: number; y: number } {
  for (const { data } of elements) {
    if (data.source !== id && data.target !== id) continue;
    const other = cy.getElementById(data.source === id ? data.target! : data.source!);
    if (other.empty()) continue;
    const { x, y } = other.position(), angle = 2.4 * cy.nodes().length; // a golden angle spreads them
    return { x: x + 60 * Math.cos(angle), y: y + 60 * Math.sin(angle) };
  }
  const { x2, y1 } = cy.extent();
  return { x: x2 - 40, y: y1 + 40 };
}

/** draw brings the graph to what there is. It is laid out once; what comes later is put beside it. */
function draw(cy: Core, elements: ElementDefinition[]) {
  const wanted = new Set(elements.map((e) => e.data.id!));
  const first = cy.nodes().empty();
  const saved = remembered();
  let fresh = false;
  cy.batch(() => {
    cy.elements().filter((e) => !wanted.has(e.id())).remove();
    for (const e of elements) {
      const old = cy.getElementById(e.data.id!);
      if (old.nonempty()) {
        old.data(e.data);
        const way = old.hasClass("way");
        old.classes(e.classes as string);
        if (way) old.addClass("way");
        continue;
      }
      let position = saved[e.data.id!];
      if (e.group === "nodes" && !position) {
        fresh = true;
        if (!first) position = beside(cy, e.data.id!, elements);
      }
      cy.add(position ? { ...e, position } : e);
    }
  });
  if (!first) {
    if (fresh) remember(cy);
    return;
  }
  if (!fresh) {
    cy.fit(undefined, 30);
    return;
  }
  const large = cy.nodes().length > 150;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches || large;
  const layout = cy.layout({
    name: large ? "concentric" : "cose", animate: false, randomize: true, fit: true, padding: 30,
    ...(large ? { minNodeSpacing: 6, concentric: (n: { degree(): number }) => n.degree(), levelWidth: () => 2 } : { numIter: still ? 300 : 800 }),
  } as never);
  layout.on("layoutstop", () => remember(cy));
  layout.run();
}

/** InWords says what the map shows, for those who cannot see it. */
function InWords({ network, chosen }: { network: Network; chosen?: Allocation }) {
  const way = wayOf(chosen, network);
  const cables = cablesOf(network);
  const down = network.switches.filter((s) => !s.connected);
  return (
    <details>
      <summary>{network.switches.length} switches{down.length ? `, ${down.length} of them away` : ""}, {cables.length} links, {network.hosts.length} hosts: in words</summary>
      {down.length > 0 && <p class="trouble">Away: {down.map((s) => s.dpid).join(", ")}</p>}
      <div class="scroll" tabIndex={0} role="region" aria-label="Links">
        <table>
          <caption>Links between switches</caption>
          <thead><tr><th scope="col">Link</th><th scope="col">Capacity</th><th scope="col">Used</th><th scope="col">Reserved</th><th scope="col">Path</th></tr></thead>
          <tbody>
            {cables.slice(0, 2000).map((c) => (
              <tr key={c.id}><th scope="row" class="id">{c.id}</th><td>{rate(c.capacity)}</td><td>{percent(c.use)}{c.stale ? ", old" : ""}</td><td>{percent(c.reserved)}</td><td>{way.cables.has(c.id) ? "on it" : ""}</td></tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
