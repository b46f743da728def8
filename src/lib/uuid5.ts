import { hash } from 'node:crypto';

/** The 16 bytes of a UUID in its text form. */
export function uuidBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

/**
 * The version 5 UUID (RFC 9562, 5.5) of a name: the same for the same name, always. `namespace` is the 16 bytes of a UUID;
 * {@link uuidBytes} makes them from its text.
 */
export function uuid5(namespace: Buffer, name: string): string {
  return uuid5Of(Buffer.concat([namespace, Buffer.from(name, 'utf8')]));
}

/** The same of bytes that hold the namespace and, behind it, the name in UTF-8. */
export function uuid5Of(bytes: Uint8Array): string {
  const hex = hash('sha1', bytes, 'hex');
  const variant = variants[Number.parseInt(hex.charAt(16), 16) & 3];
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The hex digits whose upper two bits are those of the variant, 10. */
const variants = '89ab';
