import { useEffect, useRef, useState } from "preact/hooks";
import type uPlot from "uplot";
import { rate, zonedMoment } from "./format";
import { Missing } from "./missing";

/** A Line is one of a chart. Without a colour it is drawn in that of the text. */
export interface Line { name: string; colour?: string; width?: number; dash?: number[]; fill?: string; stepped?: boolean }

export interface ChartProps {
  data: uPlot.AlignedData; // UNIX seconds, and bit/s of each line
  lines: Line[];
  labelledBy: string; // what says the same in words
  height?: number;
  range?: [number, number]; // UNIX seconds; without it that of the data
  now?: number; // where to draw a line
  choose?: (from: number, to: number) => void; // what was marked with the pointer
}

const tidy = (v: number | null | undefined) => (v == null ? "–" : rate(v));

/** drawNow draws a line at a moment, with a word. */
function drawNow(u: uPlot, now: number, ink: string) {
  const { left, top, width, height } = u.bbox;
  const x = u.valToPos(now, "x", true), c = u.ctx, dots = devicePixelRatio;
  if (x < left || x > left + width) return;
  c.save();
  c.strokeStyle = c.fillStyle = ink;
  c.lineWidth = 2 * dots;
  c.beginPath();
  c.moveTo(x, top);
  c.lineTo(x, top + height);
  c.stroke();
  c.font = `${12 * dots}px sans-serif`;
  const after = x < left + width / 2;
  c.textAlign = after ? "left" : "right";
  c.fillText("now", x + (after ? 5 : -5) * dots, top + 13 * dots);
  c.restore();
}

/** Chart draws rates over time; uPlot does it, which is loaded when one is drawn. */
export function Chart(p: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const last = useRef(p);
  const [missing, setMissing] = useState(false);
  last.current = p;
  useEffect(() => {
    let gone = false;
    const at = box.current!; // which is forgotten before this ends
    const size = () => ({ width: Math.max(200, at.clientWidth), height: last.current.height ?? 220 });
    const draw = async () => {
      const [{ default: UPlot }] = await Promise.all([import("uplot"), import("uplot/dist/uPlot.min.css")]);
      if (gone) return;
      plot.current?.destroy();
      plot.current = new UPlot(optionsOf(UPlot, at, size(), last), last.current.data, at);
    };
    const redraw = () => void draw().catch(() => setMissing(true));
    redraw();
    const resized = new ResizeObserver(() => { if (!gone) plot.current?.setSize(size()); });
    resized.observe(at);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", redraw);
    return () => {
      gone = true;
      dark.removeEventListener("change", redraw);
      resized.disconnect();
      plot.current?.destroy();
    };
  }, []);
  useEffect(() => plot.current?.setData(p.data), [p.data, p.range?.[0], p.range?.[1]]);
  const tick = p.range && p.now !== undefined ? Math.floor((1000 * (p.now - p.range[0])) / (p.range[1] - p.range[0])) : 0;
  useEffect(() => plot.current?.redraw(false), [tick]); // the line for now has moved by a thousandth
  return <>{missing && <Missing />}<div class="plot" ref={box} role="img" aria-labelledby={p.labelledBy} /></>;
}

/** How moments are written below a chart, by the time between two of them; the second line where the day or the year is another. */
const day = "\n{MMM} {D}", year = "\n{MMM} {D}, {YYYY}";
const moments: uPlot.Axis.Values = [
  [365 * 86400, "{YYYY}", null, null, null, null, null, null, 1],
  [28 * 86400, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [86400, "{MMM} {D}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", year, null, day, null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", year, null, day, null, null, null, 1],
];

function optionsOf(UPlot: typeof uPlot, at: HTMLElement, size: { width: number; height: number }, last: { current: ChartProps }): uPlot.Options {
  const of = getComputedStyle(at), ink = of.getPropertyValue("--ink");
  const axis = { stroke: ink, grid: { stroke: of.getPropertyValue("--line"), width: 1 }, ticks: { show: false } };
  const { choose } = last.current;
  return {
    ...size,
    cursor: { drag: { x: choose !== undefined, y: false, setScale: false } },
    scales: {
      x: { range: (_, from, to) => last.current.range ?? [from, to] },
      y: { range: (_, __, most) => [0, (most || 1) * 1.05] },
    },
    axes: [{ ...axis, values: moments }, { ...axis, size: 84, values: (_, ticks) => ticks.map(rate) }],
    series: [{ label: "time", value: (_, v: number | null) => (v == null ? "–" : zonedMoment(v)) }, ...last.current.lines.map((l) => ({
      label: l.name, stroke: l.colour ?? ink, width: l.width ?? 1, dash: l.dash, fill: l.fill, points: { show: false },
      paths: l.stepped ? UPlot.paths.stepped!({ align: 1 }) : undefined,
      value: (_: uPlot, v: number | null) => tidy(v),
    }))],
    hooks: {
      draw: [(u) => { if (last.current.now !== undefined) drawNow(u, last.current.now, ink); }],
      setSelect: [(u) => {
        if (!u.select.width) return;
        const from = u.posToVal(u.select.left, "x"), to = u.posToVal(u.select.left + u.select.width, "x");
        u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        last.current.choose?.(from, to);
      }],
    },
  };
}
