/** Tickets that open a desktop's stream: single use, 30 s, bound to session, user and the page that asked. */

import { limits, PolydevError, type SessionId, type Ticket, type UserId } from '@polydev/protocol';
import { hashSecret, newSecret } from '../auth/secret.ts';
import type { EphemeralStore } from '../store/ephemeral.ts';

export interface TicketBinding {
  sessionId: SessionId;
  userId: UserId;
  /** The `Origin` header of who asked; empty for a program. */
  origin: string;
}

export interface Tickets {
  issue(binding: TicketBinding): Promise<Ticket>;
  /** Uses the ticket up, whoever comes with it. Throws `ticket_refused` unless it was issued for all of this. */
  redeem(ticket: string, claimed: ClaimedBinding): Promise<void>;
}

/** The user is null when only the ticket tells who comes: a program that has no cookie and sends no token. */
export type ClaimedBinding = Omit<TicketBinding, 'userId'> & { userId: UserId | null };

export function createTickets(ephemeral: EphemeralStore): Tickets {
  const keyOf = (ticket: string) => `ticket:${hashSecret(ticket)}`;
  return {
    async issue(binding) {
      const ticket = newSecret();
      await ephemeral.set(keyOf(ticket), JSON.stringify(binding), limits.ticketTtlMs);
      return { ticket, expiresInMs: limits.ticketTtlMs };
    },
    async redeem(ticket, { sessionId, userId, origin }) {
      const kept = await ephemeral.take(keyOf(ticket));
      const binding: TicketBinding | null = kept === null ? null : JSON.parse(kept);
      const fits =
        binding !== null &&
        binding.sessionId === sessionId &&
        binding.origin === origin &&
        (userId === null || binding.userId === userId);
      if (!fits) throw new PolydevError('ticket_refused', 'This ticket is used, too old, or for something else.');
    },
  };
}
