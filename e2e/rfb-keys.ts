/** A person's keyboard and mouse, as RFB events (RFC 6143, 7.5.4 and 7.5.5): types into a desktop without a browser. */

import type { Duplex } from 'node:stream';
import { createReader, handshake } from './rfb-picture.ts';

/** X11 keysyms; printable ASCII is its own. */
const keysyms = { Enter: 0xff0d } as const;
const leftButton = 1;

export interface Keyboard {
  /** Size of the screen when it was opened. */
  screen: { width: number; height: number };
  /** Puts the pointer there, in the middle of the screen unless told, and clicks. */
  click(at?: { x: number; y: number }): void;
  type(text: string): void;
  press(key: keyof typeof keysyms): void;
  /** When all of it is sent. */
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

  return {
    screen: { width, height },
    click({ x, y } = { x: width >> 1, y: height >> 1 }) {
      for (const buttons of [0, leftButton, 0]) {
        const event = Buffer.alloc(6);
        event.writeUInt8(5, 0);
        event.writeUInt8(buttons, 1);
        event.writeUInt16BE(x, 2);
        event.writeUInt16BE(y, 4);
        stream.write(event);
      }
    },
    type(text) {
      for (const character of text) stroke(character.charCodeAt(0));
    },
    press: (name) => stroke(keysyms[name]),
    close: () => void stream.end(),
  };
}
