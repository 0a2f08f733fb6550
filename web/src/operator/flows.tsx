import { useState } from "preact/hooks";
import type { FlowEntry } from "../api";
import { List, usePaged } from "./paged";

const owners: Record<FlowEntry["kind"], string> = { control: "CONGA: control", forward: "CONGA: best effort", allocation: "an allocation", foreign: "▲ not CONGA's" };

/** entry returns a flow entry as ovs-ofctl prints it. */
export function entry(f: FlowEntry): string {
  const timeouts = [f.idle_timeout && `idle_timeout=${f.idle_timeout}`, f.hard_timeout && `hard_timeout=${f.hard_timeout}`].filter(Boolean);
  const what = [`cookie=0x${f.cookie.replace(/^0+(?=.)/, "")}`, `duration=${Math.round(f.age)}s`, `table=${f.table}`,
    `n_packets=${f.packets ?? "?"}`, `n_bytes=${f.bytes ?? "?"}`, ...timeouts, [`priority=${f.priority}`, f.match].filter(Boolean).join(",")];
  return `${what.join(", ")} actions=${f.instructions.join(",") || "drop"}`;
}

/** Flows shows a switch's flow entries, and whose they are. */
export function Flows({ at }: { at: string }) {
  const [table, setTable] = useState("");
  const flows = usePaged<FlowEntry>(`stats/switches/${at}/flows${table ? `?table=${table}` : ""}`);
  return (
    <section aria-labelledby="flows">
      <h2 id="flows">Flow entries</h2>
      <label class="short">Table{" "}
        <select value={table} onChange={(e) => setTable(e.currentTarget.value)}>
          <option value="">all</option>
          {[0, 1, 2, 3].map((n) => <option key={n} value={String(n)}>{n}</option>)}
        </select>
      </label>
      <List of={flows} caption="Flow entries, as ovs-ofctl prints them" empty="It has no flow entries there." heads={["Whose", "Entry"]}
        name={(f) => `${f.table} ${f.priority} ${f.match}`}
        row={(f) => [
          f.allocation_id ? <a href={`#/allocation/${encodeURIComponent(f.allocation_id)}`}>an allocation</a> : owners[f.kind],
          <code>{entry(f)}</code>,
        ]} />
    </section>
  );
}
