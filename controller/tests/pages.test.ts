import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createTestApp, host } from './test-app.ts';

const timeout = 60_000;

async function builtDashboard(t: TestContext): Promise<string> {
  const webDir = await mkdtemp(join(tmpdir(), 'polydev-web-'));
  t.after(() => rm(webDir, { recursive: true }));
  await mkdir(join(webDir, 'assets'));
  await writeFile(join(webDir, 'index.html'), '<!doctype html><title>Polydev</title>');
  await writeFile(join(webDir, 'assets/index-abc123.js'), 'export {};');
  await writeFile(join(webDir, '.sources'), 'hash');
  return webDir;
}

test('every page of the dashboard is the one page, never kept by the browser', { timeout }, async (t) => {
  const { app } = await createTestApp(t, { server: { webDir: await builtDashboard(t) } });
  for (const url of [
    '/login',
    '/setup',
    '/dashboard/remote-cli',
    '/dashboard/remote-cli/auth?sessionId=x',
    '/dashboard/runs',
  ]) {
    const answer = await app.inject({ url, headers: { host } });
    assert.equal(answer.statusCode, 200, url);
    assert.match(answer.body, /<title>Polydev/);
    assert.equal(answer.headers['cache-control'], 'no-cache');
  }
  const root = await app.inject({ url: '/', headers: { host } });
  assert.equal(root.headers.location, '/dashboard/remote-cli');
});

test('files with a hash in the name are kept for good; what is not there is no page', { timeout }, async (t) => {
  const { app } = await createTestApp(t, { server: { webDir: await builtDashboard(t) } });
  const asset = await app.inject({ url: '/assets/index-abc123.js', headers: { host } });
  assert.equal(asset.statusCode, 200);
  assert.match(String(asset.headers['content-type']), /javascript/);
  assert.equal(asset.headers['cache-control'], 'public, max-age=31536000, immutable');
  for (const url of ['/assets/other.js', '/.sources', '/assets/', '/assets/../../package.json'])
    assert.notEqual((await app.inject({ url, headers: { host } })).statusCode, 200, url);
});

test('without a built dashboard its pages say so', { timeout }, async (t) => {
  const { app } = await createTestApp(t);
  const answer = await app.inject({ url: '/login', headers: { host } });
  assert.equal(answer.json().error.code, 'unavailable');
});

test('every answer carries the strict policy', { timeout }, async (t) => {
  const { app } = await createTestApp(t, { server: { webDir: await builtDashboard(t) } });
  for (const url of ['/login', '/assets/index-abc123.js', '/health', '/api/me', '/nowhere']) {
    const { headers } = await app.inject({ url, headers: { host } });
    const policy = String(headers['content-security-policy']);
    assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self';/, url);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|\*|https?:/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['referrer-policy'], 'no-referrer');
  }
});

test('the document of a demo says so', { timeout }, async (t) => {
  const infoOf = async (demo: boolean) => {
    const { app, bearer } = await createTestApp(t, { deps: { demo } });
    const headers = { host, authorization: await bearer() };
    return (await app.inject({ url: '/api/openapi.json', headers })).json().info;
  };
  assert.match((await infoOf(true)).description, /^A demo: local stand-ins instead of the real providers/);
  assert.doesNotMatch((await infoOf(false)).description, /demo/);
});

test('the document names the routes, and its page runs no inline script', { timeout }, async (t) => {
  const { app, bearer } = await createTestApp(t);
  const headers = { host, authorization: await bearer() };
  const document = (await app.inject({ url: '/api/openapi.json', headers })).json();
  assert.match(document.openapi, /^3\./);
  for (const path of [
    '/api/auth/start',
    '/api/auth/session/{id}',
    '/api/runs',
    '/api/runs/{id}/events',
    '/api/credentials',
    '/health',
  ])
    assert.ok(path in document.paths, path);
  assert.deepEqual(document.paths['/health'].get.security, []);
  const start = document.paths['/api/auth/start'].post.requestBody.content['application/json'].schema;
  assert.ok(start.properties.provider);

  const page = await app.inject({ url: '/api/docs/', headers });
  assert.equal(page.statusCode, 200);
  const policy = String(page.headers['content-security-policy']);
  assert.match(policy, /script-src 'self';/);
  assert.doesNotMatch(page.body, /<script(?![^>]* src=)/);
  for (const [, source] of page.body.matchAll(/<script[^>]* src="([^"]+)"/g)) {
    const url = new URL(source ?? '', 'http://x/api/docs/').pathname;
    assert.equal((await app.inject({ url, headers })).statusCode, 200, url);
  }
});

test('metrics count the requests', { timeout }, async (t) => {
  const { app, bearer } = await createTestApp(t);
  const headers = { host, authorization: await bearer() };
  await app.inject({ url: '/api/me', headers });
  const { body } = await app.inject({ url: '/metrics', headers });
  assert.match(body, /polydev_http_request_seconds_count\{method="GET",route="\/api\/me",status="200"\} 1/);
  assert.match(body, /process_resident_memory_bytes/);
});
