import { useMemo, useState } from "preact/hooks";
import type uPlot from "uplot";
import { type AllocationHistory, ask } from "./api";
import { Chart } from "./chart";
import { rate, zone } from "./format";
import { usePolled } from "./live";

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
  const data = useMemo((): uPlot.AlignedData | undefined => h && [h.times, ...lines.map((l) => l.of(h))], [h]);
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
      {!h || !data ? <p class="quiet">{history.trouble ? "" : "Loading…"}</p> : (
        <>
          <p class="quiet" id="in-words">{inWords(h)}</p>
          <Chart data={data} lines={lines} labelledBy="over-time in-words" />
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
