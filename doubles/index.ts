/** Stand-ins for the providers' sign-in and model servers. */

export type { Account, AccountOverrides, Accounts } from './accounts.ts';
export type { ApiKeyOverrides, ApiKeys } from './api-keys.ts';
export type { Behaviour, BehaviourOverrides, BehaviourTable, ModelBehaviour, TokenBehaviour } from './behaviour.ts';
export { type ConnectProxy, startConnectProxy } from './connect-proxy.ts';
export { type Doubles, type DoublesOptions, doubledHosts, type SeenRequest, startDoubles } from './doubles.ts';
export type { DoublesState, ReceivedPrompt } from './state.ts';
