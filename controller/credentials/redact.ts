/**
 * Takes the secrets of a credential out of what a tool says, should it repeat them, before anything keeps it: as they
 * are, as they stand in an address, and in base64, alone or in the middle of something longer.
 */

import type { SecretBundle } from './bundle.ts';

const secretName = /token|key|secret/i;
const minSecretChars = 16;
/** More than any tool has; a bundle comes from a sandbox, and each costs at every look. */
const maxSecrets = 50;
const placeholder = '[secret]';

export type Redact = (text: string) => string;

export function createRedact(bundle: SecretBundle): Redact {
  const secrets = secretsOf(bundle).flatMap(writingsOf);
  return (text) => {
    let shown = text;
    for (const secret of secrets) if (shown.includes(secret)) shown = shown.replaceAll(secret, placeholder);
    return shown;
  };
}

function secretsOf(bundle: SecretBundle): string[] {
  const plain = bundle.reveal();
  if (plain.kind === 'api_key') return [plain.apiKey];
  const found = new Set<string>();
  for (const { content } of plain.files) {
    try {
      gather(JSON.parse(content), found);
    } catch {} // Not JSON: nothing in it has a name.
  }
  return [...found];
}

function gather(value: unknown, found: Set<string>): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, part] of Object.entries(value)) {
    if (typeof part !== 'string') gather(part, found);
    else if (secretName.test(name) && part.length >= minSecretChars && found.size < maxSecrets) found.add(part);
  }
}

function writingsOf(secret: string): string[] {
  const inBase64 = [0, 1, 2].map((before) => base64Within(secret, before));
  const inBase64Url = inBase64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  const all = new Set([secret, encodeURIComponent(secret), ...inBase64, ...inBase64Url]);
  return [...all].filter((text) => text === secret || text.length >= minSecretChars);
}

/** Those characters that tell of nothing but the secret, which begins so many bytes after a multiple of three. */
function base64Within(secret: string, before: number): string {
  const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
  const bitsOfChar = 6;
  const [first, end] = [Math.ceil((before * 8) / bitsOfChar), Math.floor((bytes.length * 8) / bitsOfChar)];
  return bytes.toString('base64').slice(first, end);
}
