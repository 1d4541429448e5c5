/** Bytes as text: base64url without padding, one spelling only. */

export function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

/** Null for anything but the one spelling that `encode` gives, or for another length than asked. */
export function decode(text: string, lengthBytes?: number): Uint8Array | null {
  const bytes = Buffer.from(text, 'base64url');
  if (encode(bytes) !== text) return null;
  if (lengthBytes !== undefined && bytes.length !== lengthBytes) return null;
  return bytes;
}
