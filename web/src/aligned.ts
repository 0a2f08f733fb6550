import type uPlot from "uplot";

/** A Table is values over times, ascending. */
export type Table = [times: number[], values: (number | null)[]];

/** aligned puts tables onto one axis of time. What one has no value for is no gap of it; null is. */
export function aligned(tables: Table[]): uPlot.AlignedData {
  const times = [...new Set(tables.flatMap(([t]) => t))].sort((a, b) => a - b);
  const at = new Map(times.map((t, i) => [t, i]));
  const columns = tables.map(([t, values]) => {
    const column = new Array<number | null | undefined>(times.length).fill(undefined);
    t.forEach((time, i) => { column[at.get(time)!] = values[i]!; });
    return column;
  });
  return [times, ...columns];
}

/** stepsOf returns steps that follow each other as a table, with the end of the last. */
export function stepsOf(steps: { start_time: number; end_time: number; bandwidth: number }[]): Table {
  const last = steps[steps.length - 1];
  if (!last) return [[], []];
  return [[...steps.map((s) => s.start_time), last.end_time], [...steps.map((s) => s.bandwidth), last.bandwidth]];
}
