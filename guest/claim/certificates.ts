/** Whom programs in the sandbox trust: the system's roots, and the extra CA that the claim may bring. */

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PolydevError } from '@polydev/protocol';
import { putFile } from './put-file.ts';

/** `ca.pem` holds everything, `extra-ca.crt` the extra CA alone, for the browser. */
export function writeCertificates(options: { systemRoots: string; runFolder: string; extraCa?: string }): void {
  const { extraCa = '' } = options;
  const roots = readFileSync(options.systemRoots, 'utf8').trimEnd();
  putFile(join(options.runFolder, 'ca.pem'), `${roots}\n${extraCa}`);
  if (extraCa) putFile(join(options.runFolder, 'extra-ca.crt'), extraCa);
}

/** Throws `invalid_request` for what no program could load. */
export function checkCertificate(pem: string): void {
  try {
    new X509Certificate(pem);
  } catch (cause) {
    throw new PolydevError('invalid_request', 'extraCa is not a certificate in PEM.', { cause });
  }
}
