/** As many of the first rows as have so many bytes of payload, at least one. */
export function withinBytes<Row extends { readonly payloadBytes: number }>(rows: readonly Row[], bytesMax: number): Row[] {
  let bytes = 0;
  const end = rows.findIndex(({ payloadBytes }, index) => {
    bytes += payloadBytes;
    return index > 0 && bytes > bytesMax;
  });
  return rows.slice(0, end < 0 ? rows.length : end);
}
