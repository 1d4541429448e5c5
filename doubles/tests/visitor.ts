/** A person with a browser: visits pages of the doubles, approves, and follows where it leads. */

import http from 'node:http';
import https from 'node:https';

export interface Page {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
  /** Where it was found, after redirects. */
  url: string;
}

export interface Ask {
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  body?: string | Buffer;
  signal?: AbortSignal;
  onText?: (text: string) => void;
}

export type Visitor = ReturnType<typeof createVisitor>;

/** Every https address is asked at the doubles; http is only loopback, the tool that waits there. */
export function createVisitor(doubles: { port: number; caPem: string }) {
  function ask(address: string, { method = 'GET', headers, body, signal, onText }: Ask = {}): Promise<Page> {
    const url = new URL(address);
    const secure = url.protocol === 'https:';
    const target = secure
      ? { host: '127.0.0.1', port: doubles.port, servername: url.hostname, ca: doubles.caPem }
      : { host: '127.0.0.1', port: url.port };
    const request = (secure ? https : http).request({
      ...target,
      path: url.pathname + url.search,
      method,
      signal,
      agent: false,
      headers: {
        host: url.host,
        ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
        ...headers,
      },
    });
    return new Promise((resolve, reject) => {
      request.on('error', reject);
      request.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => {
          text += piece;
          onText?.(piece);
        });
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text, url: address }),
        );
      });
      request.end(body);
    });
  }

  async function follow(page: Page): Promise<Page> {
    const { location } = page.headers;
    return location === undefined ? page : follow(await ask(new URL(location, page.url).href));
  }

  function submit(page: Page, fields: Record<string, string>): Promise<Page> {
    const action = /<form method="post" action="([^"]+)"/.exec(page.body)?.[1];
    if (!action) throw new Error(`No form on this page (${page.status}): ${titleOf(page)}`);
    const hidden = [...page.body.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)];
    const all = { ...Object.fromEntries(hidden.map(([, name, value]) => [name, value])), ...fields };
    return post(new URL(action, page.url).href, all);
  }

  function post(address: string, fields: Record<string, string>): Promise<Page> {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return ask(address, { method: 'POST', headers, body: new URLSearchParams(fields).toString() });
  }

  return {
    ask,
    follow,
    submit,
    post,
    postJson: (address: string, value: unknown, headers: Record<string, string> = {}): Promise<Page> =>
      ask(address, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(value),
      }),
    /** Opens the address, clicks the button and goes where the page sends. */
    async decide(address: string, decision: 'approve' | 'deny', fields: Record<string, string> = {}): Promise<Page> {
      return follow(await submit(await follow(await ask(address)), { decision, ...fields }));
    },
  };
}

export function titleOf(page: Page): string {
  return /<title>([^<]*)</.exec(page.body)?.[1] ?? '';
}
