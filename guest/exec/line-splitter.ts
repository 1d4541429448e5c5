/** Cuts a byte stream into lines and never holds more than one line of at most `maxBytes`. */

export interface LineSplitter {
  push(chunk: Buffer): void;
  /** The stream is over: what is left without a line break is a line too. */
  end(): void;
}

/** A line that is too long is dropped whole, and `tooLong` is told once. */
export function createLineSplitter(options: {
  maxBytes: number;
  line: (text: string) => void;
  tooLong: () => void;
}): LineSplitter {
  let parts: Buffer[] = [];
  let bytes = 0;
  let dropping = false;

  function keep(part: Buffer): void {
    if (dropping) return;
    bytes += part.length;
    if (bytes <= options.maxBytes) {
      parts.push(part);
      return;
    }
    parts = [];
    dropping = true;
    options.tooLong();
  }

  function finish(): void {
    if (!dropping) options.line(Buffer.concat(parts, bytes).toString());
    parts = [];
    bytes = 0;
    dropping = false;
  }

  return {
    push(chunk) {
      let start = 0;
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
        keep(chunk.subarray(start, end));
        finish();
        start = end + 1;
      }
      if (start < chunk.length) keep(chunk.subarray(start));
    },
    end() {
      if (bytes > 0) finish();
    },
  };
}
