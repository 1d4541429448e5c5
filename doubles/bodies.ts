/** Teaches the server the bodies that tools send: forms, and compressed ones. */

import type { Readable, Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import type { FastifyInstance } from 'fastify';

const decoders: Record<string, () => Transform> = {
  br: createBrotliDecompress,
  deflate: createInflate,
  gzip: createGunzip,
  zstd: createZstdDecompress,
};

export function acceptBodies(server: FastifyInstance): void {
  server.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(body.toString())));
  });
  // Metrics and the like: taken, never looked at.
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, _body, done) => done(null, undefined));
  // Some calls are a POST with a content type and no body.
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    if (body === '') return done(null, {});
    try {
      done(null, JSON.parse(body.toString()));
    } catch (error) {
      done(Object.assign(error as Error, { statusCode: 400 }));
    }
  });

  server.addHook('preParsing', async (request, _reply, payload) => {
    const decoder = decoders[request.headers['content-encoding'] ?? ''];
    if (!decoder) return payload;
    const encodedBytes = Number(request.headers['content-length'] ?? 0);
    const decoded = payload.pipe(decoder());
    payload.on('error', (error) => decoded.destroy(error));
    // The length that was announced is that of the encoded body.
    delete request.headers['content-length'];
    return Object.assign(decoded as Readable, { receivedEncodedLength: encodedBytes });
  });
}
