/*
 * Two kinds of plot as SVG text, for GitHub's light and dark pages alike: white ground, dark words. Nothing is loaded, so a plot is
 * a small file that says the same everywhere.
 */

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Which series it belongs to: its place decides the colour. */
  readonly series: number;
  /** What stands behind the bar instead of its value. */
  readonly note?: string;
}

export interface BarChart {
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly Bar[];
}

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface LineChart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** The values of x stand at even distances, whatever lies between them. */
  readonly series: readonly Series[];
  readonly formatX: (x: number) => string;
}

const width = 760;
const margin = 16;
const colours = ['#8b949e', '#1f6feb', '#d29922', '#2da44e'];
const ink = '#24292f';
const faint = '#d0d7de';

/** Horizontal bars, one below the other, in the order given. */
export function barChart({ title, unit, bars }: BarChart): string {
  const labelsWidth = 230;
  const notesWidth = 130;
  const rowHeight = 28;
  const top = 64;
  const most = Math.max(...bars.map(({ value }) => value), 0) || 1;
  const rows = bars.flatMap(({ label, value, series, note }, index) => {
    const y = top + index * rowHeight;
    const length = (value / most) * (width - labelsWidth - notesWidth - 2 * margin);
    const left = margin + labelsWidth;
    return [
      text({ x: left - 8, y: y + 15, anchor: 'end' }, label),
      `<rect x="${left}" y="${y}" width="${round(length)}" height="20" rx="3" fill="${colourOf(series)}"/>`,
      text({ x: left + length + 8, y: y + 15 }, note ?? formatNumber(value)),
    ];
  });
  return document(top + bars.length * rowHeight + margin, [...heading(title, unit), ...rows]);
}

/** Lines over a few values of x, from zero up, with a legend. */
export function lineChart({ title, xLabel, yLabel, series, formatX }: LineChart): string {
  const [left, top, height] = [72, 92, 240];
  const right = width - margin - 8;
  const bottom = top + height;
  const xs = [...new Set(series.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
  const steps = axisSteps(Math.max(...series.flatMap(({ points }) => points.map(([, y]) => y)), 0) || 1);
  const most = steps.at(-1) as number;
  const xOf = (x: number) => left + ((xs.indexOf(x) + 0.5) / xs.length) * (right - left);
  const yOf = (y: number) => bottom - (y / most) * height;
  const grid = steps.flatMap((step) => [
    `<line x1="${left}" x2="${right}" y1="${round(yOf(step))}" y2="${round(yOf(step))}" stroke="${faint}"/>`,
    text({ x: left - 8, y: yOf(step) + 4, anchor: 'end' }, formatNumber(step)),
  ]);
  const marks = xs.map((x) => text({ x: xOf(x), y: bottom + 20, anchor: 'middle' }, formatX(x)));
  const lines = series.flatMap(({ name, points }, index) => {
    const places = points.map(([x, y]) => `${round(xOf(x))},${round(yOf(y))}`);
    const colour = colourOf(index);
    const legendX = left + index * 220;
    return [
      `<polyline points="${places.join(' ')}" fill="none" stroke="${colour}" stroke-width="2.5"/>`,
      ...places.map((place) => place.split(',')).map(([x, y]) => `<circle cx="${x}" cy="${y}" r="3.5" fill="${colour}"/>`),
      `<rect x="${legendX}" y="62" width="14" height="14" rx="3" fill="${colour}"/>`,
      text({ x: legendX + 20, y: 74 }, name),
    ];
  });
  const axis = text({ x: (left + right) / 2, y: bottom + 42, anchor: 'middle' }, xLabel);
  return document(bottom + 56, [...heading(title, yLabel), ...grid, ...marks, ...lines, axis]);
}

/** From zero to past the largest value in four to six round steps. */
export function axisSteps(most: number): number[] {
  const rough = most / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) as number;
  const count = Math.ceil(most / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

function heading(title: string, unit: string): string[] {
  return [text({ x: margin, y: 28, size: 16, weight: 600 }, title), text({ x: margin, y: 48, fill: '#57606a' }, unit)];
}

function document(height: number, parts: readonly string[]): string {
  const font = 'font-family="-apple-system, Segoe UI, Helvetica, Arial, sans-serif" font-size="13"';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ${font}>`,
    `<rect width="${width}" height="${height}" rx="6" fill="#ffffff"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly anchor?: 'end' | 'middle';
  readonly size?: number;
  readonly weight?: number;
  readonly fill?: string;
}

function text({ x, y, anchor, size, weight, fill = ink }: Place, words: string): string {
  const attributes = { x: round(x), y: round(y), fill, 'text-anchor': anchor, 'font-size': size, 'font-weight': weight };
  const given = Object.entries(attributes).flatMap(([name, value]) => (value === undefined ? [] : [`${name}="${value}"`]));
  return `<text ${given.join(' ')}>${escapeXml(words)}</text>`;
}

function colourOf(series: number): string {
  return colours[series % colours.length] as string;
}

function escapeXml(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function formatNumber(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en', { maximumFractionDigits: 3 });
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
