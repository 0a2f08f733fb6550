import { useEffect, useRef, useState } from "preact/hooks";
import type uPlot from "uplot";
import { type AllocationHistory, ask } from "./api";
import { rate } from "./format";
import { politely } from "./polite";

const every = 30000; // milliseconds between two looks at what is in sight
const size = { width: 110, height: 28 };

/** useInSight reports whether an element is on the screen. */
function useInSight(of: { current: Element | null }): boolean {
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const watch = new IntersectionObserver((entries) => setSeen(entries.some((e) => e.isIntersecting)));
    if (of.current) watch.observe(of.current);
    return () => watch.disconnect();
  }, []);
  return seen;
}

/** useHistory asks for the last quarter of an hour of an allocation while it is in sight. */
function useHistory(id: string, wanted: boolean): AllocationHistory | undefined {
  const [history, setHistory] = useState<AllocationHistory>();
  useEffect(() => {
    if (!wanted) return;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async () => {
      try {
        const got = document.hidden ? undefined
          : await politely(stop.signal, () => ask<AllocationHistory>("GET", `stats/allocations/${encodeURIComponent(id)}/history?window=15m&step=15`, undefined, stop.signal));
        if (got?.[0] && !stop.signal.aborted) setHistory(got[0]);
      } catch { /* the list says what is wrong; the line stays as it was */ }
      if (!stop.signal.aborted) timer = setTimeout(look, every);
    };
    timer = setTimeout(look, 150); // not for what is only scrolled past
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [id, wanted]);
  return history;
}

/** Spark draws how fast an allocation went in the last quarter of an hour, and says it. */
export function Spark({ id }: { id: string }) {
  const box = useRef<HTMLSpanElement>(null);
  const seen = useInSight(box);
  const h = useHistory(id, seen);
  useEffect(() => {
    const at = box.current;
    if (!h || !at) return;
    let plot: uPlot | undefined, gone = false;
    Promise.all([import("uplot"), import("uplot/dist/uPlot.min.css")]).then(([{ default: UPlot }]) => {
      if (gone) return;
      plot = new UPlot({
        ...size, padding: [2, 0, 2, 0], legend: { show: false }, cursor: { show: false },
        axes: [{ show: false }, { show: false }], scales: { y: { range: (_, __, most) => [0, most || 1] } },
        series: [{}, { stroke: "#e69f00", dash: [4, 3], points: { show: false } }, { stroke: "#0072b2", width: 1.5, points: { show: false } }],
      }, [h.times, h.forward.promised.mean, h.forward.delivered.mean], at);
    }, () => {}); // the words beside it say it
    return () => {
      gone = true;
      plot?.destroy();
    };
  }, [h]);
  return <><span class="spark" ref={box} aria-hidden="true" /> <span class="quiet">{wordsOf(h)}</span></>;
}

function wordsOf(h: AllocationHistory | undefined): string {
  if (!h) return "";
  const known = h.forward.delivered.mean.filter((v): v is number => v != null);
  if (known.length === 0) return "not measured yet";
  return rate(known[known.length - 1]);
}
