/** Requests and answers: JSON, one error class, a bearer token or the browser's cookie. */

import { errorOf, PolydevApiError, unreachable } from './errors.ts';

export interface PolydevOptions {
  /** For example `http://localhost:4000`; empty for the page's own origin. */
  baseUrl: string;
  /** A personal API token. Without it the browser's login cookie is used. */
  token?: string;
  fetch?: typeof fetch;
}

export interface RequestOptions {
  body?: unknown;
  signal?: AbortSignal;
}

export interface Http {
  /** The answer's JSON; undefined for an answer without a body. */
  request<T>(method: string, path: string, options?: RequestOptions): Promise<T>;
  /** An answer to read as it is, or as it comes; its status is good. */
  open(path: string, headers?: Record<string, string>, signal?: AbortSignal): Promise<Response>;
  /** The server's clock as its last answer showed it, to about a second. */
  serverNowMs(): number;
  /** The same address for a WebSocket. */
  webSocketUrl(path: string): string;
}

export function createHttp(options: PolydevOptions): Http {
  const baseUrl = options.baseUrl.replace(/\/+$/, '');
  const doFetch = options.fetch ?? ((input, init) => fetch(input, init));
  let clockAheadMs = 0;

  async function send(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    if (options.token !== undefined) headers.set('authorization', `Bearer ${options.token}`);
    let response: Response;
    try {
      response = await doFetch(`${baseUrl}${path}`, { ...init, headers, credentials: 'same-origin' });
    } catch (cause) {
      if (init.signal?.aborted) throw cause;
      throw unreachable(baseUrl, cause);
    }
    noteClock(response);
    if (!response.ok) throw await errorOf(response);
    return response;
  }

  function noteClock(response: Response): void {
    const dateMs = Date.parse(response.headers.get('date') ?? '');
    if (Number.isNaN(dateMs)) return;
    // The header is cut to whole seconds: within that second the clocks agree.
    const aheadMs = dateMs - Date.now();
    clockAheadMs = aheadMs > -1000 && aheadMs <= 0 ? 0 : aheadMs;
  }

  return {
    async request<T>(method: string, path: string, { body, signal }: RequestOptions = {}): Promise<T> {
      const response = await send(path, {
        method,
        signal: signal ?? null,
        headers: body === undefined ? {} : { 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (text === '') return undefined as T;
      try {
        return JSON.parse(text) as T;
      } catch (cause) {
        throw new PolydevApiError(
          {
            code: 'bad_answer',
            message: 'The server answered with something other than JSON.',
            hint: 'Check that the address is Polydev.',
            requestId: response.headers.get('x-request-id') ?? '',
            status: response.status,
          },
          { cause },
        );
      }
    },
    open: (path, headers = {}, signal) => send(path, { headers, signal: signal ?? null }),
    serverNowMs: () => Date.now() + clockAheadMs,
    webSocketUrl(path) {
      const base = baseUrl === '' ? globalThis.location.origin : baseUrl;
      return `${base.replace(/^http/, 'ws')}${path}`;
    },
  };
}
