import { type Allocation, ask, type Connection } from "./api";
import { end, zonedMoment } from "./format";
import { usePolled } from "./live";

const most = 50; // connections that are listed

/** Users shows the connections that hosts report of an allocation's traffic, and whose they are. */
export function Users({ a }: { a: Allocation }) {
  return (
    <section aria-labelledby="users">
      <h2 id="users">Connections and users</h2>
      <p>{a.connections == null ? "No host reports connections here." : a.connections === 0 ? "None of its traffic is reported." : `${a.connections} reported of its traffic.`}{" "}
        {a.in_use === true && "It is in use."}{a.in_use === false && "It is not in use at the moment."}</p>
      {a.connections != null && a.connections > 0 && <Reported id={a.allocation_id!} changes={a.connections} />}
    </section>
  );
}

function Reported({ id, changes }: { id: string; changes: number }) {
  const got = usePolled(15000, id, (signal) => ask<Connection>("GET", `connections?allocation=${encodeURIComponent(id)}&per_page=${most}`, undefined, signal), changes);
  if (got.trouble) return <p class="trouble" role="alert">They cannot be read: {got.trouble}</p>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Connections of its traffic">
      <table>
        <thead><tr><th scope="col">User</th><th scope="col">Program</th><th scope="col">From, to</th><th scope="col">Last reported</th></tr></thead>
        <tbody>{got.value?.map((c) => <One key={c.connection_uuid} c={c} />)}</tbody>
      </table>
      {changes > most && <p class="quiet">Only {most} are listed.</p>}
    </div>
  );
}

function One({ c }: { c: Connection }) {
  const { source, destination } = c.connection;
  return (
    <tr>
      <td>{source.user || "not told"}</td>
      <td>{source.process_name || "not told"}{source.pid ? `, process ${source.pid}` : ""}{source.job ? `, job ${source.job}` : ""}</td>
      <td>{end(source.ip, source.port)} <span aria-label="to">→</span> {end(destination.ip, destination.port)}</td>
      <td>{zonedMoment(c.last_seen)}</td>
    </tr>
  );
}
