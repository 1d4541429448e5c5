/** The clipboard in both directions, as far as the browser lets a page touch it; the rest goes through the panel. */

export interface ClipboardDeps {
  /** Undefined where the page is not served over HTTPS or from localhost. */
  system: Pick<Clipboard, 'readText' | 'writeText'> | undefined;
  /** 'granted' when reading would not bother the person with a question. */
  readPermission(): Promise<PermissionState | 'unknown'>;
  toRemote(text: string): void;
  /** `copied` is false when the browser refused, so the person must copy it from the panel. */
  onRemoteText(text: string, copied: boolean): void;
}

export interface RemoteClipboard {
  /** The remote desktop copied something. */
  received(text: string): Promise<void>;
  /** The viewer got the focus: bring along what was copied meanwhile, if that needs no question. */
  offer(): Promise<void>;
  /** The person pressed the keys for pasting: bring it along now. */
  beforePaste(): Promise<void>;
  /** Given by hand: it is on both clipboards then, else what is on this machine's would soon take its place. */
  give(text: string): void;
}

const mostCharacters = 256 * 1024;

export function createClipboard(deps: ClipboardDeps): RemoteClipboard {
  /** What both sides have now; sending it again would only bounce. */
  let shared: string | undefined;
  let given: Promise<unknown> = Promise.resolve();

  function send(text: string): void {
    if (text === '' || text === shared) return;
    shared = text.slice(0, mostCharacters);
    deps.toRemote(shared);
  }

  async function bring(): Promise<void> {
    await given;
    try {
      const text = await deps.system?.readText();
      if (text !== undefined) send(text);
    } catch {
      // Refused: the panel is the other way.
    }
  }

  return {
    async received(text) {
      if (text === '' || text === shared) return;
      shared = text;
      let copied = false;
      try {
        if (deps.system) {
          await deps.system.writeText(text);
          copied = true;
        }
      } catch {
        // Refused, for example because the page has no focus.
      }
      deps.onRemoteText(text, copied);
    },
    async offer() {
      if ((await deps.readPermission()) === 'granted') await bring();
    },
    beforePaste: bring,
    give(text) {
      given = deps.system?.writeText(text).catch(() => undefined) ?? given;
      send(text);
    },
  };
}

export async function readPermission(): Promise<PermissionState | 'unknown'> {
  try {
    // Not in every browser's list of permissions, nor in TypeScript's.
    return (await navigator.permissions.query({ name: 'clipboard-read' as PermissionName })).state;
  } catch {
    return 'unknown';
  }
}
