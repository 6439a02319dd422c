import { Writable } from 'node:stream';
import type { BuildContext, BuildRequest } from '../../src/builders/types.ts';
import type { EventBody } from '../../src/model/events.ts';

interface RecordedContext extends BuildContext {
  readonly events: EventBody[];
  /** All that the tool has printed so far. */
  printed(): string;
  /** Resolves when the tool has printed a text that matches. */
  waitFor(pattern: RegExp): Promise<void>;
}

interface ContextOptions {
  readonly signal?: AbortSignal;
  readonly isTTY?: boolean;
}

/** A context that notes what is told and printed. */
export function recordedContext(env: NodeJS.ProcessEnv, options: ContextOptions = {}): RecordedContext {
  const events: EventBody[] = [];
  const chunks: Buffer[] = [];
  const printed = (): string => Buffer.concat(chunks).toString();
  const output = new Writable({
    write(chunk: Buffer, _encoding, callback) {
      chunks.push(chunk);
      output.emit('printed');
      callback();
    },
  });
  return {
    env,
    tell: (event) => events.push(event),
    signal: options.signal ?? new AbortController().signal,
    output: Object.assign(output, { isTTY: options.isTTY ?? false }),
    events,
    printed,
    waitFor: (pattern) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (pattern.test(printed())) resolve();
          else output.once('printed', look);
        };
        look();
      }),
  };
}

/** A request for the firmware of `projectDir`. */
export function firmwareOf(projectDir: string, more: Partial<BuildRequest> = {}): BuildRequest {
  return { projectDir, kind: 'firmware', args: [], ...more };
}
