import { bytes, rate, span, zonedMoment } from "./format";

/** A Body is one of a request. */
export type Body = Record<string, unknown>;

/** Alternatives are what would be admitted instead, each to be asked for with a button. */
export function Alternatives({ list, verb, busy, choose }: { list: Body[]; verb: string; busy: boolean; choose: (what: Body) => void }) {
  return (
    <ul class="alternatives">
      {list.map((alt, i) => {
        const words = describe(alt);
        return <li key={i}><span>{words}</span> <button type="button" disabled={busy} aria-label={`${verb}: ${words}`} onClick={() => choose(alt)}>{verb}</button></li>;
      })}
    </ul>
  );
}

/** describe returns what is special about an alternative. */
export function describe(alt: Body): string {
  const parts: string[] = [];
  if (typeof alt.bandwidth === "number") parts.push(rate(alt.bandwidth));
  else if (alt.volume == null) parts.push("priority without a guarantee");
  if (typeof alt.volume === "number") parts.push(bytes(alt.volume));
  if (typeof alt.duration === "number") parts.push(`for ${span(alt.duration)}`);
  if (typeof alt.start_time === "number") parts.push(`from ${zonedMoment(alt.start_time)}`);
  if (typeof alt.deadline === "number") parts.push(`by ${zonedMoment(alt.deadline)}`);
  return parts.join(", ") || "the same, as early as it fits";
}
