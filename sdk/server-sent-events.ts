/** Reads a `text/event-stream` body: the parts of it that Polydev sends. */

export interface ServerSentEvent {
  id: string;
  data: string;
}

/** Ends when the body ends. Comments, which keep a quiet connection open, come out as null. */
export async function* readServerSentEvents(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<ServerSentEvent | null, void, undefined> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = '';
  let id = '';
  let data: string[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line === '') {
          if (data.length > 0) yield { id, data: data.join('\n') };
          data = [];
        } else if (line.startsWith(':')) {
          yield null;
        } else if (line.startsWith('data:')) {
          data.push(fieldValue(line, 'data:'));
        } else if (line.startsWith('id:')) {
          id = fieldValue(line, 'id:');
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function fieldValue(line: string, field: string): string {
  const value = line.slice(field.length);
  return value.startsWith(' ') ? value.slice(1) : value;
}
