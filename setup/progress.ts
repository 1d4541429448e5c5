/** A list of steps that tick with their times: lines that update in a terminal, plain lines elsewhere. */

const spinnerFrames = ['◐', '◓', '◑', '◒'];
const frameMs = 120;

export interface Step {
  /** Says what is being done inside the step, for example `packages 212/340`. */
  detail(text: string): void;
  /** What is written behind the tick instead of nothing. */
  result(text: string): void;
}

export interface Progress {
  /** Runs the work as one step. The step fails when the work throws. */
  step<T>(title: string, work: (step: Step) => Promise<T> | T): Promise<T>;
}

export function createProgress(output: NodeJS.WriteStream): Progress {
  const interactive = output.isTTY === true;
  return {
    async step(title, work) {
      const startedMs = performance.now();
      let detail = '';
      let result = '';
      let frame = 0;
      const seconds = () => `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
      const line = (mark: string, text: string) => `${mark} ${title.padEnd(18)} ${seconds().padStart(7)}  ${text}`;
      const draw = () => {
        frame += 1;
        const width = Math.max(20, (output.columns ?? 80) - 1);
        output.write(`\r\x1b[K${line(spinnerFrames[frame % spinnerFrames.length] ?? '·', detail).slice(0, width)}`);
      };
      const timer = interactive ? setInterval(draw, frameMs) : undefined;
      const end = (mark: string) => {
        clearInterval(timer);
        output.write(`${interactive ? '\r\x1b[K' : ''}${line(mark, result).trimEnd()}\n`);
      };
      let lastPlainMs = startedMs;
      try {
        const value = await work({
          detail(text) {
            detail = text;
            // Without a terminal a long step still shows that it lives, once in ten seconds.
            if (!interactive && performance.now() - lastPlainMs > 10_000) {
              lastPlainMs = performance.now();
              output.write(`${line('…', text)}\n`);
            }
          },
          result(text) {
            result = text;
          },
        });
        end('✓');
        return value;
      } catch (error) {
        end('✗');
        throw error;
      }
    },
  };
}
