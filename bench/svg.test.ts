import { expect, test } from 'vitest';
import { axisSteps, barChart, lineChart } from './svg.ts';

const widthsOf = (svg: string) => [...svg.matchAll(/<rect [^>]*width="([\d.]+)" height="20"/g)].map(([, width]) => Number(width));

test('bars are as long as their values, and words that XML would read are escaped', () => {
  const svg = barChart({
    title: 'a < b & c',
    unit: 'messages',
    bars: [
      { label: 'limit', value: 400_000, series: 0 },
      { label: 'ours', value: 100_000, series: 1, note: 'a quarter' },
    ],
  });
  const [long, short] = widthsOf(svg);
  expect((long ?? 0) / (short ?? 1)).toBeCloseTo(4, 1);
  expect(svg).toContain('>a &lt; b &amp; c</text>');
  expect(svg).toContain('>400,000</text>');
  expect(svg).toContain('>a quarter</text>');
});

test('a line goes through its points from left to right, higher for more, and stays within the plot', () => {
  const svg = lineChart({
    title: 'size',
    xLabel: 'bytes',
    yLabel: 'MB/s',
    series: [
      {
        name: 'ours',
        points: [
          [100, 10],
          [1_000, 40],
          [100_000, 20],
        ],
      },
    ],
    formatX: String,
  });
  const places =
    /points="([^"]+)"/
      .exec(svg)?.[1]
      ?.split(' ')
      .map((place) => place.split(',').map(Number)) ?? [];
  const [xs, ys] = [places.map(([x]) => x ?? 0), places.map(([, y]) => y ?? 0)];
  expect(xs).toEqual([...xs].sort((a, b) => a - b));
  expect([...ys].sort((a, b) => a - b)).toEqual([ys[1], ys[2], ys[0]]);
  const height = Number(/ height="(\d+)" font-family/.exec(svg)?.[1]);
  expect(places.every(([x = -1, y = -1]) => x > 0 && x < 760 && y > 0 && y < height)).toBe(true);
});

test.each([
  [1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
  [537_000, [0, 200_000, 400_000, 600_000]],
  [7.3, [0, 2, 4, 6, 8]],
])('the axis for values up to %d has round steps and ends past them', (most, steps) => {
  expect(axisSteps(most)).toEqual(steps);
});

test('a chart of nothing is still a chart', () => {
  expect(barChart({ title: 'empty', unit: '', bars: [] })).toMatch(/^<svg [^]*<\/svg>\n$/);
  expect(lineChart({ title: 'empty', xLabel: '', yLabel: '', series: [], formatX: String })).not.toContain('NaN');
});
