/**
 * Writes what a run says into its timeline. The first text goes out at once; after that, what comes within one tick
 * goes out together, and neighbouring pieces of text as one, so that a fast model does not wait for the database.
 */

import type { RunEvent, RunStreamEvent } from '@polydev/protocol';
import { spellsUnstorable, storable } from '../store/storable.ts';
import type { SourceLine } from './tool.ts';

const tickMs = 20;
/** A longer line of the tool is not kept beside its event. */
const maxRawChars = 64 * 1024;
const maxTextChars = 64 * 1024;
/** Who adds more than this ahead of the database waits for it. */
const maxAheadChars = 1024 * 1024;
const smallEventChars = 200;

export interface Recorder {
  /** Resolves at once unless the writing lags behind. Rejects when a write failed. */
  add(event: RunEvent, source?: SourceLine): Promise<void>;
  /** Resolves when everything is written. */
  finish(): Promise<void>;
}

type Entry = Extract<RunStreamEvent, { type: 'event' }>;

/** How much of what a run says stands in its timeline already, from before the controller started again. */
export interface Recorded {
  textChars: number;
  otherEvents: number;
}

export function recordedOf(timeline: Iterable<RunStreamEvent>): Recorded {
  const recorded = { textChars: 0, otherEvents: 0 };
  for (const entry of timeline) {
    if (entry.type !== 'event') continue;
    if (entry.event.type === 'text') recorded.textChars += entry.event.text.length;
    else recorded.otherEvents += 1;
  }
  return recorded;
}

/** What was recorded already is heard again, and passed over. */
export function createRecorder(
  append: (event: Entry) => Promise<unknown>,
  recorded: Recorded = { textChars: 0, otherEvents: 0 },
): Recorder {
  const before = { ...recorded };
  let waiting: Entry[] = [];
  let aheadChars = 0;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;
  let failed: unknown;
  let textSeen = false;

  async function writeAll(): Promise<void> {
    const batch = waiting;
    waiting = [];
    aheadChars = 0;
    await Promise.all(batch.map((entry) => append(entry)));
  }

  /** One writing at a time; what comes meanwhile waits for the next tick. */
  function write(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    writing ??= writeAll()
      .catch((error) => {
        failed = error;
      })
      .finally(() => {
        writing = undefined;
        if (waiting.length > 0) timer ??= setTimeout(write, tickMs);
      });
    return writing;
  }

  /** Without what was recorded already; null when nothing is left of it. */
  function unrecorded(event: RunEvent): RunEvent | null {
    if (event.type !== 'text') {
      if (before.otherEvents === 0) return event;
      before.otherEvents -= 1;
      return null;
    }
    const known = Math.min(before.textChars, event.text.length);
    before.textChars -= known;
    return known === event.text.length ? null : { ...event, text: event.text.slice(known) };
  }

  return {
    async add(heard, source) {
      if (failed) throw failed;
      const event = unrecorded(storable(heard));
      if (!event) return;
      aheadChars += push(waiting, event, source);
      if (event.type === 'text' && !textSeen) {
        textSeen = true;
        void write();
      }
      if (!writing) timer ??= setTimeout(write, tickMs);
      if (aheadChars > maxAheadChars) await write();
    },
    async finish() {
      while (writing || waiting.length > 0) await write();
      clearTimeout(timer);
      if (failed) throw failed;
    },
  };
}

/** Answers about how many characters came to what waits. */
function push(waiting: Entry[], event: RunEvent, source: SourceLine | undefined): number {
  const ownChars = event.type === 'text' ? event.text.length : smallEventChars;
  const last = waiting.at(-1);
  if (event.type === 'text' && last?.event.type === 'text' && last.event.text.length < maxTextChars) {
    waiting[waiting.length - 1] = { type: 'event', event: { type: 'text', text: last.event.text + event.text } };
    return ownChars;
  }
  const raw = source && isKeepable(source.line) ? source.raw : undefined;
  waiting.push({ type: 'event', event, ...(raw !== undefined && { raw }) });
  // An event without its raw line may still hold much of it.
  return ownChars + Math.min(source?.line.length ?? 0, maxRawChars);
}

function isKeepable(line: string): boolean {
  return line.length <= maxRawChars && !spellsUnstorable(line);
}
