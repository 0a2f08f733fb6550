import { useEffect, useRef, useState } from "preact/hooks";
import type uPlot from "uplot";
import { type AllocationHistory, ask } from "./api";
import { rate, zone } from "./format";
import { usePolled } from "./live";
import { Missing } from "./missing";

/** What is kept: the finer, the shorter. */
const windows = [
  { name: "15 minutes", query: "window=15m&step=5s", every: 5000 },
  { name: "24 hours", query: "window=24h&step=1m", every: 60000 },
  { name: "90 days", query: "window=90d&step=1h", every: 600000 },
];

/** The lines, in colours of Okabe and Ito's set, which the colour-blind tell apart. */
const lines = [
  { name: "promised", colour: "#e69f00", dash: [8, 4], of: (h: AllocationHistory) => h.forward.promised.mean },
  { name: "delivered", colour: "#0072b2", width: 2, of: (h: AllocationHistory) => h.forward.delivered.mean },
  { name: "at most", colour: "#56b4e9", of: (h: AllocationHistory) => h.forward.delivered.max },
  { name: "dropped above it", colour: "#d55e00", of: (h: AllocationHistory) => h.forward.dropped.mean },
  { name: "delivered back", colour: "#009e73", width: 2, of: (h: AllocationHistory) => h.reverse.delivered.mean },
];

/** OverTime draws how fast an allocation went, beside what was promised to it. */
export function OverTime({ at, live }: { at: string; live: boolean }) {
  const [chosen, choose] = useState(0);
  const { query, every } = windows[chosen]!;
  const history = usePolled(every, `${at} ${query} ${live}`, (signal) => ask<AllocationHistory>("GET", `stats/${at}/history?${query}`, undefined, signal));
  const h = history.value?.[0];
  return (
    <section aria-labelledby="over-time">
      <div class="head">
        <h2 id="over-time">Over time</h2>
        <label>The last{" "}
          <select name="window" value={String(chosen)} onChange={(e) => choose(Number(e.currentTarget.value))}>
            {windows.map((w, i) => <option key={w.name} value={String(i)}>{w.name}</option>)}
          </select>
        </label>
      </div>
      {history.trouble && <p class="trouble" role="alert">{history.trouble}</p>}
      {!h ? <p class="quiet">{history.trouble ? "" : "Loading…"}</p> : (
        <>
          <p class="quiet" id="in-words">{inWords(h)}</p>
          <Plot h={h} />
          <p class="hint">In bit/s, {zone} time. Counted are {h.layer}. A gap: nothing is known.</p>
        </>
      )}
    </section>
  );
}

/** inWords says what the plot shows. */
function inWords(h: AllocationHistory): string {
  const known = h.forward.delivered.mean.filter((v): v is number => v != null);
  if (known.length === 0) return "Nothing is known of this time yet.";
  const mean = known.reduce((sum, v) => sum + v, 0) / known.length;
  const most = Math.max(...h.forward.delivered.max.map((v) => v ?? 0));
  return `From the source ${rate(mean)} were delivered on average, and ${rate(most)} at most.`;
}

const tidy = (v: number | null | undefined) => (v == null ? "–" : rate(v));

/** Plot is a plot of the lines; uPlot draws it. */
function Plot({ h }: { h: AllocationHistory }) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const last = useRef(h);
  const [missing, setMissing] = useState(false);
  last.current = h;
  const data = (): uPlot.AlignedData => [last.current.times, ...lines.map((l) => l.of(last.current))];
  useEffect(() => {
    let gone = false;
    const at = box.current!; // which is forgotten before this ends
    const width = () => Math.max(200, at.clientWidth);
    const draw = async () => {
      const [{ default: UPlot }] = await Promise.all([import("uplot"), import("uplot/dist/uPlot.min.css")]);
      if (gone) return;
      plot.current?.destroy();
      const of = getComputedStyle(at);
      const axis = { stroke: of.getPropertyValue("--ink"), grid: { stroke: of.getPropertyValue("--line"), width: 1 }, ticks: { show: false } };
      plot.current = new UPlot({
        width: width(), height: 220, scales: { y: { range: (_, __, most) => [0, (most || 1) * 1.05] } },
        axes: [axis, { ...axis, size: 84, values: (_, ticks) => ticks.map(rate) }],
        series: [{}, ...lines.map((l) => ({ label: l.name, stroke: l.colour, width: l.width ?? 1, dash: l.dash, value: (_: uPlot, v: number | null) => tidy(v) }))],
      }, data(), at);
    };
    draw().catch(() => setMissing(true));
    const resized = new ResizeObserver(() => { if (!gone) plot.current?.setSize({ width: width(), height: 220 }); });
    resized.observe(at);
    const dark = matchMedia("(prefers-color-scheme: dark)"), redraw = () => void draw().catch(() => setMissing(true));
    dark.addEventListener("change", redraw);
    return () => {
      gone = true;
      dark.removeEventListener("change", redraw);
      resized.disconnect();
      plot.current?.destroy();
    };
  }, []);
  useEffect(() => plot.current?.setData(data()), [h]);
  return <>{missing && <Missing />}<div class="plot" ref={box} role="img" aria-labelledby="over-time in-words" /></>;
}
