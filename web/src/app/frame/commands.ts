/** What the palette offers for the words typed into it. Pure. */

import type { AuthSession, Credential, ProviderId, ProviderInfo, Run } from '@polydev/protocol';
import { cardStateOf } from '../connections/card-state.ts';
import { apiKeyPath, paths, promptPath, runPath, signInPath } from '../paths.ts';
import { chooseTarget, targetsOf } from '../runs/targets.ts';

export type Does =
  | { kind: 'go'; to: string }
  | { kind: 'sign_in'; provider: ProviderId; label?: string }
  | { kind: 'run'; provider: ProviderId; credentialId: Credential['id']; prompt: string }
  | { kind: 'shortcuts' }
  | { kind: 'theme'; theme: 'system' | 'light' | 'dark' };

export type CommandIcon = 'page' | 'connect' | 'key' | 'desktop' | 'prompt' | 'run' | 'keyboard' | 'theme';

export interface Command {
  id: string;
  group: string;
  name: string;
  icon: CommandIcon;
  does: Does;
}

export interface Known {
  providers: readonly ProviderInfo[];
  credentials: readonly Credential[];
  /** Sign-ins of this person that have not ended. */
  active: readonly AuthSession[];
  runs: readonly Run[];
  /** The account that was used last. */
  lastTarget: string | null;
}

const mostRuns = 5;

export function commandsFor(words: string, known: Known): Command[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = ({ name, group }: Command) => {
    const text = `${group} ${name}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  };
  const commands = [...runCommands(known), ...connectCommands(known), ...pages, ...settings];
  const recent = known.runs.map(
    (run): Command => ({
      id: run.id,
      group: 'Recent runs',
      name: run.prompt.trim().split('\n')[0] ?? '',
      icon: 'run',
      does: { kind: 'go', to: runPath(run.id) },
    }),
  );
  return [
    ...commands.filter(matches),
    ...recent.filter(matches).slice(0, mostRuns),
    ...promptCommands(words.trim(), known),
  ];
}

const pages: Command[] = [
  ['Connections', paths.connections],
  ['Runs', paths.runs],
  ['Sessions', paths.sessions],
  ['Settings', paths.settings],
].map(([name = '', to = '']) => ({ id: `go-${name}`, group: 'Go to', name, icon: 'page', does: { kind: 'go', to } }));

const settings: Command[] = [
  ...(['system', 'light', 'dark'] as const).map(
    (theme): Command => ({
      id: `theme-${theme}`,
      group: 'Appearance',
      name: theme === 'system' ? 'Theme of the system' : `${theme === 'dark' ? 'Dark' : 'Light'} theme`,
      icon: 'theme',
      does: { kind: 'theme', theme },
    }),
  ),
  { id: 'shortcuts', group: 'Help', name: 'Keyboard shortcuts', icon: 'keyboard', does: { kind: 'shortcuts' } },
];

function runCommands({ providers, credentials }: Known): Command[] {
  return targetsOf(providers, credentials).flatMap(({ credentialId, name, remark }): Command[] =>
    credentialId === null || remark !== null
      ? []
      : [
          {
            id: `run-${credentialId}`,
            group: 'Run',
            name: `Prompt for ${name}`,
            icon: 'prompt',
            does: { kind: 'go', to: promptPath(credentialId) },
          },
        ],
  );
}

function connectCommands({ providers, credentials, active }: Known): Command[] {
  return providers.flatMap((provider): Command[] => {
    const state = cardStateOf(provider.id, credentials, active);
    const command = (name: string, icon: CommandIcon, does: Does): Command[] => [
      { id: `connect-${provider.id}`, group: 'Connect', name, icon, does },
    ];
    if (state.name === 'signing_in')
      return command(`Desktop of ${provider.name}`, 'desktop', { kind: 'go', to: signInPath(state.session.id) });
    if (state.name === 'connected') return [];
    const byKey = state.name === 'expired' ? state.credential.kind === 'api_key' : provider.firstWayIn === 'api_key';
    if (byKey) return command(`${provider.name} with an API key`, 'key', { kind: 'go', to: apiKeyPath(provider.id) });
    const label = state.name === 'expired' ? { label: state.credential.label } : {};
    const name = state.name === 'expired' ? `Sign in to ${provider.name} again` : `Connect ${provider.name}`;
    return command(name, 'connect', { kind: 'sign_in', provider: provider.id, ...label });
  });
}

/** Whatever was typed can be a prompt. */
function promptCommands(prompt: string, { providers, credentials, lastTarget }: Known): Command[] {
  const target = chooseTarget(targetsOf(providers, credentials), lastTarget);
  if (prompt === '' || !target?.credentialId || target.remark !== null) return [];
  const { provider, credentialId, name } = target;
  const does: Does = { kind: 'run', provider: provider.id, credentialId, prompt };
  return [{ id: 'prompt', group: `Ask ${name}`, name: `“${prompt}”`, icon: 'prompt', does }];
}
