/** Takes the secrets of a credential out of what a tool says, should it repeat them, before anything keeps it. */

import type { SecretBundle } from './bundle.ts';

const secretName = /token|key|secret/i;
const minSecretChars = 16;
const placeholder = '[secret]';

export type Redact = (text: string) => string;

export function createRedact(bundle: SecretBundle): Redact {
  const secrets = secretsOf(bundle);
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
    else if (secretName.test(name) && part.length >= minSecretChars) found.add(part);
  }
}
