import type { Allocation } from "./api";
import { stateOf } from "./state";

interface By { name: string; down: boolean; key: (a: Allocation) => number | string }

/** columns are what the list can be sorted by, and which way at first. */
export const columns = {
  source: { name: "From, to", down: false, key: (a) => `${sortable(a.src_ip)} ${sortable(a.dst_ip)}` },
  state: { name: "State", down: false, key: (a) => stateOf(a).word },
  rate: { name: "Rate", down: true, key: (a) => a.bandwidth ?? 0 },
  user: { name: "User, project", down: false, key: (a) => `${a.user_id} ${a.project_id}` },
  start: { name: "Start", down: true, key: (a) => a.start_time ?? Infinity },
  end: { name: "End", down: false, key: (a) => a.end_time ?? Infinity },
} satisfies Record<string, By>;

export type Column = keyof typeof columns;

/** An Order is what the list is sorted by. */
export interface Order { column: Column; down: boolean }

/** sortable returns an address with its numbers of one length, so that their order is that of the text. */
function sortable(address: string): string {
  return address.replace(/\d+/g, (n) => n.padStart(5, "0"));
}

/** ordered returns allocations in an order; those that are alike stay as they were. */
export function ordered(list: Allocation[], { column, down }: Order): Allocation[] {
  const key = columns[column].key as By["key"];
  return list.map((a) => [key(a), a] as const).sort(([x], [y]) => (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1)).map(([, a]) => a);
}

/** What stands over the columns; some have two orders, or none. */
const heads: { columns: Column[]; name?: string }[] = [
  { columns: ["source"] }, { columns: ["state"] }, { columns: ["rate"] }, { columns: [], name: "Carried" }, { columns: ["user"] }, { columns: ["start", "end"] },
];

/** Heads are the heads of the columns, which sort the list. */
export function Heads({ order, choose }: { order: Order; choose: (o: Order) => void }) {
  return (
    <thead>
      <tr>
        {heads.map((h) => (
          <th key={h.name ?? h.columns.join()} scope="col" aria-sort={h.columns.includes(order.column) ? (order.down ? "descending" : "ascending") : undefined}>
            {h.name}
            {h.columns.map((c) => (
              <button key={c} type="button" class={c === order.column ? "sort here" : "sort"} onClick={() => choose({ column: c, down: c === order.column ? !order.down : columns[c].down })}>
                {columns[c].name}<span aria-hidden="true">{c !== order.column ? " ↕" : order.down ? " ↓" : " ↑"}</span>
                {c === order.column && <span class="unseen">, sorted {order.down ? "downwards" : "upwards"}</span>}
              </button>
            ))}
          </th>
        ))}
      </tr>
    </thead>
  );
}
