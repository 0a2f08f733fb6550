import type { ElementDefinition } from "cytoscape";
import type { Cable, Network } from "./network";
import { short } from "./network";
import { golden, type Point } from "./positions";

/** The colours of use, of Okabe and Ito's set, which the colour-blind tell apart. */
export const uses = [
  { below: 0.01, colour: "#999999", name: "idle" },
  { below: 0.5, colour: "#56b4e9", name: "below half" },
  { below: 0.8, colour: "#e69f00", name: "half to 80 %" },
  { below: Infinity, colour: "#d55e00", name: "above 80 %" },
];

function useOf(share: number) { return uses.find((u) => share < u.below)!; }

export const mostHosts = 600; // that are drawn

/** The width of a cable on the map: 2 for 10 Mbit/s, and 3 more for ten times that. */
const width = (capacity: number) => Math.max(2, Math.min(14, 3 * Math.log10(Math.max(10, capacity)) - 19));

/** hostsOf returns the hosts that are drawn, by their names on the map. */
function hostsOf(n: Network, known: Set<string>) {
  if (n.hosts.length > mostHosts) return [];
  return n.hosts.flatMap((h) => (h.at && known.has(h.at.dpid) ? [{ id: `host ${h.mac} ${h.vlan ?? ""}`, label: h.addresses[0] ?? h.mac, at: h.at.dpid }] : []));
}

/** elementsOf returns what the map draws: switches and hosts, and then the links. */
export function elementsOf(n: Network, cables: Map<string, Cable>, at: Map<string, Point>, locked: Map<string, Point>): ElementDefinition[] {
  const known = new Set(n.switches.map((s) => s.dpid));
  const out: ElementDefinition[] = n.switches.map((s, i) => ({
    group: "nodes", classes: s.connected ? "switch" : "switch down", grabbable: !locked.has(s.dpid),
    position: at.get(s.dpid) ?? golden(i, 40, beside(s.dpid, cables, at)),
    data: { id: s.dpid, label: s.connected ? short(s.dpid) : `${short(s.dpid)} ✕ away` },
  }));
  const middle = middleOf(at);
  const beneath = new Map<string, number>();
  for (const h of hostsOf(n, known)) {
    const i = beneath.get(h.at) ?? 0;
    beneath.set(h.at, i + 1);
    out.push({ group: "nodes", classes: "host", position: hostAt(i, at.get(h.at) ?? middle, middle), data: { id: h.id, label: h.label, at: h.at } });
    out.push({ group: "edges", classes: "access", data: { id: `at ${h.id}`, source: h.id, target: h.at } });
  }
  const pairs = new Map<string, number>();
  for (const c of cables.values()) pairs.set(pairOf(c), (pairs.get(pairOf(c)) ?? 0) + 1);
  for (const c of cables.values()) {
    if (!known.has(c.a.dpid) || !known.has(c.b.dpid)) continue;
    const kind = c.lost ? "lost" : c.use == null || c.stale ? "stale" : "";
    out.push({
      group: "edges", classes: `cable ${kind} ${pairs.get(pairOf(c))! > 1 ? "twin" : ""}`.trim(),
      data: {
        id: c.id, source: c.a.dpid, target: c.b.dpid, width: width(c.capacity), colour: useOf(c.use ?? 0).colour,
        reserved: c.reserved ? width(c.capacity) / 2 + Math.max(1.5, Math.round(12 * Math.min(1, c.reserved)) / 2) : 0,
        marked: width(c.capacity) / 2 + 5,
      },
    });
  }
  return out;
}

/** middleOf returns where the middle of the network is. */
export function middleOf(at: Map<string, Point>): Point {
  let x = 0, y = 0;
  for (const p of at.values()) {
    x += p.x / at.size;
    y += p.y / at.size;
  }
  return { x, y };
}

/** hostAt returns where the host of that number is: beside its switch, away from the middle. */
export function hostAt(i: number, at: Point, middle: Point): Point {
  const angle = Math.atan2(at.y - middle.y, at.x - middle.x) + 0.9 * (i % 2 ? (i + 1) / 2 : -i / 2) + 0.45;
  const far = 58 + 24 * Math.floor(i / 7);
  return { x: at.x + far * Math.cos(angle), y: at.y + far * Math.sin(angle) };
}

const pairOf = (c: Cable) => (c.a.dpid < c.b.dpid ? c.a.dpid + c.b.dpid : c.b.dpid + c.a.dpid); // DPIDs have one length

/** beside returns where something is that a newcomer is connected to. */
function beside(dpid: string, cables: Map<string, Cable>, at: Map<string, Point>): Point {
  for (const c of cables.values()) {
    const p = c.a.dpid === dpid ? at.get(c.b.dpid) : c.b.dpid === dpid ? at.get(c.a.dpid) : undefined;
    if (p) return p;
  }
  return { x: 0, y: 0 };
}

/** stylesOf returns how it looks, in the light or in the dark. */
export function stylesOf(dark: boolean) {
  const ink = dark ? "#e8e8e8" : "#1a1a1a";
  const paper = dark ? "#16181c" : "#ffffff";
  return [
    { selector: "node", style: { label: "data(label)", color: ink, "font-size": 12, "font-family": "system-ui, sans-serif", "text-valign": "bottom", "text-margin-y": 4, "min-zoomed-font-size": 7, "text-outline-color": paper, "text-outline-width": 2 } },
    { selector: ".switch", style: { shape: "round-rectangle", width: 26, height: 20, "background-color": dark ? "#9bb7d4" : "#334a63" } },
    { selector: ".host", style: { shape: "ellipse", width: 10, height: 10, "font-size": 10, "background-color": dark ? "#aaa" : "#777", events: "no" } },
    { selector: ".down", style: { "background-color": paper, "border-width": 3, "border-style": "dashed", "border-color": "#d55e00", "font-weight": "bold", "min-zoomed-font-size": 0 } },
    { selector: "edge", style: { width: 1, "line-color": dark ? "#777" : "#999", "curve-style": "straight" } },
    { selector: ".cable", style: { width: "data(width)", "line-color": "data(colour)" } },
    { selector: ".twin", style: { "curve-style": "bezier", "control-point-step-size": 26 } },
    { selector: ".access", style: { events: "no" } },
    { selector: ".cable[reserved > 0]", style: { "underlay-color": "#009e73", "underlay-opacity": 0.6, "underlay-padding": "data(reserved)" } },
    { selector: ".stale", style: { "line-style": "dotted" } },
    { selector: ".lost", style: { "line-style": "dashed", "line-color": "#d55e00", width: 3, label: "✕ lost", color: ink, "font-size": 12, "text-outline-color": paper, "text-outline-width": 3 } },
    { selector: ".way", style: { "overlay-color": "#cc79a7", "overlay-opacity": 0.6, "overlay-padding": 6 } },
    { selector: ".found", style: { "overlay-color": "#0072b2", "overlay-opacity": 0.35, "overlay-padding": 9 } },
    { selector: "edge.way, edge.found", style: { "overlay-padding": "data(marked)" } },
  ];
}
