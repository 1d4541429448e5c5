/** The API client of the dashboard: same origin, login cookie. It also knows whether Polydev can be reached. */

import { createPolydev } from '@polydev/sdk';
import { reach } from './reach.ts';

export const polydev = createPolydev({
  baseUrl: '',
  async fetch(input, init) {
    try {
      const response = await fetch(input, init);
      if (response.status === 503) void reach.look();
      else reach.set(true);
      return response;
    } catch (error) {
      if (!init?.signal?.aborted) reach.set(false);
      throw error;
    }
  },
});
