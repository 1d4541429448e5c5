/** A person's keyboard and mouse, as RFB events (RFC 6143, 7.5.4 and 7.5.5): types into a desktop without a browser. */

import type { Duplex } from 'node:stream';
import { createReader, handshake } from './rfb-picture.ts';

/** X11 keysyms; printable ASCII is its own. */
const keysyms = { Enter: 0xff0d, Tab: 0xff09, Escape: 0xff1b, Control: 0xffe3, Alt: 0xffe9 } as const;
const leftButton = 1;

export interface Keyboard {
  /** Puts the pointer in the middle of the screen and clicks. */
  click(): void;
  type(text: string): void;
  press(key: keyof typeof keysyms): void;
  /** Control and c. */
  interrupt(): void;
  /** Alt and Tab: from the browser, which a page has brought in front, to the terminal. */
  switchWindow(): void;
  close(): void;
}

/** Shares the desktop with other viewers. Asks for no pictures. */
export async function openKeyboard(stream: Duplex): Promise<Keyboard> {
  const { width, height } = await handshake(stream, createReader(stream));
  stream.on('error', () => stream.destroy());

  function key(keysym: number, down: boolean): void {
    const event = Buffer.alloc(8);
    event.writeUInt8(4, 0);
    event.writeUInt8(down ? 1 : 0, 1);
    event.writeUInt32BE(keysym, 4);
    stream.write(event);
  }

  function stroke(keysym: number): void {
    key(keysym, true);
    key(keysym, false);
  }

  function chord(modifier: number, keysym: number): void {
    key(modifier, true);
    stroke(keysym);
    key(modifier, false);
  }

  return {
    click() {
      for (const buttons of [0, leftButton, 0]) {
        const event = Buffer.alloc(6);
        event.writeUInt8(5, 0);
        event.writeUInt8(buttons, 1);
        event.writeUInt16BE(width >> 1, 2);
        event.writeUInt16BE(height >> 1, 4);
        stream.write(event);
      }
    },
    type(text) {
      for (const character of text) stroke(character.charCodeAt(0));
    },
    press: (name) => stroke(keysyms[name]),
    interrupt: () => chord(keysyms.Control, 'c'.charCodeAt(0)),
    switchWindow: () => chord(keysyms.Alt, keysyms.Tab),
    close: () => void stream.destroy(),
  };
}
