import { useEffect, useRef, useState } from "preact/hooks";
import type { Core } from "cytoscape";
import { Missing } from "../missing";
import { elementsOf, hostAt, middleOf, stylesOf } from "./elements";
import { begin, positionsOf } from "./layout";
import type { Cable, Network, Way } from "./network";
import { Painter } from "./painter";
import { configured, forgetPositions, type Point, remember } from "./positions";

interface Props {
  network: Network;
  cables: Map<string, Cable>;
  way: Way;
  picked: string; // what was found, or chosen
  pick: (id: string) => void;
}

/** A Canvas is the drawing and what belongs to it. */
interface Canvas { cy: Core; painter: Painter; fitted: boolean }

/** Drawing draws the network; all that it shows is beside it in words. */
export function Drawing({ network, cables, way, picked, pick }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [canvas, setCanvas] = useState<Canvas>();
  const [missing, setMissing] = useState(false);
  const [round, setRound] = useState(0); // of laying out
  const at = useRef(new Map<string, Point>());
  const wanted = useRef<Pick<Props, "network" | "cables">>(undefined);
  const settling = useRef(false);
  const pickNow = useRef(pick);
  pickNow.current = pick;
  const moved = (to: Map<string, Point>) => {
    at.current = to;
    remember(to);
  };
  useEffect(() => open(box.current!, { pick: (id) => pickNow.current(id), moved, ready: setCanvas, failed: () => setMissing(true) }), []);
  useEffect(() => {
    if (!canvas) return;
    wanted.current = { network, cables };
    if (settling.current) return; // it draws what is wanted when it is done
    const draw = () => {
      settling.current = false;
      const { network, cables } = wanted.current!;
      canvas.painter.want(elementsOf(network, cables, at.current, configured(network.switches)));
    };
    settling.current = true;
    if (network.switches.every((s) => at.current.has(s.dpid))) {
      setTimeout(draw); // a task of its own: the answers were taken in by this one
      return;
    }
    void positionsOf(network, cables.values()).then((positions) => {
      at.current = positions;
      draw();
    });
  }, [canvas, network, cables, round]);
  useEffect(() => { canvas?.painter.show(way, picked); }, [canvas, way, picked]);
  useEffect(() => {
    const e = picked ? canvas?.cy.getElementById(picked) : undefined;
    if (canvas && e?.nonempty() && !seen(canvas.cy, e.boundingBox())) canvas.cy.animate({ center: { eles: e }, duration: quiet() ? 0 : 200 });
  }, [canvas, picked]);
  const again = () => {
    forgetPositions();
    at.current = new Map();
    canvas?.painter.want([]);
    if (canvas) canvas.fitted = false;
    setRound(round + 1);
  };
  return (
    <div class="drawing">
      {missing && <Missing />}
      <div class="canvas" ref={box} tabIndex={0} role="group" aria-label="Map of the network. Arrow keys move it, plus and minus zoom, 0 shows the whole. What it shows is beside it in words."
        onKeyDown={(e) => { if (canvas && steer(canvas.cy, e.key)) e.preventDefault(); }} />
      <div class="actions">
        <button type="button" onClick={() => canvas && zoom(canvas.cy, 1.3)}>Zoom in</button>
        <button type="button" onClick={() => canvas && zoom(canvas.cy, 1 / 1.3)}>Zoom out</button>
        <button type="button" onClick={() => canvas && whole(canvas.cy)}>Whole network</button>
        <button type="button" onClick={again}>Lay out anew</button>
      </div>
    </div>
  );
}

const quiet = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** prepare has loaded what draws by the time that the network is known. */
export function prepare() {
  begin();
  void import("cytoscape").catch(() => {}); // which Drawing tells of
}

const far = { x: 1e7, y: 1e7 };

/** What is told of the drawing. */
interface Told { pick: (id: string) => void; moved: (to: Map<string, Point>) => void; ready: (c: Canvas) => void; failed: () => void }

/** open loads what draws, and returns what ends it. */
function open(box: HTMLDivElement, { pick, moved, ready, failed }: Told): () => void {
  let canvas: Canvas | undefined;
  let gone = false;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const paint = () => canvas?.cy.style(stylesOf(dark.matches) as never);
  void import("cytoscape").then(({ default: cytoscape }) => {
    if (gone) return;
    const cy = cytoscape({
      container: box, style: stylesOf(dark.matches) as never, minZoom: 0.03, maxZoom: 2.5, boxSelectionEnabled: false,
      hideEdgesOnViewport: false, textureOnViewport: true, pixelRatio: Math.min(2, devicePixelRatio),
    });
    cy.pan(far); // what is not in sight is not drawn while it is put together
    const made: Canvas = { cy, fitted: false, painter: new Painter(cy, () => {
      if (!made.fitted) whole(cy);
      made.fitted = true;
      performance.mark("map drawn");
    }) };
    canvas = made;
    cy.on("dragfree", "node.switch", () => moved(new Map(cy.nodes(".switch").map((n) => [n.id(), { ...n.position() }]))));
    cy.on("drag", "node.switch", (e) => follow(cy, e.target.id(), e.target.position()));
    cy.on("tap mouseover", ".switch, .cable", (e) => pick(e.target.id()));
    ready(made);
  }, failed);
  dark.addEventListener("change", paint);
  return () => {
    gone = true;
    dark.removeEventListener("change", paint);
    canvas?.painter.stop();
    canvas?.cy.destroy();
  };
}

/** follow has hosts stay beside their switch. */
function follow(cy: Core, dpid: string, to: Point) {
  const hosts = cy.nodes(".host").filter((h) => h.data("at") === dpid);
  const middle = middleOf(new Map(cy.nodes(".switch").map((n) => [n.id(), n.position()])));
  hosts.forEach((h, i) => { h.position(hostAt(i, to, middle)); });
}

function seen(cy: Core, b: { x1: number; y1: number; x2: number; y2: number }): boolean {
  const e = cy.extent();
  return b.x1 >= e.x1 && b.x2 <= e.x2 && b.y1 >= e.y1 && b.y2 <= e.y2;
}

/** whole shows the whole network, a small one not too large. */
function whole(cy: Core) {
  cy.fit(undefined, 30);
  if (cy.zoom() > 1.4) {
    cy.zoom(1.4);
    cy.center();
  }
}

function zoom(cy: Core, by: number) {
  cy.zoom({ level: cy.zoom() * by, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
}

const steps: Record<string, [number, number]> = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };

/** steer moves the map by a key, and reports whether the key does. */
function steer(cy: Core, key: string): boolean {
  const step = steps[key];
  if (step) cy.panBy({ x: step[0], y: step[1] });
  else if (key === "+" || key === "=") zoom(cy, 1.3);
  else if (key === "-") zoom(cy, 1 / 1.3);
  else if (key === "0") whole(cy);
  else return false;
  return true;
}
