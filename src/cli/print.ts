import { styleText } from 'node:util';
import Table from 'cli-table3';
import type { Io, Output } from './io.ts';

type Style = Parameters<typeof styleText>[0];

/** One line of text. */
export function printLine(output: Output, text = ''): void {
  output.write(`${text}\n`);
}

/** One JSON document, indented: what `--json` prints. */
export function printJson(output: Output, value: unknown): void {
  output.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** A table for people: a head, then rows, without rules so that a line can be copied. */
export function printTable(io: Io, head: readonly string[], rows: readonly (readonly string[])[]): void {
  const table = new Table({
    head: head.map((title) => paint(io, 'bold', title)),
    style: { head: [], border: [], compact: true, 'padding-left': 0 },
    chars: borderless,
  });
  for (const row of rows) table.push([...row]);
  const lines = table.toString().split('\n');
  for (const line of lines) printLine(io.stdout, line.trimEnd());
}

/** Colours `text` only where standard output is a terminal whose user did not ask for plain text. */
export function paint(io: Io, style: Style, text: string): string {
  const plain = io.stdout.isTTY !== true || (io.env['NO_COLOR'] ?? '') !== '' || io.env['TERM'] === 'dumb';
  return plain ? text : styleText(style, text, { validateStream: false });
}

const borderless = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: ' ',
};
