/** What the keyboard can do, in one list. */

import { Dialog } from '../../ui/dialog.tsx';
import { KeyNames } from '../../ui/key-names.tsx';
import { controlKey } from '../../ui/platform.ts';
import { overlays } from './overlays.ts';

const groups = [
  {
    title: 'Everywhere',
    keys: [
      { keys: [controlKey, 'K'], does: 'Commands: connect, run, go to' },
      { keys: ['?'], does: 'This list' },
      { keys: ['Tab'], does: 'To the next control' },
      { keys: ['Esc'], does: 'Close what is open' },
    ],
  },
  { title: 'Runs', keys: [{ keys: [controlKey, 'Enter'], does: 'Run the prompt' }] },
  {
    title: 'Desktop',
    keys: [
      { keys: ['Ctrl', 'Alt', 'Shift'], does: 'Give the keyboard back to this page' },
      { keys: ['Ctrl', 'Shift', 'V'], does: 'Paste into its terminal' },
    ],
  },
] as const;

export default function Shortcuts() {
  return (
    <Dialog open onOpenChange={(open) => !open && overlays.show(null)} title="Keyboard shortcuts">
      <div className="space-y-5">
        {groups.map(({ title, keys }) => (
          <section key={title}>
            <h3 className="mb-1 text-sm text-muted">{title}</h3>
            <ul className="divide-y divide-line">
              {keys.map(({ keys: names, does }) => (
                <li key={does} className="flex min-h-10 items-center justify-between gap-4 text-sm">
                  {does}
                  <KeyNames keys={names} />
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
