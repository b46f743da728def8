/** What spreadsheets take for the beginning of a formula (OWASP); an apostrophe before it makes it text. */
const formula = /^[=+\-@\t\r\0\uff1d\uff0b\uff0d\uff20]/;

/** A line of a table as RFC 4180 writes it: every text quoted, CRLF at the end. */
export function csvLine(cells: readonly (string | number | null)[]): string {
  return `${cells.map(cell).join(',')}\r\n`;
}

function cell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const inert = formula.test(value) ? `'${value}` : value;
  return `"${inert.replaceAll('"', '""')}"`;
}
