import type { Switch } from "../api";

export interface Point { x: number; y: number }

// The one thing that the page keeps in the browser: where switches are drawn,
// which opens nothing.
const key = "conga.map.positions";
const most = 5000;

/** remembered returns the positions that were kept. */
export function remembered(): Map<string, Point> {
  const out = new Map<string, Point>();
  try {
    for (const [id, p] of Object.entries(JSON.parse(localStorage.getItem(key) ?? "{}") as Record<string, [number, number]>)) {
      if (Number.isFinite(p[0]) && Number.isFinite(p[1])) out.set(id, { x: p[0], y: p[1] });
    }
  } catch { /* a browser may have none */ }
  return out;
}

/** remember keeps positions. */
export function remember(at: Iterable<[string, Point]>) {
  const some: Record<string, [number, number]> = {};
  let n = 0;
  for (const [id, p] of at) if (n++ < most) some[id] = [Math.round(p.x), Math.round(p.y)];
  try { localStorage.setItem(key, JSON.stringify(some)); } catch { /* a browser may have none */ }
}

/** forgetPositions has the switches laid out anew. */
export function forgetPositions() {
  try { localStorage.removeItem(key); } catch { /* a browser may have none */ }
}

/** configured returns the positions that the configuration gives, as far apart as they can be read. */
export function configured(switches: Switch[]): Map<string, Point> {
  const raw = switches.flatMap((s): [string, Point][] => {
    const p = s.position;
    if (!p) return [];
    return [[s.dpid, "x" in p ? { x: p.x, y: p.y } : { x: p.longitude, y: -mercator(p.latitude) }]];
  });
  if (raw.length < 2) return new Map(raw);
  const xs = raw.map(([, p]) => p.x), ys = raw.map(([, p]) => p.y);
  const across = Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)) || 1;
  const scale = (150 * Math.sqrt(raw.length)) / across;
  return new Map(raw.map(([id, p]) => [id, { x: p.x * scale, y: p.y * scale }]));
}

/** mercator returns how far north a latitude is drawn, in degrees at the equator. */
function mercator(latitude: number): number {
  const at = Math.max(-85, Math.min(85, latitude)) * Math.PI / 180;
  return Math.log(Math.tan(Math.PI / 4 + at / 2)) * 180 / Math.PI;
}

/** golden returns one of many points that are spread around another. */
export function golden(i: number, radius: number, about: Point = { x: 0, y: 0 }): Point {
  const angle = i * Math.PI * (3 - Math.sqrt(5));
  return { x: about.x + radius * Math.cos(angle), y: about.y + radius * Math.sin(angle) };
}
