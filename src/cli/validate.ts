import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { type Command, Option } from 'commander';
import type { Validator } from '../index.ts';
import { DataQuarantineError, hasCode, messageOf } from '../lib/errors.ts';
import type { Io } from './io.ts';

interface ValidateOptions {
  readonly schema: string;
  readonly engine: 'auto' | 'native' | 'js';
  readonly errors?: boolean;
}

/** `dq validate`. */
export function registerValidate(program: Command, io: Io): void {
  program
    .command('validate')
    .description('judge JSON documents, one a line, against a schema; print one verdict a line, in JSON')
    .argument('<file>', 'the documents; - reads standard input')
    .requiredOption('--schema <file>', 'a JSON Schema or a schema file, in JSON or YAML')
    .addOption(new Option('--engine <engine>', 'the engine that judges').choices(['auto', 'native', 'js']).default('auto'))
    .option('--errors', 'add "errors" to verdicts: all that is wrong with a document, not its primary cause alone')
    .option('--json', 'for machines: verdicts are JSON in any case')
    .addHelpText('after', '\nExits with 1 if any document is not valid.')
    .action(async (file: string, options: ValidateOptions) => {
      const validator = await openValidator(options);
      const valid = await validateLines(
        file === '-' ? io.stdin : createReadStream(file),
        file,
        { validator, errors: options.errors ?? false },
        io,
      );
      if (!valid) io.exitCode = 1;
    });
}

async function openValidator({ schema: path, engine }: ValidateOptions): Promise<Validator> {
  const { readAnySchema } = await import('../registry/any-schema.ts');
  const { createValidator } = await import('../index.ts');
  const { schema, rules, remediation } = await readAnySchema(path);
  try {
    return createValidator(schema as object, { engine, rules, ...(remediation && { remediation }) });
  } catch (error) {
    if (!hasCode(error, 'DQ_SCHEMA_INVALID')) throw error;
    throw new DataQuarantineError(error.code, `${path}: ${error.message}`, { cause: error });
  }
}

/** Prints a verdict for each line; says whether all were valid. */
async function validateLines(
  input: Readable,
  file: string,
  { validator, errors }: { validator: Validator; errors: boolean },
  io: Io,
): Promise<boolean> {
  const { defaultLimits } = await import('../workers/read-json.ts');
  let line = 0;
  let allValid = true;
  try {
    for await (const document of linesOf(input, defaultLimits.valueBytes + 1)) {
      line += 1;
      const verdict = validator.validate(document);
      allValid &&= verdict.outcome === 'valid';
      const more = errors ? { errors: validator.explain(document) } : {};
      if (!io.stdout.write(`${JSON.stringify({ line, ...verdict, ...more })}\n`)) await once(io.stdout, 'drain');
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new DataQuarantineError('DQ_CONFIG_INVALID', `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  return allValid;
}

/**
 * The lines of a stream as bytes, without their ends; what follows the last end counts if there is anything. An empty line is a
 * document like any other. A line gives at most `bytesMax` bytes, however long it is.
 */
export async function* linesOf(input: Readable, bytesMax: number): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let bytes = 0;
  const take = (part: Buffer) => {
    const room = part.subarray(0, Math.max(0, bytesMax - bytes));
    if (room.length > 0) parts.push(room);
    bytes += room.length;
  };
  let open = false;
  for await (const chunk of input as AsyncIterable<Buffer | string>) {
    const data = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    let start = 0;
    for (let end = data.indexOf(0x0a); end >= 0; end = data.indexOf(0x0a, start)) {
      take(data.subarray(start, end));
      yield parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
      parts = [];
      bytes = 0;
      start = end + 1;
      open = false;
    }
    if (start < data.length) open = true;
    take(data.subarray(start));
  }
  if (open) yield Buffer.concat(parts);
}
