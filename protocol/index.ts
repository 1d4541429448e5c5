/** Everything that more than one part of Polydev must agree on. */

export * from './agent.ts';
export * from './api.ts';
export * from './credential.ts';
export * from './demo.ts';
export * from './errors.ts';
export * from './ids.ts';
export * from './limits.ts';
export * from './people.ts';
export * from './run-event.ts';
export * from './sandbox.ts';
export * from './sandbox-logs.ts';
export * from './states.ts';
export * from './usage.ts';
export * from './viewer-close.ts';
