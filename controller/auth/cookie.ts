/** The login cookie. Behind https it is bound to this very host (`__Host-`); ports share cookies, hence the port. */

import type { CookieSerializeOptions } from '@fastify/cookie';
import { limits } from '@polydev/protocol';

export interface CookieFrame {
  name: string;
  options: CookieSerializeOptions;
}

/** `secure`: the browser came by https. */
export function loginCookie(secure: boolean, port: number): CookieFrame {
  return {
    name: secure ? '__Host-polydev' : `polydev_${port}`,
    options: { httpOnly: true, sameSite: 'strict', secure, path: '/', maxAge: limits.loginTtlMs / 1000 },
  };
}
