import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Core, ElementDefinition } from "cytoscape";
import type { Hop } from "./api";
import { Missing } from "./missing";

const apart = 95; // between two of a row
const below = 100; // between two rows

/** elementsOf returns both ends, and the switches between them, in rows that go to and fro. */
function elementsOf(path: Hop[], from: string, to: string, inRow: number): ElementDefinition[] {
  const names = [from, ...path.map((h) => h.dpid.replace(/^0+(?=.)/, "")), to];
  const out: ElementDefinition[] = names.map((label, i) => {
    const row = Math.floor(i / inRow), column = row % 2 ? inRow - 1 - (i % inRow) : i % inRow;
    return { group: "nodes", data: { id: String(i), label }, classes: `${i === 0 || i === names.length - 1 ? "host" : "switch"}${i % inRow === inRow - 1 && i < names.length - 1 ? " above" : ""}`, position: { x: column * apart, y: row * below } };
  });
  for (let i = 1; i < names.length; i++) {
    const out_port = path[i - 2]?.out_port, in_port = path[i - 1]?.in_port;
    out.push({ group: "edges", data: { id: `to ${i}`, source: String(i - 1), target: String(i), out: out_port ?? "", in: in_port ?? "" } });
  }
  return out;
}

function styles(dark: boolean) {
  const ink = dark ? "#e8e8e8" : "#1a1a1a";
  const port = { color: ink, "font-size": 10, "text-background-color": dark ? "#16181c" : "#ffffff", "text-background-opacity": 1, "text-background-padding": 1 };
  return [
    { selector: "node", style: { label: "data(label)", color: ink, "font-size": 12, "text-valign": "bottom", "text-margin-y": 4 } },
    { selector: ".switch", style: { shape: "round-rectangle", width: 28, height: 28, "background-color": dark ? "#9bb7d4" : "#345" } },
    { selector: ".above", style: { "text-valign": "top", "text-margin-y": -4 } }, // the path goes on below it
    { selector: ".host", style: { shape: "ellipse", width: 16, height: 16, "background-color": dark ? "#aaa" : "#777" } },
    { selector: "edge", style: { width: 5, "line-color": "#cc79a7", "target-arrow-color": "#cc79a7", "target-arrow-shape": "triangle", "curve-style": "straight",
      "source-label": "data(out)", "target-label": "data(in)", "source-text-offset": 22, "target-text-offset": 27, ...port } },
  ];
}

/** PathDrawing draws a path; the list below it says the same in words. */
export function PathDrawing({ path, from, to }: { path: Hop[]; from: string; to: string }) {
  const box = useRef<HTMLDivElement>(null);
  const [missing, setMissing] = useState(false);
  const [inRow, setInRow] = useState(0); // 0: how much room there is is not known yet
  useLayoutEffect(() => setInRow(Math.max(2, Math.min(path.length + 2, Math.floor((box.current!.clientWidth - 30) / apart)))), []);
  useEffect(() => {
    if (!inRow) return;
    let core: Core | undefined, gone = false;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const paint = () => core?.style(styles(dark.matches) as never);
    import("cytoscape").then(({ default: cytoscape }) => {
      if (gone || !box.current) return;
      core = cytoscape({
        container: box.current, elements: elementsOf(path, from, to, inRow), style: styles(dark.matches) as never, layout: { name: "preset" },
        userZoomingEnabled: false, userPanningEnabled: false, autoungrabify: true, autounselectify: true, maxZoom: 1,
      });
      core.fit(undefined, 24);
    }, () => setMissing(true));
    const resized = new ResizeObserver(() => { core?.resize(); core?.fit(undefined, 24); });
    resized.observe(box.current!);
    dark.addEventListener("change", paint);
    return () => {
      gone = true;
      resized.disconnect();
      dark.removeEventListener("change", paint);
      core?.destroy();
    };
  }, [inRow]);
  const rows = Math.ceil((path.length + 2) / (inRow || 1));
  return <>{missing && <Missing />}<div class={`path-drawing rows${Math.min(rows, 4)}`} ref={box} role="img" aria-label="The path, drawn; the list below says the same in words" /></>;
}
