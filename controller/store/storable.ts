/** Text that came from outside, made fit for PostgreSQL, which takes neither NUL nor half a surrogate pair. */

const replacement = '\ufffd';

export function storableText(text: string): string {
  return text.replaceAll('\0', replacement).toWellFormed();
}

/** The same value with every text in it storable. For JSON values. */
export function storable<T>(value: T): T {
  return clean(value) as T;
}

function clean(value: unknown): unknown {
  if (typeof value === 'string') return storableText(value);
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [storableText(name), clean(part)]));
}

/** True when the JSON text spells out a character that `storable` would replace; may also be true for none. */
export function spellsUnstorable(json: string): boolean {
  return /\\u(0000|d[89a-f])/i.test(json);
}
