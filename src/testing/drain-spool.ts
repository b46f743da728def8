import type { Spool } from '../drivers/spool/spool.ts';

/** Reads and removes everything; the records as texts. */
export async function drainSpool(spool: Spool): Promise<string[]> {
  const texts: string[] = [];
  for (let file = await spool.oldest(); file; file = await spool.oldest()) {
    texts.push(...file.records.map(String));
    await spool.remove(file);
  }
  return texts;
}
