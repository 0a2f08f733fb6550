import type { Link, LinkStats } from "../api";
import { rate } from "../format";
import type { Live } from "../live";
import { percent } from "../map/network";
import { List, usePaged } from "./paged";

/** Links lists directed links, with what is used and reserved of them. */
export function Links({ live }: { live: Live }) {
  const links = usePaged<Link>("links", 10_000, live.topology);
  const stats = usePaged<LinkStats>("stats/links", 5000, live.topology);
  // Both lists are cut alike, since they have the same order.
  const both = { ...links, back: links.back && (() => { links.back!(); stats.back?.(); }), on: links.on && (() => { links.on!(); stats.on?.(); }) };
  const loads = new Map(stats.items?.map((s) => [s.link_id, s]));
  const end = (e: Link["from"]) => (e ? <><a class="id" href={`#/operate/switches/${e.dpid}`}>{e.dpid}</a> port {e.port}</> : "outside");
  return (
    <>
      <h1>Links</h1>
      <List of={both} caption="Links between switches, one row a direction" empty="No link between switches has been found yet." name={(l) => l.link_id}
        heads={["From", "To", "Capacity", "Rate", "Used", "Reserved", "Metric", "Latency"]}
        row={(l) => {
          const s = loads.get(l.link_id);
          return [
            end(l.from), end(l.to), rate(l.capacity), s?.rate == null ? "not known" : rate(s.rate),
            <Share of={s?.utilisation} name="used" stale={s?.stale} />, <Share of={s?.reservation} name="reserved" />,
            String(l.metric), l.latency == null ? "not known" : `${l.latency / 1000} ms`,
          ];
        }} />
    </>
  );
}

function Share({ of, name, stale }: { of: number | null | undefined; name: string; stale?: boolean }) {
  if (of == null) return <>not known</>;
  return <span class="progress"><meter aria-label={name} min={0} max={1} value={Math.min(1, of)} /> {percent(of)}{stale && ", old"}</span>;
}
