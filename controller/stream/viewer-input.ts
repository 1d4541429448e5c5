/**
 * Finds in what a viewer sends the messages that a person causes: keys, pointer, clipboard. The others a viewer sends by
 * itself. RFB of version 3.3 to 3.8 without a password, as our desktops speak it.
 *
 * It only listens: what it does not understand is somebody else's to refuse, and counts as input from then on.
 */

/** Of one message; null: its head does not say yet. */
type Measured = { length: number; isInput: boolean } | null;

/** As much as is ever needed to measure a message. */
const headBytes = 12;
const versionBytes = 12;
/** Of an extended clipboard message: somebody copied here, or gives what was copied. */
const clipboardGiven = (1 << 27) | (1 << 28);

/** Takes chunks as they come, cut anywhere. Answers whether there is input in it. */
export function createViewerInput(): (chunk: Buffer) => boolean {
  /** What is measured next: version, security type, the viewer's wish to share, then messages. */
  const opening: ((head: Buffer) => Measured)[] = [version, oneByte];
  let head: Buffer = Buffer.alloc(0);
  let skip = 0;
  let lost = false;

  function version(start: Buffer): Measured {
    if (start.length < versionBytes) return null;
    const [, major, minor] = /^RFB (\d{3})\.(\d{3})\n$/.exec(start.subarray(0, versionBytes).toString('latin1')) ?? [];
    if (major !== '003') throw new Error('This is not RFB 3.');
    // From 3.7 on the viewer chooses how it proves who it is.
    if (Number(minor) >= 7) opening.unshift(securityNone);
    return { length: versionBytes, isInput: false };
  }

  function measureNext(): Measured {
    const [measure] = opening;
    if (!measure) return measureMessage(head);
    opening.shift();
    const measured = measure(head);
    if (!measured) opening.unshift(measure);
    return measured;
  }

  function take(chunk: Buffer): boolean {
    let isInput = false;
    let at = 0;
    while (at < chunk.length) {
      const skipped = Math.min(skip, chunk.length - at);
      skip -= skipped;
      at += skipped;
      const more = chunk.subarray(at, at + headBytes - head.length);
      if (more.length === 0) continue;
      const before = head.length;
      head = Buffer.concat([head, more]);
      const measured = measureNext();
      if (!measured) {
        at += more.length;
        continue;
      }
      isInput ||= measured.isInput;
      // Some of it may have come with the chunk before.
      at += Math.min(more.length, measured.length - before);
      skip = Math.max(0, measured.length - head.length);
      head = Buffer.alloc(0);
    }
    return isInput;
  }

  return (chunk) => {
    if (lost) return true;
    try {
      return take(chunk);
    } catch {
      lost = true;
      return true;
    }
  };
}

function securityNone(head: Buffer): Measured {
  if (head.length === 0) return null;
  if (head[0] !== 1) throw new Error('This viewer wants a password.');
  return { length: 1, isInput: false };
}

function oneByte(head: Buffer): Measured {
  return head.length === 0 ? null : { length: 1, isInput: false };
}

function measureMessage(head: Buffer): Measured {
  const [type, second = 0] = head;
  const own = (length: number) => ({ length, isInput: false });
  const input = (length: number) => ({ length, isInput: true });
  switch (type) {
    case undefined:
      return null;
    case 0: // SetPixelFormat
      return own(20);
    case 2: // SetEncodings
      return head.length < 4 ? null : own(4 + 4 * head.readUInt16BE(2));
    case 3: // FramebufferUpdateRequest
      return own(10);
    case 4: // KeyEvent
      return input(8);
    case 5: // PointerEvent, with a byte more when the highest bit says that there are more buttons
      return head.length < 2 ? null : input(second & 0x80 ? 7 : 6);
    case 6: // ClientCutText
      return measureClipboard(head);
    case 150: // EnableContinuousUpdates
      return own(10);
    case 248: // ClientFence
      return head.length < 9 ? null : own(9 + head.readUInt8(8));
    case 250: // xvp
      return own(4);
    case 251: // SetDesktopSize
      return head.length < 7 ? null : own(8 + 16 * head.readUInt8(6));
    case 255: // QEMU: extended key event
      if (head.length < 2) return null;
      if (second === 0) return input(12);
  }
  throw new Error('There is no such message.');
}

/** A negative length: the extended clipboard, by which viewers also ask and answer by themselves. */
function measureClipboard(head: Buffer): Measured {
  if (head.length < 8) return null;
  const length = head.readInt32BE(4);
  if (length >= 0) return { length: 8 + length, isInput: true };
  if (length > -4) throw new Error('An extended clipboard message without flags.');
  if (head.length < headBytes) return null;
  return { length: 8 - length, isInput: (head.readInt32BE(8) & clipboardGiven) !== 0 };
}
