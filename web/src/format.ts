/** The reader's time zone, which every time is shown in. */
export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const zoned = new Intl.DateTimeFormat(undefined, {
  year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short",
});

/** moment returns UNIX seconds as a date and a time. */
export function moment(seconds: number | null | undefined): string {
  return seconds == null ? "not planned yet" : whole.format(seconds * 1000);
}

/** zonedMoment is moment with the name of the zone. */
export function zonedMoment(seconds: number | null | undefined): string {
  return seconds == null ? "not planned yet" : zoned.format(seconds * 1000);
}

/** local returns a sentence of the server's with its moments as the reader's clock shows them. */
export function local(sentence: string): string {
  return sentence.replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, (found) => zonedMoment(Date.parse(found) / 1000));
}

/** span returns seconds in words. */
export function span(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  const units: [number, string][] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const parts: string[] = [];
  let left = s;
  for (const [size, name] of units) {
    const n = Math.floor(left / size);
    left -= n * size;
    if (n > 0) parts.push(`${n} ${name}`);
    if (parts.length === 2) break;
  }
  return parts.join(" ") || "0 s";
}

function scaled(value: number, units: string[]): string {
  let v = value;
  let i = 0;
  while (v >= 1000 && i < units.length - 1) {
    v /= 1000;
    i++;
  }
  return `${v >= 100 || Number.isInteger(v) ? Math.round(v) : Number(v.toPrecision(3))} ${units[i]}`;
}

/** rate returns bit/s. */
export function rate(bits: number | null | undefined): string {
  return bits == null ? "no guarantee" : scaled(bits, ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"]);
}

/** bytes returns an amount of data. */
export function bytes(n: number | null | undefined): string {
  return n == null ? "not known" : scaled(n, ["B", "kB", "MB", "GB", "TB", "PB"]);
}

const powers: Record<string, number> = { "": 0, k: 1, m: 2, g: 3, t: 4, p: 5 };

/** A number; a comma with three digits behind it could be either sign. */
const number = "([0-9]+(?:\\.[0-9]+|,[0-9]{1,2}(?![0-9]))?)";
const rates = new RegExp(`^\\s*${number}\\s*([kKmMgGtTpP]?)(?:(?:bits?|b)?(?:/s|ps)?)\\s*$`);
const amounts = new RegExp(`^\\s*${number}\\s*([kKmMgGtTpP]?)(i?)(?:B|[bB]ytes?)?\\s*$`);

function scale(n: string, prefix: string, base: number): number | null {
  const value = Number(n.replace(",", ".")) * base ** powers[prefix.toLowerCase()]!;
  return Number.isFinite(value) && value >= 1 ? Math.round(value) : null;
}

/** bitsOf reads a rate such as 40M, 2.5 Gbit/s; null: it is none. Bytes are none. */
export function bitsOf(text: string): number | null {
  const found = rates.exec(text);
  return found && scale(found[1]!, found[2]!, 1000);
}

/** bytesOf reads an amount such as 500G, 1.5 TB or 2 TiB; null: it is none. Bits are none. */
export function bytesOf(text: string): number | null {
  const found = amounts.exec(text);
  return found && (found[3] && !found[2] ? null : scale(found[1]!, found[2]!, found[3] ? 1024 : 1000));
}

const seconds: Record<string, number> = { s: 1, "": 1, sec: 1, m: 60, min: 60, h: 3600, d: 86400, day: 86400, days: 86400, w: 604800 };

/** duration reads "90", "15 min", "2h 30m" as seconds; null: it is none. */
export function duration(text: string): number | null {
  let total = 0;
  let rest = text.trim().toLowerCase();
  if (!rest) return null;
  while (rest) {
    const found = /^([0-9]+(?:[.,][0-9]+)?)\s*([a-z]*)\s*/.exec(rest);
    const unit = found && seconds[found[2]!];
    if (!found || !unit) return null;
    total += Number(found[1]!.replace(",", ".")) * unit;
    rest = rest.slice(found[0].length);
  }
  return total >= 1 ? Math.round(total) : null;
}

/** ends returns one end of an allocation, with its port. */
export function end(ip: string, port: number | string | null | undefined): string {
  if (port == null) return ip;
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** toLocal returns UNIX seconds as a field for a date and a time has them. */
export function toLocal(seconds: number): string {
  const d = new Date(seconds * 1000);
  return new Date(d.getTime() - d.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
}

/** fromLocal returns the UNIX seconds of a field for a date and a time. */
export function fromLocal(value: string): number | null {
  const t = new Date(value).getTime();
  return value && Number.isFinite(t) ? Math.floor(t / 1000) : null;
}
