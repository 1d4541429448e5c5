/** X11 key symbols: of the keys that the viewer offers, and of text. Pure. */

export const keysyms = {
  Backspace: 0xff08,
  Tab: 0xff09,
  Enter: 0xff0d,
  Escape: 0xff1b,
  ArrowLeft: 0xff51,
  ArrowUp: 0xff52,
  ArrowRight: 0xff53,
  ArrowDown: 0xff54,
  Control: 0xffe3,
  Alt: 0xffe9,
  Shift: 0xffe1,
  v: 0x76,
  V: 0x56,
} as const;

export type KeyName = keyof typeof keysyms;

/** Physical key codes, for servers that take those rather than symbols. */
export const keyCodes: Partial<Record<KeyName, string>> = {
  Backspace: 'Backspace',
  Tab: 'Tab',
  Enter: 'Enter',
  Escape: 'Escape',
  ArrowLeft: 'ArrowLeft',
  ArrowUp: 'ArrowUp',
  ArrowRight: 'ArrowRight',
  ArrowDown: 'ArrowDown',
  Control: 'ControlLeft',
  Alt: 'AltLeft',
  Shift: 'ShiftLeft',
  v: 'KeyV',
  V: 'KeyV',
};

/** The symbol of each character; line ends are Enter, other control characters are left out. */
export function keysymsOf(text: string): number[] {
  const symbols: number[] = [];
  for (const character of text.replace(/\r\n?/g, '\n')) {
    const code = character.codePointAt(0) ?? 0;
    if (character === '\n') symbols.push(keysyms.Enter);
    else if (character === '\t') symbols.push(keysyms.Tab);
    else if ((code >= 0x20 && code <= 0x7e) || (code >= 0xa0 && code <= 0xff)) symbols.push(code);
    else if (code > 0xff) symbols.push(0x0100_0000 + code);
  }
  return symbols;
}
