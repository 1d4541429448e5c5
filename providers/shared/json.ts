/** Reading JSON that someone else wrote: nothing here throws, and nothing is assumed. */

const maxDepth = 200;

/** Undefined when the text is not JSON, or nested so deeply that whoever walks it next might fall. */
export function parseJson(text: string, change?: (text: string) => string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (isDeeperThan(value, maxDepth)) return undefined;
    return change ? JSON.parse(text, (_key, part) => (typeof part === 'string' ? change(part) : part)) : value;
  } catch {
    return undefined;
  }
}

function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((part) => isDeeperThan(part, depth - 1));
}

/** What stands at the path of own keys, if anything does. */
export function at(value: unknown, ...path: (string | number)[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<string | number, unknown>)[key];
  }
  return found;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textAt(value: unknown, ...path: (string | number)[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : undefined;
}

/** A text that is not empty. */
export function filledAt(value: unknown, ...path: (string | number)[]): string | undefined {
  return textAt(value, ...path) || undefined;
}

export function numberAt(value: unknown, ...path: (string | number)[]): number | undefined {
  const found = at(value, ...path);
  return typeof found === 'number' && Number.isFinite(found) ? found : undefined;
}

/** A count of something: zero when it is missing or no count. */
export function countAt(value: unknown, ...path: (string | number)[]): number {
  const found = numberAt(value, ...path) ?? 0;
  return Number.isSafeInteger(found) && found > 0 ? found : 0;
}

export function listAt(value: unknown, ...path: (string | number)[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** The claims of a JWT, taken at its word: nobody checks the signature, so they are for display only. */
export function jwtClaims(token: string | undefined): unknown {
  const payload = token?.split('.')[1];
  return payload === undefined ? undefined : parseJson(Buffer.from(payload, 'base64url').toString('utf8'));
}
