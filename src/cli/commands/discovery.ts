import { jsonText, printLine } from '../terminal/print.ts';
import type { Flags } from '../../config/types.ts';
import { findPorts } from '../../network/arduino/find-ports.ts';
import { followConfig } from '../../network/arduino/follow-config.ts';
import { splitLines } from '../../network/arduino/protocol.ts';
import { serveDiscovery } from '../../network/arduino/serve.ts';
import { cancelled } from '../../model/errors.ts';
import { exitCodeFor } from '../../model/failure.ts';
import type { Io } from './io.ts';

export interface DiscoveryOptions {
  readonly flags: Flags;
}

/**
 * `otarc discovery`: Arduino's pluggable discovery on stdin and stdout, until QUIT, the end of stdin, or nobody reads
 * stdout any more. What is wrong otherwise is printed on stderr, which arduino-cli does not show.
 */
export async function discoveryCommand({ flags }: DiscoveryOptions, io: Io): Promise<number> {
  // A configuration that is a program may print something: not into the protocol.
  console.log = console.info = console.debug = console.error;
  const over = new AbortController();
  const signal = AbortSignal.any([io.signal, over.signal]);
  const told = new Set<string>();
  const onProblem = (message: string) => {
    if (!told.has(message)) printLine(io.stderr, `otarc discovery: ${message}`);
    told.add(message);
  };
  const config = followConfig({ flags, env: io.env, signal, onProblem });
  const conversation = serveDiscovery({
    find: ({ signal: searching, onChange }) =>
      findPorts({ config, signal: AbortSignal.any([signal, searching]), onProblem, onChange }),
    say: (message) => void io.stdout.write(`${jsonText(message, { indent: 2 })}\n`),
  });
  const end = () => over.abort();
  io.stdout.on('error', end);
  try {
    // It takes a while, and is needed in a moment.
    void config.refresh();
    await hearAll(io.stdin, { signal, hear: conversation.hear, isOver: () => conversation.isOver });
  } finally {
    end();
    conversation.close();
    io.stdout.off('error', end);
  }
  const isInterrupted = io.signal.aborted && cancelled(io.signal).details['signal'] !== undefined;
  return isInterrupted ? exitCodeFor(cancelled(io.signal)) : 0;
}

interface Hearing {
  readonly signal: AbortSignal;
  readonly hear: (line: string | undefined) => Promise<void>;
  readonly isOver: () => boolean;
}

/** One line after the other; resolves when there is nothing to hear any more. */
function hearAll(input: NodeJS.ReadableStream, { signal, hear, isOver }: Hearing): Promise<void> {
  return new Promise((resolve, reject) => {
    let rest: string | undefined = '';
    let heard = Promise.resolve();
    const take = (lines: readonly (string | undefined)[]) => {
      for (const line of lines) {
        heard = heard.then(async () => {
          if (isOver() || signal.aborted) return;
          await hear(line);
          if (isOver()) finish();
        });
      }
      heard.catch(reject);
    };
    const onData = (chunk: string | Buffer) => {
      const { lines, rest: behind } = splitLines(rest, String(chunk));
      rest = behind;
      take(lines);
    };
    const onEnd = () => void heard.then(finish, reject);
    const finish = () => {
      input.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onEnd);
      signal.removeEventListener('abort', finish);
      // A pipe that is read keeps the process.
      input.pause();
      resolve();
    };
    input.setEncoding('utf8');
    input.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onEnd);
    signal.addEventListener('abort', finish);
    if (signal.aborted) finish();
  });
}
