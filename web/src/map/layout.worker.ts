import { type SimulationNodeDatum, forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY } from "d3-force";
import type { Question } from "./layout";

interface Node extends SimulationNodeDatum { id: string }

// Lays a network out beside the page, so that the page stays quick. The same
// network is always laid out in the same way.
onmessage = ({ data }: MessageEvent<Question>) => {
  const order = walked(data);
  const nodes = order.map((id, i): Node => {
    const at = data.fixed[id];
    if (at) return { id, x: at.x, y: at.y, fx: at.x, fy: at.y };
    const angle = (2 * Math.PI * i) / order.length, radius = 18 * order.length ** 0.7;
    return { id, x: radius * Math.cos(angle), y: radius * Math.sin(angle) };
  });
  const rounds = nodes.length > 200 ? 60 : 300;
  const links = data.links.map(([source, target]) => ({ source, target }));
  const s = forceSimulation(nodes)
    .force("link", forceLink<Node, { source: string; target: string }>(links).id((n) => n.id).distance(110).strength(0.5))
    .force("apart", forceManyBody().strength(-500).distanceMax(700).theta(1.1))
    .force("collide", forceCollide(34))
    .force("x", forceX(0).strength(0.03))
    .force("y", forceY(0).strength(0.04))
    .alphaDecay(1 - 0.001 ** (1 / rounds))
    .stop();
  s.tick(rounds);
  postMessage(nodes.map((n) => [n.id, { x: n.x ?? 0, y: n.y ?? 0 }]));
};

/** walked returns the nodes as one comes by them along the links, so that a ring begins as one. */
function walked({ nodes, links }: Question): string[] {
  const beside = new Map<string, string[]>(nodes.map((id) => [id, []]));
  for (const [a, b] of links) {
    beside.get(a)!.push(b);
    beside.get(b)!.push(a);
  }
  const seen = new Set<string>();
  const left = [...nodes].reverse();
  while (left.length) {
    const id = left.pop()!;
    if (seen.has(id)) continue;
    seen.add(id);
    left.push(...beside.get(id)!.filter((other) => !seen.has(other)));
  }
  return [...seen];
}
