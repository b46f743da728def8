import { once } from 'node:events';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { csvLine } from '../review/api/csv-line.ts';
import { exportColumns } from '../review/contract/export-columns.ts';
import type { Page } from '../review/contract/page.ts';
import type { RecordDetail, RecordItem } from '../review/contract/records.ts';
import type { Io } from './io.ts';
import { paint, printJson, printLine, printTable } from './print.ts';
import { addRecordFilter, filterOf, type RecordFilterOptions } from './record-filter.ts';
import { addReviewOptions, Refused, type ReviewClient, type ReviewClientOptions, withReview } from './review-client.ts';

type ListOptions = ReviewClientOptions & RecordFilterOptions & { readonly limit: number };
type ShowOptions = ReviewClientOptions & { readonly payload?: true };
type ExportOptions = ReviewClientOptions &
  RecordFilterOptions & { readonly format: 'ndjson' | 'csv'; readonly limit?: number; readonly payloads?: true };

const pageRecords = 500;

/** `dq quarantine`. */
export function registerQuarantine(program: Command, io: Io): void {
  const quarantine = program.command('quarantine').description('look at records in quarantine');
  addReviewOptions(addRecordFilter(quarantine.command('ls')))
    .description('list records, newest first')
    .option('-n, --limit <records>', 'how many', parseCount, 50)
    .action((options: ListOptions) => withReview(io, options, (client) => list(io, client, options)));
  addReviewOptions(quarantine.command('show'))
    .argument('<id>', 'the id of a record')
    .description('show all that is known of a record')
    .option('--payload', 'write its bytes, and nothing else, to standard output')
    .action((id: string, options: ShowOptions) => withReview(io, options, (client) => show(io, client, { ...options, id })));
  addReviewOptions(addRecordFilter(quarantine.command('export')))
    .description('write records to standard output, newest first')
    .addOption(
      new Option('--format <format>', 'one JSON object a line, or CSV that no spreadsheet runs')
        .choices(['ndjson', 'csv'])
        .default('ndjson'),
    )
    .option('-n, --limit <records>', 'how many (default: all)', parseCount)
    .option('--payloads', 'with the bytes of each, in base64')
    .action((options: ExportOptions) => withReview(io, options, (client) => exportRecords(io, client, options)));
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number of 1 or more.');
}

async function* recordsOf(client: ReviewClient, options: RecordFilterOptions, limit: number): AsyncGenerator<RecordItem> {
  let left = limit;
  for (let cursor: string | undefined; left > 0; ) {
    const query = { ...filterOf(options), limit: Math.min(left, pageRecords), cursor };
    const page = await client.call<Page<RecordItem>>('/records', { query });
    yield* page.items;
    left -= page.items.length;
    if (page.next_cursor === null) return;
    cursor = page.next_cursor;
  }
}

async function list(io: Io, client: ReviewClient, options: ListOptions): Promise<void> {
  const items: RecordItem[] = [];
  for await (const item of recordsOf(client, options, options.limit)) items.push(item);
  if (options.json) return printJson(io.stdout, { items });
  printTable(
    io,
    ['id', 'quarantined at', 'source', 'status', 'schema', 'why'],
    items.map((item) => [
      item.id,
      item.quarantined_at.slice(0, 19),
      `${item.topic}/${item.partition}/${item.offset}`,
      item.status,
      item.schema_name === null ? '–' : `${item.schema_name} ${item.schema_version ?? ''}`.trim(),
      `${item.error_type}${item.field_path ? ` at ${visible(item.field_path)}` : ''}: ${visible(item.error_message)}`,
    ]),
  );
}

async function show(io: Io, client: ReviewClient, { id, payload, json }: ShowOptions & { id: string }): Promise<void> {
  const path = `/records/${encodeURIComponent(id)}`;
  if (payload) {
    await write(io, await client.bytes(`${path}/payload`));
    return;
  }
  const record = await client.call<RecordDetail>(path);
  if (json) return printJson(io.stdout, record);
  const { edits, history, headers, neighbours, dead_letter: letter, ...fields } = record;
  for (const [name, value] of Object.entries({ ...fields, before: neighbours.before, after: neighbours.after }))
    printLine(io.stdout, `${paint(io, 'bold', name.padEnd(15))} ${value === null ? '–' : visible(String(value))}`);
  if (letter) {
    const { topic, partition, offset, exception, message } = letter;
    printLine(io.stdout, `dead letter at ${topic}/${partition}@${offset}: ${visible(exception ?? 'no class is named')}`);
    if (message !== null) printLine(io.stdout, `message ${visible(message)}`);
  }
  for (const { name, value, value_base64 } of headers)
    printLine(io.stdout, `header ${visible(name)}: ${visible(value ?? value_base64 ?? '–')}`);
  for (const { id: edit, at, by } of edits) printLine(io.stdout, `edit ${edit} at ${at} by ${by}`);
  for (const { at, by, action } of history) printLine(io.stdout, `history ${at} ${action} by ${by}`);
}

async function exportRecords(io: Io, client: ReviewClient, options: ExportOptions): Promise<void> {
  const { format, payloads, limit = Number.MAX_SAFE_INTEGER } = options;
  if (format === 'csv') await write(io, csvLine([...exportColumns, ...(payloads ? ['payload_base64'] : [])]));
  for await (const item of recordsOf(client, options, limit)) {
    const payload = payloads ? await payloadOf(io, client, item.id) : null;
    if (format === 'ndjson') await write(io, `${JSON.stringify({ ...item, ...(payload !== null && { payload_base64: payload }) })}\n`);
    else await write(io, csvLine([...exportColumns.map((name) => item[name]), ...(payloads ? [payload ?? ''] : [])]));
  }
}

/** Null, and a note, where the bytes are not to be had: erased, or left in their source. */
async function payloadOf(io: Io, client: ReviewClient, id: string): Promise<string | null> {
  try {
    return (await client.bytes(`/records/${id}/payload`)).toString('base64');
  } catch (error) {
    if (!(error instanceof Refused) || error.exitCode !== 1) throw error;
    printLine(io.stderr, `note: ${id}: ${error.message}`);
    return null;
  }
}

async function write(io: Io, text: string | Buffer): Promise<void> {
  if (!io.stdout.write(text)) await once(io.stdout, 'drain');
}

/** Whatever a producer wrote cannot move the cursor, colour the terminal or turn its direction: such characters are spelled out. */
function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
