/** In a demo: the key that the stand-in accepts, to be taken over with one click. */

import type { ProviderInfo } from '@polydev/protocol';
import { demoApiKeys } from '@polydev/protocol/demo';
import { Button } from '../../ui/button.tsx';

export function DemoKey({ provider, onUse }: { provider: ProviderInfo; onUse(apiKey: string): void }) {
  const apiKey = demoApiKeys[provider.id];
  return (
    <div className="mb-4 flex items-center gap-3 rounded-md bg-sunken py-1.5 pr-1.5 pl-3 text-sm">
      <div className="min-w-0 flex-1">
        <p className="text-muted">The demo accepts this key:</p>
        <code className="break-all" translate="no">
          {apiKey}
        </code>
      </div>
      <Button className="shrink-0" onClick={() => onUse(apiKey)}>
        Use it
      </Button>
    </div>
  );
}
