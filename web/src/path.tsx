import type { Allocation, Hop } from "./api";
import { PathDrawing } from "./pathdrawing";

/** Path shows the path of an allocation, drawn and in words, and its backup. */
export function Path({ a, onMap }: { a: Allocation; onMap: boolean }) {
  return (
    <section aria-labelledby="path">
      <h2 id="path">Path</h2>
      {a.path && <PathDrawing key={JSON.stringify(a.path)} path={a.path} from={a.src_ip} to={a.dst_ip} />}
      <Hops path={a.path} />
      {a.backup_path && <><h3>Backup{a.carried_by === "backup_path" && " (in use)"}</h3><Hops path={a.backup_path} /></>}
      {onMap && a.path && <p><a href={`#/map/${encodeURIComponent(a.allocation_id!)}`}>See it on the map</a></p>}
    </section>
  );
}

/** Hops shows a path as its switches, with the ports between. */
function Hops({ path }: { path: Hop[] | null }) {
  if (!path) return <p class="quiet">None is known yet.</p>;
  return <ol class="hops">{path.map((h, i) => <li key={i}><span class="quiet">port {h.in_port}</span> <b class="id">{h.dpid}</b> <span class="quiet">port {h.out_port}</span></li>)}</ol>;
}
