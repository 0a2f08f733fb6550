import { type AuditRecord, ask, type Event } from "./api";
import { local, zonedMoment } from "./format";
import { usePolled } from "./live";

/** News shows what has happened to an allocation: events, and to operators who did what. */
export function News({ id, news, audited }: { id: string; news: Event[]; audited: boolean }) {
  return (
    <section aria-labelledby="news">
      <h2 id="news">Events</h2>
      {news.length === 0 ? <p class="quiet">Nothing has happened since you opened this page.</p> : <ol class="news">{news.map((e) => <li key={e.event_id}>{zonedMoment(e.time)}: {wordsOf(e)}</li>)}</ol>}
      {audited && <Audited id={id} changes={news.length} />}
    </section>
  );
}

function Audited({ id, changes }: { id: string; changes: number }) {
  const got = usePolled(30000, id, (signal) => ask<AuditRecord>("GET", `audit?allocation=${encodeURIComponent(id)}&per_page=50`, undefined, signal), changes);
  if (got.trouble) return <p class="trouble" role="alert">The audit log cannot be read: {got.trouble}</p>;
  return (
    <>
      <h3>From the audit log</h3>
      {got.value?.length === 0 && <p class="quiet">It has nothing of this allocation any more.</p>}
      <ol class="news">{got.value?.map((r) => (
        <li key={r.audit_id}>{zonedMoment(r.time)}: {r.action}{whoOf(r)}{r.outcome === "refused" && ", refused"}{r.detail && <span class="quiet"> {local(r.detail)}</span>}</li>
      ))}</ol>
    </>
  );
}

function whoOf(r: AuditRecord): string {
  if (r.outcome === "self") return ", by itself";
  return r.admin ? ", by the admin" : r.user_id ? `, by ${r.user_id}` : "";
}

function wordsOf(e: Event): string {
  if (e.event === "allocation.deleted") return "it was removed";
  if (e.event === "allocation.idle") return e.idle ? "it is idle" : "it is used again";
  const a = e.allocation!;
  const state = a.degraded ? "degraded" : a.state;
  return `${state}${a.end_time != null ? `, to ${zonedMoment(a.end_time)}` : ""}${a.reason ? `: ${local(a.reason)}` : ""}`;
}
