import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits, newId, PolydevError } from '@polydev/protocol';
import { createMemoryEphemeral } from '../../store/memory-ephemeral.ts';
import { createTickets } from '../tickets.ts';

const binding = { sessionId: newId('session'), userId: newId('user'), origin: 'https://polydev.test' };
const refused = (error: unknown) => error instanceof PolydevError && error.code === 'ticket_refused';

test('a ticket lives 30 seconds', async () => {
  let nowMs = 1_000_000;
  const tickets = createTickets(createMemoryEphemeral({ now: () => nowMs }));
  const [early, late] = [await tickets.issue(binding), await tickets.issue(binding)];
  assert.equal(early.expiresInMs, 30_000);
  nowMs += limits.ticketTtlMs - 1;
  await tickets.redeem(early.ticket, binding);
  nowMs += 1;
  await assert.rejects(tickets.redeem(late.ticket, binding), refused);
});

test('of many who come with one ticket, one gets in', async () => {
  const tickets = createTickets(createMemoryEphemeral());
  const { ticket } = await tickets.issue(binding);
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => tickets.redeem(ticket, binding)));
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('a ticket for another session, user or origin is refused, and used up by the attempt', async () => {
  const tickets = createTickets(createMemoryEphemeral());
  for (const wrong of [{ sessionId: newId('session') }, { userId: newId('user') }, { origin: '' }]) {
    const { ticket } = await tickets.issue(binding);
    await assert.rejects(tickets.redeem(ticket, { ...binding, ...wrong }), refused);
    await assert.rejects(tickets.redeem(ticket, binding), refused);
  }
});

test('who comes with nothing but the ticket is taken for whom it was issued to', async () => {
  const tickets = createTickets(createMemoryEphemeral());
  const { ticket } = await tickets.issue(binding);
  await tickets.redeem(ticket, { ...binding, userId: null });
});

test('what is kept does not give the ticket away', async () => {
  const kept: string[] = [];
  const ephemeral = createMemoryEphemeral();
  const set = ephemeral.set;
  ephemeral.set = async (key, value, ttlMs) => {
    kept.push(key, value);
    await set(key, value, ttlMs);
  };
  const { ticket } = await createTickets(ephemeral).issue(binding);
  assert.ok(!kept.join(' ').includes(ticket));
});
