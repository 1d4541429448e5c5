import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClipboard } from '../src/viewer/clipboard.ts';
import { createInput, type Modifier } from '../src/viewer/input.ts';
import { keysymsOf } from '../src/viewer/keys.ts';
import { remoteSizeFor } from '../src/viewer/scale.ts';
import { difference } from '../src/viewer/soft-keyboard.ts';

function createBench() {
  const sent: string[] = [];
  const held: (readonly Modifier[])[] = [];
  const screen = {
    sendKey: (keysym: number, _: string | null, down: boolean) => {
      sent.push(`${down ? '+' : '-'}${keysym.toString(16)}`);
    },
  };
  let live = true;
  const input = createInput(
    () => (live ? screen : undefined),
    (modifiers) => held.push(modifiers),
    async () => {},
  );
  return {
    input,
    sent,
    held,
    lose: () => {
      live = false;
    },
  };
}

test('a held modifier is let go after the next key', () => {
  const { input, sent, held } = createBench();
  input.toggle('Control');
  input.press('Tab');
  input.press('Tab');
  assert.deepEqual(sent, ['+ffe3', '+ff09', '-ff09', '-ffe3', '+ff09', '-ff09']);
  assert.deepEqual(held, [['Control'], []]);
});

test('a modifier is let go by a second press, too', () => {
  const { input, sent, held } = createBench();
  input.toggle('Alt');
  input.toggle('Alt');
  assert.deepEqual(sent, ['+ffe9', '-ffe9']);
  assert.deepEqual(held, [['Alt'], []]);
});

test('a command is typed character by character, with Enter for the line end', async () => {
  const { input, sent } = createBench();
  assert.equal(await input.type('a\n'), true);
  assert.deepEqual(sent, ['+61', '-61', '+ff0d', '-ff0d']);
});

test('typing stops and says so when the picture is gone', async () => {
  const { input, lose } = createBench();
  lose();
  assert.equal(await input.type('claude'), false);
});

test('every character has its X11 symbol; control characters have none', () => {
  assert.deepEqual(keysymsOf('aZ~é'), [0x61, 0x5a, 0x7e, 0xe9]);
  assert.deepEqual(keysymsOf('€🌍'), [0x010020ac, 0x0101f30d]);
  assert.deepEqual(keysymsOf('\u0007\r\n\t'), [0xff0d, 0xff09]);
});

test('the remote desktop takes the place’s size, within what is usable', () => {
  assert.deepEqual(remoteSizeFor({ width: 1001, height: 701 }), { width: 1000, height: 700 });
  assert.deepEqual(remoteSizeFor({ width: 360, height: 480 }), { width: 720, height: 960 });
  assert.deepEqual(remoteSizeFor({ width: 5120, height: 2560 }), { width: 2560, height: 1280 });
  assert.deepEqual(remoteSizeFor({ width: 0, height: 0 }), { width: 1920, height: 1080 });
});

test('what a phone’s keyboard changed in the field becomes keys', () => {
  assert.deepEqual(difference('..hel', '..hello'), { deleted: 0, added: 'lo' });
  assert.deepEqual(difference('..helo', '..hello'), { deleted: 1, added: 'lo' });
  assert.deepEqual(difference('..hello', '..'), { deleted: 5, added: '' });
});

function createClipboardBench(options: { permission: PermissionState | 'unknown'; secure?: boolean }) {
  let local = '';
  const toRemote: string[] = [];
  const shown: [string, boolean][] = [];
  const clipboard = createClipboard({
    system:
      options.secure === false
        ? undefined
        : {
            readText: async () => local,
            writeText: async (text) => {
              local = text;
            },
          },
    readPermission: async () => options.permission,
    toRemote: (text) => toRemote.push(text),
    onRemoteText: (text, copied) => shown.push([text, copied]),
  });
  return {
    clipboard,
    toRemote,
    shown,
    copy: (text: string) => {
      local = text;
    },
  };
}

test('what the desktop copied is on this machine’s clipboard and does not bounce back', async () => {
  const { clipboard, toRemote, shown } = createClipboardBench({ permission: 'granted' });
  await clipboard.received('from there');
  await clipboard.offer();
  assert.deepEqual(shown, [['from there', true]]);
  assert.deepEqual(toRemote, []);
});

test('what was copied here goes along when the desktop gets the focus, unless the browser would ask', async () => {
  const granted = createClipboardBench({ permission: 'granted' });
  granted.copy('from here');
  await granted.clipboard.offer();
  await granted.clipboard.offer();
  assert.deepEqual(granted.toRemote, ['from here']);

  const prompting = createClipboardBench({ permission: 'prompt' });
  prompting.copy('from here');
  await prompting.clipboard.offer();
  assert.deepEqual(prompting.toRemote, []);
  await prompting.clipboard.beforePaste();
  assert.deepEqual(prompting.toRemote, ['from here']);
});

test('what is given by hand is not replaced by what was copied here before', async () => {
  const { clipboard, toRemote, copy } = createClipboardBench({ permission: 'granted' });
  copy('from here');
  clipboard.give('by hand');
  await clipboard.offer();
  await clipboard.beforePaste();
  assert.deepEqual(toRemote, ['by hand']);
});

test('without a clipboard of the browser the panel has the text', async () => {
  const { clipboard, shown, toRemote } = createClipboardBench({ permission: 'unknown', secure: false });
  await clipboard.received('from there');
  await clipboard.beforePaste();
  assert.deepEqual(shown, [['from there', false]]);
  assert.deepEqual(toRemote, []);
});
