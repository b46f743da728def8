const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const moment = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

export const count = (value: number) => whole.format(value);

/** `1.2K` where the whole number would not fit. */
export const compact = (value: number) => (Math.abs(value) < 10_000 ? whole.format(value) : short.format(value));

/** A rate that is seldom a whole number: `0.01`, `0.4`, `12`, `1,204`. */
export function rate(value: number): string {
  if (value > 0 && value < 0.1) return value.toPrecision(1);
  return value > 0 && value < 10 ? value.toFixed(1) : whole.format(value);
}

export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let left = value;
  let unit = 0;
  while (left >= 1024 && unit < units.length - 1) {
    left /= 1024;
    unit += 1;
  }
  return `${unit === 0 || left >= 100 ? Math.round(left) : left.toFixed(1)} ${units[unit]}`;
}

export const date = (iso: string) => moment.format(new Date(iso));

/** `3 min ago`, seen from `nowMs`. */
export function ago(iso: string, nowMs: number): string {
  const seconds = Math.round((nowMs - Date.parse(iso)) / 1000);
  if (Number.isNaN(seconds)) return '–';
  if (seconds < 5) return 'just now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

export const plural = (value: number, one: string, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

/** The members of an entry's detail as people read them; it may come as JSON text. Ids and hashes can be left to the audit log. */
export function detailText(detail: string | Readonly<Record<string, unknown>> | null, { hashes = true } = {}): string {
  const members = typeof detail === 'string' ? membersOf(detail) : (detail ?? {});
  return Object.entries(members)
    .filter(([, value]) => hashes || !/^[0-9a-f-]{32,}$/.test(String(value)))
    .map(([name, value]) => `${name.replaceAll('_', ' ')} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}

function membersOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return { note: text };
  }
}

/** A JSON Pointer as the dotted path by which fields are called everywhere else. */
export function fieldOf(path: string): string {
  if (!path.startsWith('/')) return path;
  return pointerNames(path)
    .map((name) => (/^(\d+|\*|-)$/.test(name) ? `[${name}]` : `.${name}`))
    .join('')
    .replace(/^\./, '');
}

/** The names of a JSON Pointer (RFC 6901), unescaped. */
export function pointerNames(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
}
