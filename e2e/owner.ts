/** Sets the product up as its owner would, and answers an API token for programs. */

import { randomUUID } from 'node:crypto';
import type { Product } from './product.ts';

export const owner = { name: 'Ada', password: `correct horse ${randomUUID()}` };

export async function setUpOwner(product: Product): Promise<string> {
  const setupToken = new URL(product.setupUrl).hash.replace('#token=', '');
  const cookies = await post(product, '/api/setup', { setupToken, ...owner });
  const cookie = cookies.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
  const created = await post(product, '/api/tokens', { name: 'bench', scopes: ['admin'] }, cookie);
  const { secret } = (await created.json()) as { secret: string };
  return secret;
}

async function post(product: Product, path: string, body: unknown, cookie = ''): Promise<Response> {
  const response = await fetch(new URL(path, product.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: product.url, ...(cookie && { cookie }) },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return response;
}
